/** Reads at the port of the store: one value each, short, long, and not there. */
import { createHash } from 'node:crypto';
import type * as storeModule from '../../storage/store.ts';
import type { ImportOf, Reads } from './child.ts';

const VALUES = 50_000;
const ARTIFACTS = 4_000;
const BLOCKS = 50;
const PER_COMMIT = 5_000;

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
const list = <T>(length: number, make: (at: number) => T): T[] => Array.from({ length }, (_, at) => make(at));

export async function layStore(
  importOf: ImportOf,
  dir: string,
  scale: number,
): Promise<{ reads: Reads; close(): Promise<void> }> {
  const { openStore } = await importOf<typeof storeModule>('storage/store.ts');
  const store = openStore(dir, { durability: 'commit' });
  const group = await store.addGroup(hash('group').toString('hex'), 'bench', 0);
  const count = Math.ceil(VALUES * scale);
  const keys = list(count, (at) => `balance/${hash(`key ${at}`).toString('hex')}`);
  const absent = list(count, (at) => `balance/${hash(`absent ${at}`).toString('hex')}`);
  const txIds = list(count, (at) => hash(`transaction ${at}`));
  const noTxIds = list(count, (at) => hash(`no transaction ${at}`));
  const artifacts = list(Math.ceil(ARTIFACTS * scale), (at) => hash(`artifact ${at}`));
  const long = Buffer.concat(list(4_000, (at) => hash(`bytes ${at}`))).subarray(0, 120_000);
  for (let from = 0; from < count; from += PER_COMMIT)
    await group.commit({
      state: keys.slice(from, from + PER_COMMIT).map((key, at) => [key, long.subarray(at, at + 60)] as const),
      txs: txIds.slice(from, from + PER_COMMIT).map((txId, index) => ({ txId, height: from, index })),
      artifacts: artifacts
        .slice(from, from + PER_COMMIT)
        .map((of, at) => ({ hash: of, bytes: long.subarray(at, at + 400) })),
    });
  for (let height = 0; height < BLOCKS; height++) {
    const id = hash(`block ${height}`);
    const head = {
      height,
      blockId: id.toString('hex'),
      tsMs: 1,
      frontier: [],
      operations: 0,
      transactions: 0,
    };
    await group.commit({ blocks: [{ height, id, bytes: long, effects: long.subarray(0, 60_000) }], head });
  }
  const at = <T>(values: readonly T[], index: number): T => values[index % values.length]!;
  const reads: Reads = new Map<string, (n: number) => unknown>([
    ['store: a value of the state, 60 B', (n: number) => group.state(at(keys, n))],
    ['store: a key that is not there', (n: number) => group.state(at(absent, n))],
    ['store: a place in the index of transactions', (n: number) => group.txLocation(at(txIds, n))],
    ['store: a transaction that is not there', (n: number) => group.txLocation(at(noTxIds, n))],
    ['store: an artifact, 400 B', (n: number) => group.artifact(at(artifacts, n))],
    ['store: a scan of 256 values', () => [...group.stateRange('balance/', { limit: 256 })]],
    ['store: a block, 120 KB', (n: number) => group.block(n % BLOCKS)],
    ['store: effects, 60 KB', (n: number) => group.effects(n % BLOCKS)],
  ]);
  return { reads, close: () => store.close() };
}
