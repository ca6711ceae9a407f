import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8 } from '../../../events/bytes.ts';
import { CHECKSUM_BYTES, isIntact, seal } from '../../../storage/checksum.ts';
import { errnoOf, StorageError, storageErrorOf } from '../../../storage/errors.ts';
import { decodeHead, encodeHead } from '../../../storage/head.ts';
import { afterPrefix, heightKey, nodeKey, stateKey, stateKeyText } from '../../../storage/keys.ts';
import { forEachWrite, PackedWrites } from '../../../storage/packed-writes.ts';
import { TABLES } from '../../../storage/schema.ts';
import { hexId } from './temporary.ts';

test('no two tables share an id or a name, and ids are their places', () => {
  expect(new Set(TABLES.map((table) => table.name)).size).toBe(TABLES.length);
  expect(TABLES.map((table) => table.id)).toEqual(TABLES.map((_, at) => at));
});

test('packed writes come out as they went in', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const write = fc.tuple(fc.constantFrom('state', 'blocks'), bytes, fc.option(bytes, { nil: undefined }));
  fc.assert(
    fc.property(fc.array(write), (writes) => {
      const packed = new PackedWrites();
      for (const [table, key, value] of writes) {
        if (value) packed.put(table as 'state', key, value);
        else packed.delete(table as 'state', key);
      }
      expect(packed.count).toBe(writes.length);
      const names = { 2: 'blocks', 7: 'state' } as Record<number, string>;
      const out: unknown[] = [];
      forEachWrite(packed.take(), (table, key, stored) => {
        if (stored !== undefined) expect(isIntact(table, key, stored)).toBe(true);
        const value = stored && Uint8Array.from(stored.subarray(0, -CHECKSUM_BYTES));
        out.push([names[table], Uint8Array.from(key), value]);
      });
      expect(out).toEqual(writes);
      expect(packed.count).toBe(0);
    }),
    { seed: 1 },
  );
});

test('a checksum finds every changed bit, another key, another table and another length', () => {
  for (const length of [0, 1, 3, 4, 5, 31, 140, 768, 769, 5_000]) {
    const key = utf8('key');
    const stored = new Uint8Array(length + CHECKSUM_BYTES).map((_, at) => (at * 7) & 255);
    seal(7, key, stored);
    expect(isIntact(7, key, stored)).toBe(true);
    expect(isIntact(8, key, stored)).toBe(false);
    expect(isIntact(7, utf8('kez'), stored)).toBe(false);
    expect(isIntact(7, utf8('key\0'), stored)).toBe(false);
    expect(isIntact(7, key, stored.subarray(0, -1))).toBe(false);
    for (let bit = 0; bit < 8 * stored.length; bit += length > 200 ? 13 : 1) {
      stored[bit >> 3]! ^= 1 << (bit & 7);
      expect(isIntact(7, key, stored)).toBe(false);
      stored[bit >> 3]! ^= 1 << (bit & 7);
    }
  }
});

test('keys sort as what they stand for', () => {
  const sorted = (keys: Uint8Array[]) => [...keys].sort(Buffer.compare);
  const heights = [0, 1, 255, 256, 2 ** 32, 2 ** 48 - 1].map((height) => heightKey(1, height).slice());
  const keys = [
    ...heights,
    heightKey(2, 0).slice(),
    heightKey(256, 0).slice(),
    heightKey(2 ** 32 - 1, 0).slice(),
  ];
  expect(sorted(keys)).toEqual(keys);
  const nodes = [nodeKey(1, 0, 2 ** 40).slice(), nodeKey(1, 1, 0).slice(), nodeKey(2, 0, 0).slice()];
  expect(sorted(nodes)).toEqual(nodes);
  for (const height of [-1, 0.5, 2 ** 48, Number.NaN]) {
    if (height !== 0.5 && !Number.isNaN(height)) expect(() => heightKey(1, height)).toThrow(RangeError);
  }
  expect(stateKeyText(stateKey(9, 'tâche/\u{1f600}'))).toBe('tâche/\u{1f600}');
});

test('the bound above a prefix', () => {
  expect(afterPrefix(Uint8Array.of(1, 2))).toEqual(Uint8Array.of(1, 3));
  expect(afterPrefix(Uint8Array.of(1, 255, 255))).toEqual(Uint8Array.of(2));
  expect(afterPrefix(Uint8Array.of(255))).toBeUndefined();
  expect(afterPrefix(new Uint8Array(0))).toBeUndefined();
});

test('a head is read as it was written, and nothing else is a head', () => {
  const head = {
    height: 2 ** 40,
    blockId: hexId(5),
    tsMs: Date.UTC(2030, 1),
    frontier: [new Uint8Array(32).fill(1), new Uint8Array(32)],
    operations: 2 ** 50,
    transactions: 0,
  };
  const bytes = encodeHead(head);
  expect(decodeHead(bytes)).toEqual(head);
  const corrupt = expect.objectContaining({ code: 'corrupt' });
  expect(() => decodeHead(bytes.subarray(0, -1))).toThrow(corrupt);
  expect(() => decodeHead(utf8('?'))).toThrow(corrupt);
  expect(() => decodeHead(encodeHead({ ...head, blockId: 'abcd' }))).toThrow(corrupt);
  for (const wrong of [{ height: -1 }, { tsMs: 0.5 }, { frontier: [new Uint8Array(31)] }])
    expect(() => encodeHead({ ...head, ...wrong })).toThrow(RangeError);
});

test.each([
  [28, 'disk_full'],
  [122, 'disk_full'],
  [27, 'disk_full'],
  [5, 'io'],
  [22, 'io'],
  [-30795, 'io'],
  [undefined, 'io'],
  [12, 'map_full'],
  [-30792, 'map_full'],
  [-30796, 'corrupt'],
  [-30793, 'corrupt'],
  [-30794, 'newer_format'],
])('errno %s is %s', (errno, code) => {
  const error = storageErrorOf(errno, 'detail');
  expect(error).toBeInstanceOf(StorageError);
  expect(error).toMatchObject({ code, errno });
  expect(error.message).toContain('detail');
  expect(errnoOf(Object.assign(new Error(), { code: errno }))).toBe(errno);
});
