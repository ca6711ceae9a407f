/**
 * The contract of a group store, run on every adapter.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../events/bytes.ts';
import type { CommitBatch, GroupStore, StateRange } from '../../storage/port.ts';
import {
  blockAt,
  chainOf,
  GROUP,
  headAt,
  hexId,
  id,
  lmdbAdapter,
  memoryAdapter,
} from '../support/group-stores.ts';

describe.each([lmdbAdapter(), memoryAdapter()])('group store on $name', (adapter) => {
  let group: GroupStore;
  beforeEach(async () => {
    group = await adapter.open();
  });
  afterEach(() => adapter.close());

  test('a new group is empty', () => {
    expect(group.groupId).toBe(GROUP);
    expect(group.head()).toBeUndefined();
    expect(group.block(0)).toBeUndefined();
    expect(group.blockId(0)).toBeUndefined();
    expect(group.heightOf(hexId(1000))).toBeUndefined();
    expect(group.effects(0)).toBeUndefined();
    expect(group.txLocation(hexId(9))).toBeUndefined();
    expect(group.replacement(hexId(9))).toBeUndefined();
    expect(group.hasReplacements()).toBe(false);
    expect(group.state('a')).toBeUndefined();
    expect(group.node(0, 0)).toBeUndefined();
    expect(group.artifact(hexId(200))).toBeUndefined();
    expect([...group.stateRange('')]).toEqual([]);
    expect([...group.blocks(0)]).toEqual([]);
    expect([...group.artifacts()]).toEqual([]);
    expect(group.artifactCount()).toBe(0);
  });

  test('a commit is read back in full', async () => {
    await group.commit({
      ...chainOf(0, 2),
      state: [
        ['balance/a', utf8('12')],
        ['empty', new Uint8Array(0)],
      ],
      txs: [
        { txId: id(5), height: 1, index: 7 },
        { txId: hexId(6), height: 2, index: 65_535, replaced: true },
      ],
      nodes: [
        [0, 0, id(70)],
        [255, 2 ** 48 - 1, id(71)],
      ],
      artifacts: [{ hash: id(201), bytes: utf8('text') }],
    });
    expect(group.head()).toEqual(headAt(2));
    expect(group.block(1)).toEqual(utf8('block 1'));
    expect(group.effects(2)).toEqual(utf8('effects 2'));
    expect(group.blockId(2)).toBe(hexId(1002));
    expect(group.heightOf(hexId(1002))).toBe(2);
    expect(group.heightOf(id(1001))).toBe(1);
    expect(group.state('balance/a')).toEqual(utf8('12'));
    expect(group.state('empty')).toEqual(new Uint8Array(0));
    expect(group.txLocation(hexId(5))).toEqual({ height: 1, index: 7 });
    expect(group.txLocation(id(6))).toBeUndefined();
    expect([...group.txIds('')]).toEqual([hexId(5)]);
    expect(group.replacement(id(6))).toEqual({ height: 2, index: 65_535 });
    expect(group.replacement(id(5))).toBeUndefined();
    expect(group.hasReplacements()).toBe(true);
    expect(group.node(0, 0)).toEqual(id(70));
    expect(group.node(255, 2 ** 48 - 1)).toEqual(id(71));
    expect(group.artifact(hexId(201))).toEqual(utf8('text'));
    expect(group.hasArtifact(id(201))).toBe(true);
    expect([...group.artifacts()]).toEqual([{ hash: hexId(201), size: 4 }]);
    expect(group.artifactCount()).toBe(1);
  });

  test('ids are found by the digits that they begin with, an odd number of them too, and only in their group', async () => {
    const ids = ['ab12', 'ab1f', 'ab20', 'ff00'].map((digits) => digits + '0'.repeat(60));
    const txs = ids.map((txId, index) => ({ txId, height: 0, index }));
    await group.commit({ blocks: [{ ...blockAt(0), id: ids[2]! }], head: headAt(0), txs });
    expect([...group.txIds('ab1')]).toEqual(ids.slice(0, 2));
    expect([...group.txIds('ab')]).toEqual(ids.slice(0, 3));
    expect([...group.txIds('ff')]).toEqual(ids.slice(3));
    expect([...group.txIds('')]).toEqual(ids);
    expect([...group.txIds('ab2')]).toEqual([ids[2]]);
    expect([...group.txIds('0')]).toEqual([]);
    expect([...group.blockIds('ab2')]).toEqual([ids[2]]);
    expect([...group.blockIds('ab1')]).toEqual([]);
  });

  test('blocks are walked in order and between bounds', async () => {
    await group.commit(chainOf(0, 299));
    const heights = (from: number, to?: number) => [...group.blocks(from, to)].map((block) => block.height);
    expect(heights(0)).toEqual(Array.from({ length: 300 }, (_, at) => at));
    expect(heights(298)).toEqual([298, 299]);
    expect(heights(3, 6)).toEqual([3, 4, 5]);
    expect(heights(6, 6)).toEqual([]);
    expect(heights(300)).toEqual([]);
    expect([...group.blocks(7, 8)]).toEqual([{ height: 7, id: hexId(1007), bytes: utf8('block 7') }]);
  });

  test('the state is written over and deleted', async () => {
    await group.commit({
      state: [
        ['a', utf8('1')],
        ['b', utf8('1')],
      ],
    });
    await group.commit({
      state: [
        ['a', utf8('2')],
        ['b', undefined],
        ['never there', undefined],
      ],
    });
    expect([...group.stateRange('')]).toEqual([['a', utf8('2')]]);
  });

  test('the last write of a key in one commit counts', async () => {
    await group.commit({
      state: [
        ['a', utf8('1')],
        ['a', undefined],
        ['b', undefined],
        ['b', utf8('2')],
      ],
    });
    expect([...group.stateRange('')]).toEqual([['b', utf8('2')]]);
  });

  test('what was given in belongs to the caller again, and so does what is given out', async () => {
    const value = utf8('one');
    const committed = group.commit({ state: [['a', value]] });
    value.fill(0);
    await committed;
    group.state('a')!.fill(0);
    expect(group.state('a')).toEqual(utf8('one'));
  });

  test('commits may be issued before earlier ones are done, and take effect in order', async () => {
    const resolved: number[] = [];
    const commits = Array.from({ length: 50 }, (_, height) =>
      group
        .commit({ ...chainOf(height, height), state: [['last', utf8(String(height))]] })
        .then(() => resolved.push(height)),
    );
    await Promise.all(commits);
    expect(resolved).toEqual(Array.from({ length: 50 }, (_, at) => at));
    expect(group.head()?.height).toBe(49);
    expect(group.state('last')).toEqual(utf8('49'));
  });

  test('history is filled in below the head and never above it', async () => {
    await group.commit({ head: headAt(10), state: [['from', utf8('a checkpoint')]] });
    await group.commit({ blocks: [blockAt(4), blockAt(5)] });
    expect(group.head()?.height).toBe(10);
    expect(group.block(5)).toEqual(utf8('block 5'));
    await expect(group.commit({ blocks: [blockAt(11)] })).rejects.toMatchObject({ code: 'out_of_order' });
    await group.commit(chainOf(11, 12));
    expect(group.head()?.height).toBe(12);
  });

  test.each([
    ['a gap', chainOf(5, 5)],
    ['a block that is there', chainOf(2, 2)],
    ['a head without its block', { head: headAt(4) }],
  ])('out_of_order: %s', async (_, batch) => {
    await group.commit(chainOf(0, 2));
    const refused = { ...batch, state: [['a', utf8('1')] as const] };
    await expect(group.commit(refused)).rejects.toMatchObject({ name: 'StorageError', code: 'out_of_order' });
    expect(group.state('a')).toBeUndefined();
    expect(group.head()?.height).toBe(2);
    await group.commit(chainOf(3, 3));
    expect(group.head()?.height).toBe(3);
  });

  test.each<[string, CommitBatch]>([
    ['blocks with a gap', { blocks: [blockAt(0), blockAt(2)], head: headAt(2) }],
    ['a head that is not the last block', { blocks: [blockAt(0)], head: headAt(1) }],
    ['an empty state key', { ...chainOf(0, 0), state: [['', utf8('x')]] }],
    ['a state key too long', { ...chainOf(0, 0), state: [['é'.repeat(800), utf8('x')]] }],
    ['a broken state key', { ...chainOf(0, 0), state: [['\ud800', utf8('x')]] }],
    ['a hash too short', { ...chainOf(0, 0), nodes: [[0, 0, new Uint8Array(31)]] }],
    ['an id too short', { ...chainOf(0, 0), txs: [{ txId: 'abcd', height: 0, index: 0 }] }],
  ])('a bug of the caller: %s; nothing of the batch is kept', async (_, batch) => {
    await expect(group.commit(batch)).rejects.toThrow(RangeError);
    expect(group.head()).toBeUndefined();
    expect(group.block(0)).toBeUndefined();
    await group.commit(chainOf(0, 0));
    expect(group.head()?.height).toBe(0);
  });

  test('a batch whose iterable throws leaves nothing', async () => {
    function* broken(): Generator<readonly [string, Uint8Array]> {
      yield ['a', utf8('1')];
      throw new Error('broken');
    }
    await expect(group.commit({ ...chainOf(0, 0), state: broken() })).rejects.toThrow('broken');
    expect(group.state('a')).toBeUndefined();
    await group.commit(chainOf(0, 0));
  });

  test('state keys of the greatest length', async () => {
    const keys = ['a'.repeat(1536), 'é'.repeat(768), '\u{1f600}'.repeat(384)];
    await group.commit({ state: keys.map((key) => [key, utf8(key)] as const) });
    for (const key of keys) expect(group.state(key)).toEqual(utf8(key));
    expect([...group.stateRange('')].map(([key]) => key)).toEqual(keys);
  });

  test('large values', async () => {
    const block = new Uint8Array(4 * 1024 * 1024).map((_, at) => at % 251);
    const artifact = block.subarray(0, 1_000_003);
    await group.commit({
      blocks: [{ height: 0, id: id(1), bytes: block }],
      head: headAt(0),
      artifacts: [{ hash: id(2), bytes: artifact }],
    });
    expect(Buffer.compare(group.block(0)!, block)).toBe(0);
    expect(Buffer.compare(group.artifact(id(2))!, artifact)).toBe(0);
    expect([...group.artifacts()]).toEqual([{ hash: hexId(2), size: 1_000_003 }]);
  });

  test('artifacts are listed from a hash on', async () => {
    await group.commit({ artifacts: [3, 1, 2].map((n) => ({ hash: id(n), bytes: new Uint8Array(n) })) });
    expect([...group.artifacts()].map((entry) => entry.size)).toEqual([1, 2, 3]);
    expect([...group.artifacts(hexId(2))].map((entry) => entry.size)).toEqual([2, 3]);
    expect(group.artifactCount()).toBe(3);
  });

  test('closed: everything is refused after close', async () => {
    await group.commit(chainOf(0, 0));
    const inFlight = group.commit({ state: [['a', utf8('1')]] });
    const walk = group.stateRange('')[Symbol.iterator]();
    await adapter.close();
    await inFlight;
    await expect(group.commit(chainOf(1, 1))).rejects.toMatchObject({ name: 'StorageError', code: 'closed' });
    expect(() => group.head()).toThrow(expect.objectContaining({ code: 'closed' }));
    expect(() => group.state('a')).toThrow(expect.objectContaining({ code: 'closed' }));
    expect(() => walk.next()).toThrow(expect.objectContaining({ code: 'closed' }));
    expect(() => group.artifactCount()).toThrow(expect.objectContaining({ code: 'closed' }));
  });

  test('property: ranges agree with a sorted list', async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
    console.log(`seed ${seed}`);
    const oracle = new Map<string, Uint8Array>();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(stateWrite, { maxLength: 40 }),
        fc.array(rangeQuery, { minLength: 1 }),
        async (writes, queries) => {
          const value = utf8(`round ${round++}`);
          for (const [key, keep] of writes) keep ? oracle.set(key, value) : oracle.delete(key);
          await group.commit({
            state: writes.map(([key, keep]) => [key, keep ? value : undefined] as const),
          });
          for (const [prefix, range] of queries) {
            expect([...group.stateRange(prefix, range)]).toEqual(rangeOf(oracle, prefix, range));
          }
        },
      ),
      { seed, numRuns: 150 },
    );
  });

  test('a range longer than a page, both ways', async () => {
    const entries = Array.from(
      { length: 1100 },
      (_, at) => [`k/${String(at).padStart(5, '0')}`, utf8(String(at))] as const,
    );
    await group.commit({ state: [...entries, ['k', utf8('')], ['k0', utf8('')]] });
    expect([...group.stateRange('k/')]).toEqual(entries);
    expect([...group.stateRange('k/', { reverse: true })]).toEqual(entries.toReversed());
    expect([...group.stateRange('k/', { limit: 700 })]).toEqual(entries.slice(0, 700));
    expect([...group.stateRange('k/', { reverse: true, limit: 700 })]).toEqual(
      entries.slice(400).toReversed(),
    );
  });
});

/** Keys that are prefixes of one another, and characters on which byte order and UTF-16 order differ. */
const keyPart = fc.constantFrom(
  'task/',
  'a',
  'ab',
  'b',
  '/',
  '0',
  'é',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
  '\0',
  '\x7f',
  '\ue000',
);
const keyText = fc.array(keyPart, { maxLength: 4 }).map((parts) => parts.join(''));
const stateKey = keyText.filter((key) => key !== '');
const stateWrite = fc.tuple(stateKey, fc.boolean());
const rangeQuery = fc
  .tuple(
    keyText,
    fc.option(keyText, { nil: undefined }),
    fc.boolean(),
    fc.option(fc.nat({ max: 6 }), { nil: undefined }),
  )
  .map(([prefix, rest, reverse, limit]): [string, StateRange] => [
    prefix,
    { start: rest === undefined ? undefined : prefix + rest, reverse, limit } as StateRange,
  ]);

/** The oracle: all keys, sorted by their bytes, filtered one by one. */
function rangeOf(entries: Map<string, Uint8Array>, prefix: string, { start, reverse, limit }: StateRange) {
  const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const sorted = [...entries].sort(([a], [b]) => compare(a, b));
  const asked = (reverse ? sorted.toReversed() : sorted).filter(([key]) => {
    const order = start === undefined ? 0 : compare(key, start);
    return key.startsWith(prefix) && (reverse ? order <= 0 : order >= 0);
  });
  return asked.slice(0, limit);
}
