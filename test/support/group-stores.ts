/** Group stores of each kind, empty, and batches to fill them with. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { utf8 } from '../../events/bytes.ts';
import { memoryGroup } from '../../storage/memory.ts';
import type { CommitBatch, GroupStore, Head } from '../../storage/port.ts';
import { openStore, type Store } from '../../storage/store.ts';

export const GROUP = 'ab'.repeat(32);

interface Adapter {
  readonly name: string;
  open(): Promise<GroupStore>;
  close(): Promise<void>;
}

export function lmdbAdapter(): Adapter {
  const dir = mkdtempSync(join(tmpdir(), 'storage-contract-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  let store: Store;
  let count = 0;
  return {
    name: 'lmdb',
    async open() {
      store = openStore(join(dir, String(count++)), { durability: 'commit' });
      // Neighbours on both sides, so that a scan that leaves its group is seen.
      const before = await store.addGroup('01'.repeat(32), 'before', 0);
      const group = await store.addGroup(GROUP, 'tested', 0);
      const after = await store.addGroup('ff'.repeat(32), 'after', 0);
      for (const other of [before, after]) await other.commit(stuffing());
      return group;
    },
    close: () => store.close(),
  };
}

export function memoryAdapter(): Adapter {
  let close = async (): Promise<void> => {};
  return {
    name: 'memory',
    async open() {
      const group = memoryGroup(GROUP);
      close = () => group.close();
      return group;
    },
    close: () => close(),
  };
}

function stuffing(): CommitBatch {
  return {
    ...chainOf(0, 3),
    state: [
      ['', 'a', 'm', 'task/a', '\u{10ffff}'].map((key) => [`${key}z`, utf8('not yours')] as const),
    ].flat(),
    nodes: [[0, 0, id(77)]],
    txs: [{ txId: id(9), height: 0, index: 0 }],
    artifacts: [{ hash: id(200), bytes: utf8('not yours') }],
  };
}

export function id(n: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(28, n);
  return bytes;
}

export function hexId(n: number): string {
  return n.toString(16).padStart(64, '0');
}

export function headAt(height: number): Head {
  return {
    height,
    blockId: hexId(1000 + height),
    tsMs: 1_700_000_000_000 + height,
    frontier: [id(1), id(2)],
    operations: 2 * height,
    transactions: height,
  };
}

export function blockAt(height: number) {
  return {
    height,
    id: id(1000 + height),
    bytes: utf8(`block ${height}`),
    effects: utf8(`effects ${height}`),
  };
}

export function chainOf(from: number, to: number): CommitBatch {
  return { blocks: Array.from({ length: to - from + 1 }, (_, at) => blockAt(from + at)), head: headAt(to) };
}
