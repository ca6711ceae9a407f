import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { open } from 'lmdb';
import { pack } from 'msgpackr';
import { expect, onTestFinished, test } from 'vitest';
import { utf8 } from '../../../events/bytes.ts';
import { CHECKSUM_BYTES, seal } from '../../../storage/checksum.ts';
import { PackedWrites } from '../../../storage/packed-writes.ts';
import type { Head } from '../../../storage/port.ts';
import { STORE_FORMAT, TABLE_ID } from '../../../storage/schema.ts';
import { openStore } from '../../../storage/store.ts';
import { Writer } from '../../../storage/writer.ts';
import { hexId, temporaryDirectory, temporaryStore } from '../../unit/storage/temporary.ts';

function headAt(height: number): Head {
  return { height, blockId: hexId(height), tsMs: height, frontier: [], operations: 0, transactions: 0 };
}

function blocksTo(height: number, from = 0) {
  return Array.from({ length: height + 1 - from }, (_, at) => ({
    height: from + at,
    id: hexId(from + at),
    bytes: utf8(`block ${from + at}`),
  }));
}

test('groups are registered once, keep their numbers and are listed after a restart', async () => {
  const dir = temporaryDirectory();
  const first = openStore(dir, { durability: 'flush' });
  expect(first.groups()).toEqual([]);
  expect(first.hasGroup(hexId(7))).toBe(false);
  expect(() => first.group(hexId(7))).toThrow(RangeError);
  const [a, again] = await Promise.all([
    first.addGroup(hexId(7), 'a', 1),
    first.addGroup(hexId(7), 'twice', 2),
  ]);
  expect(again).toBe(a);
  expect(first.group(hexId(7))).toBe(a);
  await first.addGroup(hexId(3), 'b', 3);
  await first.close();

  const second = temporaryStore(dir);
  await second.addGroup(hexId(5), 'c', 4);
  expect(second.groups()).toEqual([
    { groupId: hexId(3), number: 2, name: 'b', addedMs: 3 },
    { groupId: hexId(5), number: 3, name: 'c', addedMs: 4 },
    { groupId: hexId(7), number: 1, name: 'a', addedMs: 1 },
  ]);
});

test('everything is there after a restart', async () => {
  const dir = temporaryDirectory();
  const first = openStore(dir, { durability: 'flush' });
  const group = await first.addGroup(hexId(1), 'a', 0);
  await group.commit({ blocks: blocksTo(2), head: headAt(2), state: [['k', utf8('v')]] });
  await first.outbox.put(utf8('o'), utf8('1'));
  await first.wallet.put(utf8('w'), utf8('2'));
  await first.close();

  const second = temporaryStore(dir);
  expect(second.group(hexId(1)).head()).toEqual(headAt(2));
  expect(second.group(hexId(1)).state('k')).toEqual(utf8('v'));
  expect(second.outbox.get(utf8('o'))).toEqual(utf8('1'));
  expect(second.wallet.get(utf8('w'))).toEqual(utf8('2'));
  await second.group(hexId(1)).commit({ blocks: blocksTo(3, 3), head: headAt(3) });
});

test.each([
  ['newer_format', 'a store of a later version', 'upgrade', sealed('format', pack([STORE_FORMAT + 1]))],
  ['older_format', 'a store of format 1, without checksums', 'export its groups', pack([1])],
])('%s: %s is refused', async (code, _, words, stored) => {
  const dir = temporaryDirectory();
  await openStore(dir, { durability: 'flush' }).close();
  const env = open(dir, {
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
    noSubdir: false,
  });
  const registry = env.openDB({ name: 'registry', keyEncoding: 'binary', encoding: 'binary' });
  registry.putSync(Buffer.from('format'), stored);
  await env.close();
  expect(() => openStore(dir, { durability: 'flush' })).toThrow(
    expect.objectContaining({ name: 'StorageError', code, message: expect.stringContaining(words) }),
  );
});

/** A value of the registry as it is stored. */
function sealed(key: string, value: Uint8Array): Uint8Array {
  const stored = Buffer.concat([value, new Uint8Array(CHECKSUM_BYTES)]);
  seal(TABLE_ID.registry, Buffer.from(key), stored);
  return stored;
}

function fileWith(name: string, content: Uint8Array | string): (dir: string) => void {
  return (dir) => writeFileSync(join(dir, name), content);
}

/** What lmdb-js would end the process over. */
test.each<[string, string, (dir: string) => void]>([
  ['a file that is no database', 'corrupt', fileWith('data.mdb', 'this is not a database'.repeat(1000))],
  ['a file that is cut short', 'corrupt', fileWith('data.mdb', 'x')],
  ['a directory for a file', 'corrupt', (dir) => mkdirSync(join(dir, 'data.mdb'))],
  ['a directory for the lock file', 'corrupt', (dir) => mkdirSync(join(dir, 'lock.mdb'))],
  ['another version of LMDB', 'newer_format', fileWith('data.mdb', pageOfVersion(3))],
])('%s is refused as %s', (_, code, spoil) => {
  const dir = temporaryDirectory();
  spoil(dir);
  const refused = expect.objectContaining({ name: 'StorageError', code });
  expect(() => openStore(dir, { durability: 'flush' })).toThrow(refused);
});

function pageOfVersion(version: number): Uint8Array {
  const bytes = new Uint8Array(8192);
  const page = new DataView(bytes.buffer);
  page.setUint32(24, 0xbeefc0de, true);
  page.setUint32(28, version, true);
  return bytes;
}

test('a store cannot be opened below a file, or mapped beyond the address space', () => {
  const dir = temporaryDirectory();
  writeFileSync(join(dir, 'file'), '');
  const refused = expect.objectContaining({ name: 'StorageError', code: 'io' });
  expect(() => openStore(join(dir, 'file', 'chain'), { durability: 'flush' })).toThrow(refused);
  expect(() => openStore(dir, { durability: 'flush', mapSize: 2 ** 50 })).toThrow(RangeError);
});

test('the map grows beyond its first size', async () => {
  const dir = temporaryDirectory();
  const store = openStore(dir, { durability: 'commit', mapSize: 1024 * 1024 });
  const group = await store.addGroup(hexId(1), 'a', 0);
  const bytes = new Uint8Array(100_000).fill(7);
  for (let n = 0; n < 200; n++) {
    await group.commit({ artifacts: [{ hash: hexId(n), bytes }] });
    if (n % 20 === 0) expect(group.artifact(hexId(n))).toEqual(bytes);
  }
  await store.close();
  expect(temporaryStore(dir).group(hexId(1)).artifactCount()).toBe(200);
});

test('the files are for their user alone', async () => {
  const dir = join(temporaryDirectory(), 'chain');
  const store = temporaryStore(dir);
  await store.addGroup(hexId(1), 'a', 0);
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  expect(statSync(join(dir, 'data.mdb')).mode & 0o777).toBe(0o600);
});

test('close waits for what is in flight, twice is once, and later work is refused', async () => {
  const dir = temporaryDirectory();
  const store = openStore(dir, { durability: 'flush' });
  const group = await store.addGroup(hexId(1), 'a', 0);
  const inFlight = Array.from({ length: 20 }, (_, height) =>
    group.commit({ blocks: blocksTo(height, height), head: headAt(height) }),
  );
  const closed = store.close();
  expect(store.close()).toBe(closed);
  await Promise.all([...inFlight, closed]);
  const closedError = expect.objectContaining({ name: 'StorageError', code: 'closed' });
  await expect(group.commit({ head: headAt(99) })).rejects.toEqual(closedError);
  await expect(store.addGroup(hexId(2), 'b', 0)).rejects.toEqual(closedError);
  await expect(store.outbox.put(utf8('a'), utf8('b'))).rejects.toEqual(closedError);
  await expect(store.artifacts.put(hexId(1), utf8('b'))).rejects.toEqual(closedError);
  await expect(store.backup(join(dir, 'b'))).rejects.toEqual(closedError);
  expect(() => store.groups()).toThrow(closedError);
  expect(() => store.group(hexId(1))).toThrow(closedError);
  expect(() => store.snapshot()).toThrow(closedError);
  expect(() => store.wallet.get(utf8('a'))).toThrow(closedError);
  const again = temporaryStore(dir);
  expect(again.group(hexId(1)).head()?.height).toBe(19);
});

test('commits of many groups take effect each in its own order', async () => {
  const store = temporaryStore();
  const groups = await Promise.all(
    Array.from({ length: 20 }, (_, n) => store.addGroup(hexId(n + 1), `${n}`, 0)),
  );
  const commits = Array.from({ length: 10 }, (_, height) =>
    groups.map((group, n) =>
      group.commit({
        blocks: blocksTo(height, height),
        head: headAt(height),
        state: [['n', utf8(`${n}/${height}`)]],
      }),
    ),
  );
  await Promise.all(commits.flat());
  for (const [n, group] of groups.entries()) {
    expect(group.head()?.height).toBe(9);
    expect(group.state('n')).toEqual(utf8(`${n}/9`));
  }
});

test('a snapshot does not see what is committed after it', async () => {
  const store = temporaryStore();
  const group = await store.addGroup(hexId(1), 'a', 0);
  await group.commit({ blocks: blocksTo(0), head: headAt(0), state: [['a', utf8('old')]] });
  const snapshot = store.snapshot();
  const before = snapshot.group(hexId(1));
  for (let height = 1; height <= 5; height++) {
    await group.commit({
      blocks: blocksTo(height, height),
      head: headAt(height),
      state: [
        ['a', utf8('new')],
        [`b${height}`, utf8('new')],
      ],
      artifacts: [{ hash: hexId(height), bytes: utf8('x') }],
    });
    expect(before.head()?.height).toBe(0);
    expect([...before.stateRange('')]).toEqual([['a', utf8('old')]]);
    expect([...before.blocks(0)]).toHaveLength(1);
    expect(before.artifactCount()).toBe(0);
    expect(snapshot.artifacts.has(hexId(height))).toBe(false);
  }
  expect(group.head()?.height).toBe(5);
  snapshot.close();
  snapshot.close();
  expect(() => before.head()).toThrow(expect.objectContaining({ code: 'closed' }));
  expect(group.artifactCount()).toBe(5);
});

test('a snapshot taken in the turn of an acknowledgement sees it', async () => {
  const store = temporaryStore();
  const group = await store.addGroup(hexId(1), 'a', 0);
  for (let height = 0; height < 50; height++) {
    group.state('a');
    await group.commit({ blocks: blocksTo(height, height), head: headAt(height) });
    using snapshot = store.snapshot();
    expect(snapshot.group(hexId(1)).head()?.height).toBe(height);
    expect(group.head()?.height).toBe(height);
  }
});

test('readSnapshot closes what it gave, also when its use fails; close ends what is open', async () => {
  const store = temporaryStore();
  const group = await store.addGroup(hexId(1), 'a', 0);
  await group.commit({ state: [['a', utf8('1')]] });
  const read = await store.readSnapshot((snapshot) => snapshot.group(hexId(1)).state('a'));
  expect(read).toEqual(utf8('1'));
  await expect(store.readSnapshot(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  const left = store.snapshot().group(hexId(1));
  await store.close();
  expect(() => left.state('a')).toThrow(expect.objectContaining({ code: 'closed' }));
});

test('a backup is a whole store of its own, taken while commits go on', async () => {
  const store = temporaryStore();
  const group = await store.addGroup(hexId(1), 'a', 0);
  const dir = join(temporaryDirectory(), 'deep', 'backup');
  const commits = Array.from({ length: 200 }, (_, height) =>
    group.commit({
      blocks: blocksTo(height, height),
      head: headAt(height),
      state: [['at', utf8(`${height}`)]],
    }),
  );
  await commits[20];
  await store.backup(dir);
  await Promise.all(commits);
  const copy = temporaryStore(dir);
  const height = copy.group(hexId(1)).head()!.height;
  expect(height).toBeGreaterThanOrEqual(20);
  expect(copy.group(hexId(1)).state('at')).toEqual(utf8(`${height}`));
  expect([...copy.group(hexId(1)).blocks(0)]).toHaveLength(height + 1);
});

test('the outbox and the wallet: put, get, list, delete, several at once', async () => {
  const { outbox, wallet } = temporaryStore();
  await outbox.put(utf8('b'), utf8('2'));
  await outbox.write([
    [utf8('a'), utf8('1')],
    [utf8('ab'), new Uint8Array(0)],
  ]);
  expect(outbox.get(utf8('a'))).toEqual(utf8('1'));
  expect(outbox.get(utf8('ab'))).toEqual(new Uint8Array(0));
  expect([...outbox.list()].map(([key]) => Buffer.from(key).toString())).toEqual(['a', 'ab', 'b']);
  expect([...outbox.list(utf8('a'))]).toHaveLength(2);
  expect([...wallet.list()]).toEqual([]);
  await outbox.delete(utf8('a'));
  await outbox.delete(utf8('never there'));
  expect(outbox.get(utf8('a'))).toBeUndefined();
  await expect(outbox.put(new Uint8Array(0), utf8('x'))).rejects.toThrow(RangeError);
  await expect(outbox.put(new Uint8Array(513), utf8('x'))).rejects.toThrow(RangeError);
});

test('10,000 groups and 200,000 entries: opening reads next to nothing', async () => {
  const dir = temporaryDirectory();
  const store = openStore(dir, { durability: 'commit' });
  await Promise.all(Array.from({ length: 10_000 }, (_, n) => store.addGroup(hexId(n + 1), `group ${n}`, n)));
  const group = store.group(hexId(5000));
  for (let part = 0; part < 20; part++) {
    await group.commit({
      state: Array.from(
        { length: 10_000 },
        (_, n) => [`task/${part}/${n}`, utf8('a value of some length')] as const,
      ),
    });
  }
  await store.close();

  const started = performance.now();
  const again = openStore(dir, { durability: 'flush' });
  expect(again.group(hexId(5000)).state('task/7/77')).toEqual(utf8('a value of some length'));
  const openedMs = performance.now() - started;
  expect(again.groups()).toHaveLength(10_000);
  await again.close();
  // Some 5 ms when the machine is quiet; what it must not be is proportional to what is stored.
  expect(openedMs).toBeLessThan(250);
});

test('another thread reads what this one commits', async () => {
  const dir = temporaryDirectory();
  const store = temporaryStore(dir, 'flush');
  const group = await store.addGroup(hexId(1), 'a', 0);
  const storeFile = new URL('../../../storage/store.ts', import.meta.url).href;
  const script = `
    const { parentPort } = require('node:worker_threads');
    const opened = import(${JSON.stringify(storeFile)}).then(({ openStoreReader }) =>
      openStoreReader(${JSON.stringify(dir)}, { durability: 'flush' }));
    parentPort.on('message', async (message) => {
      const reader = await opened;
      if (message === 'close') return reader.close().then(() => parentPort.close());
      reader.renew();
      const group = reader.group(${JSON.stringify(hexId(1))});
      parentPort.postMessage([group.head()?.height, [...group.blocks(0)].length]);
    });
  `;
  const thread = new Worker(script, { eval: true, execArgv: [] });
  onTestFinished(() => void thread.terminate());
  for (let height = 0; height < 20; height++) {
    await group.commit({ blocks: blocksTo(height, height), head: headAt(height) });
    thread.postMessage('read');
    const [seen] = await once(thread, 'message');
    expect(seen).toEqual([height, height + 1]);
  }
  thread.postMessage('close');
  await once(thread, 'exit');
  await group.commit({ blocks: blocksTo(20, 20), head: headAt(20) });
  expect(group.head()?.height).toBe(20);
});

test('a process that exits in the middle of commits ends well', () => {
  const dir = temporaryDirectory();
  const storeFile = new URL('../../../storage/store.ts', import.meta.url).href;
  const script = `
    const { openStore } = await import(${JSON.stringify(storeFile)});
    const store = openStore(${JSON.stringify(dir)}, { durability: 'flush' });
    const group = await store.addGroup('${hexId(1)}', 'a', 0);
    const commit = (n) => group.commit({ state: Array.from({ length: 2000 }, (_, k) => ['k' + k, Buffer.from('' + n)]) });
    for (let n = 0; n < 30; n++) commit(n);
    await commit(30);
    for (let n = 0; n < 30; n++) commit(n);
    process.exit(7);
  `;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(child.stderr).toBe('');
  expect(child.status).toBe(7);
  expect([...temporaryStore(dir).group(hexId(1)).stateRange('')]).toHaveLength(2000);
});

test('an open store does not keep the process alive, a commit in flight does', () => {
  const dir = temporaryDirectory();
  const storeFile = new URL('../../../storage/store.ts', import.meta.url).href;
  const script = `
    const { openStore } = await import(${JSON.stringify(storeFile)});
    const store = openStore(${JSON.stringify(dir)}, { durability: 'flush' });
    const group = await store.addGroup('${hexId(1)}', 'a', 0);
    group.commit({ state: [['a', Buffer.from('1')]] }).then(() => console.log('kept'));
  `;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(child).toMatchObject({ stdout: 'kept\n', stderr: '', status: 0 });
});

test('io: when the writer thread ends, everything that waits for it is settled', async () => {
  const nowhere = { dir: 'no\0where', mapSize: 2 ** 30, durability: 'flush' } as const;
  const writer = new Writer(nowhere, () => {});
  const waiting = [writer.submit(new PackedWrites()), writer.submit(new PackedWrites())];
  const io = expect.objectContaining({ name: 'StorageError', code: 'io' });
  for (const commit of waiting) await expect(commit).rejects.toEqual(io);
  await expect(writer.submit(new PackedWrites())).rejects.toEqual(io);
  await writer.close();
});
