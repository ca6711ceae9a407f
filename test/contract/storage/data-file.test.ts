/** A damaged database is found before LMDB ends the process over it, and a sound one is not taken for damaged. */
import { copyFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { beforeEach, describe, expect, test } from 'vitest';
import { checkDataFile } from '../../../storage/data-file.ts';
import { byNumber, Pages } from '../../../storage/pages.ts';
import { TABLES } from '../../../storage/schema.ts';
import { openStore } from '../../../storage/store.ts';
import { hexId, temporaryDirectory } from '../../unit/storage/temporary.ts';

let dir: string;
let data: string;
/** The machine's. */
let pageBytes: number;

/** A store whose trees have branches, and values that are longer than a page. */
beforeEach(async () => {
  dir = temporaryDirectory();
  data = join(dir, 'data.mdb');
  const store = openStore(dir, { durability: 'commit' });
  const group = await store.addGroup(hexId(1), 'a', 0);
  for (let round = 0; round < 5; round++)
    await group.commit({
      state: Array.from(
        { length: 400 },
        (_, at) => [`key/${at}`, new Uint8Array(at % 90).fill(round)] as const,
      ),
      artifacts: [{ hash: hexId(round), bytes: new Uint8Array(20_000).fill(round) }],
    });
  await store.close();
  pageBytes = readFileSync(data).readUInt32LE(48);
});

const corrupt = (words: string) =>
  expect.objectContaining({ name: 'StorageError', code: 'corrupt', message: expect.stringContaining(words) });
const opening = () => openStore(dir, { durability: 'commit' });

/** The meta page that counts: that of the later transaction. */
function metaAt(): number {
  const file = readFileSync(data);
  return file.readBigUInt64LE(152) >= file.readBigUInt64LE(pageBytes + 152) ? 0 : pageBytes;
}

function change(edit: (file: Buffer) => void): void {
  const file = readFileSync(data);
  edit(file);
  writeFileSync(data, file);
}

test('a sound file has a tree for each table', () => {
  expect(checkDataFile(data)).toEqual({ databases: TABLES.length });
});

test('a list of free pages that grew over many transactions is sound', async () => {
  const store = openStore(dir, { durability: 'commit' });
  const group = await store.addGroup(hexId(2), 'b', 0);
  // What a reader may still see is not used again.
  const reader = open({ path: dir, maxDbs: TABLES.length + 8, maxReaders: 16 });
  const seen = reader.useReadTransaction();
  for (let at = 0; at < 400; at++) await group.commit({ state: [[`key/${at}`, new Uint8Array(at % 90)]] });
  const pages = new Pages(data);
  const { free } = pages.meta;
  expect(free.depth, 'more than one page of them').toBeGreaterThan(1);
  pages.close();
  expect(checkDataFile(data)).toEqual({ databases: TABLES.length });
  seen.done();
  await reader.close();
  await store.close();
  await opening().close();
});

describe('a file that is cut short', () => {
  test.each([1, 100, 8192, 8193, 40_000])('to %i bytes', (bytes) => {
    truncateSync(data, bytes);
    expect(opening).toThrow(corrupt('cut short'));
    expect(opening).toThrow('restore it from a backup');
  });

  test('is refused wherever a page is missing that is in use, and opens where none is', async () => {
    const whole = `${data}.whole`;
    copyFileSync(data, whole);
    const { size } = statSync(data);
    let refused = 0;
    for (let pages = 2; pages < size / pageBytes; pages += 7) {
      copyFileSync(whole, data);
      truncateSync(data, pages * pageBytes);
      try {
        checkDataFile(data);
      } catch (error) {
        expect(error).toEqual(corrupt('cut short'));
        refused++;
        continue;
      }
      // Believed to be whole: then all of it can be read.
      const store = opening();
      expect([...store.group(hexId(1)).stateRange('')]).toHaveLength(400);
      await store.close();
    }
    expect(refused).toBeGreaterThan(0);
  });

  test('is sound when only pages that nobody uses are not there', async () => {
    const lastPageAt = metaAt() + 144;
    change((file) => file.writeBigUInt64LE(file.readBigUInt64LE(lastPageAt) + 9n, lastPageAt));
    expect(checkDataFile(data)).toEqual({ databases: TABLES.length });
    const store = opening();
    expect([...store.group(hexId(1)).stateRange('')]).toHaveLength(400);
    await store.close();
  });
});

describe('a file that is overwritten', () => {
  const garbage = (file: Buffer, from: number, to: number) => file.fill(0xa5, from, to);

  test.each<[string, string, (file: Buffer) => void]>([
    ['as a whole', 'is not a database', (file) => garbage(file, 0, file.length)],
    ['behind the mark of its first page', 'is damaged', (file) => garbage(file, 32, 400)],
    ['in its second page', 'is damaged', (file) => garbage(file, pageBytes, 2 * pageBytes)],
    ['behind its first pages', 'is damaged', (file) => garbage(file, 2 * pageBytes, file.length)],
    ['with nothing behind its first pages', 'is damaged', (file) => file.fill(0, 2 * pageBytes)],
  ])('%s', (_, words, edit) => {
    change(edit);
    expect(opening).toThrow(corrupt(words));
  });

  test.each([
    ['the top of the tables', 136],
    ['the list of free pages', 88],
  ])('in the page at %s', (_, rootAt) => {
    change((file) => {
      const page = Number(file.readBigUInt64LE(metaAt() + rootAt));
      garbage(file, page * pageBytes, (page + 1) * pageBytes);
    });
    expect(opening).toThrow(corrupt('is damaged'));
  });
});

describe('a file of which a few bytes are others', () => {
  /** Where in the file the value of the first entry is that `tree` has under a key that `isIt`. */
  function valueAt(tree: 'free' | 'main', isIt: (key: Buffer) => boolean): { at: number; value: Buffer } {
    const pages = new Pages(data);
    const root = pages.meta[tree].root!;
    const { data: value } = pages
      .entries(root, 1, tree === 'free' ? byNumber : undefined)
      .find(({ key }) => isIt(key))!;
    pages.close();
    return { at: readFileSync(data).indexOf(value, root * pageBytes), value };
  }

  /** The pages of the table `state`, and those that its top leads to. */
  function pagesOfState(): { top: number; leaves: number[] } {
    const pages = new Pages(data);
    const { root, depth } = pages.treeIn(valueAt('main', (key) => key.toString() === 'state\0').value);
    const leaves = pages.entries(root!, depth).map(({ page }) => page);
    pages.close();
    return { top: root!, leaves };
  }

  test('a run of free pages that reaches into what is in use', () => {
    const { at, value } = valueAt('free', () => true);
    const { leaves } = pagesOfState();
    const free = Array.from({ length: value.length / 8 - 1 }, (_, n) =>
      Number(value.readBigInt64LE(8 * (n + 1))),
    );
    expect(free.length).toBeGreaterThan(1);
    const used = leaves.find((page) => !free.includes(page - 1))!;
    // The page before it is named alone in no list.
    change((file) => {
      file.writeBigUInt64LE(2n, at);
      file.writeBigInt64LE(-2n, at + 8);
      file.writeBigInt64LE(BigInt(used - 1), at + 16);
      file.fill(0, at + 24, at + value.length);
    });
    expect(opening).toThrow(corrupt('is free and has a place'));
  });

  test.each([
    ['more numbers than it has', 0, 1_000_000n, 'a list of free pages'],
    ['the first page of the file', 8, 1n, 'a free page that does not exist'],
    ['a page behind the last', 8, 1_000_000n, 'a free page that does not exist'],
  ])('a list of free pages with %s', (_, offset, number, words) => {
    const { at } = valueAt('free', () => true);
    change((file) => file.writeBigUInt64LE(number, at + offset));
    expect(opening).toThrow(corrupt(words));
  });

  test('a page of a transaction that has not been', () => {
    const { top } = pagesOfState();
    change((file) => file.writeBigUInt64LE(2n ** 40n, top * pageBytes + 8));
    expect(opening).toThrow(corrupt(`page ${top}`));
  });

  test('a table whose keys would be integers', () => {
    const { at } = valueAt('main', (key) => key.toString() === 'state\0');
    change((file) => file.writeUInt16LE(0x08, at + 4));
    expect(opening).toThrow(corrupt('a tree of another kind'));
  });
});

describe('a database that must be there', () => {
  const expected = () => openStore(dir, { durability: 'commit', isExpected: true });

  test('and is missing or empty is lost, and not made anew', () => {
    truncateSync(data, 0);
    expect(expected).toThrow(corrupt('is missing or empty'));
    expect(statSync(data).size).toBe(0);
    rmSync(data);
    expect(expected).toThrow(corrupt('is missing or empty'));
    expect(statSync(data, { throwIfNoEntry: false })).toBeUndefined();
  });

  test.each<[string, (lock: string) => void]>([
    ['missing', (lock) => rmSync(lock)],
    ['empty', (lock) => truncateSync(lock, 0)],
    ['short', (lock) => truncateSync(lock, 10)],
    ['garbage', (lock) => writeFileSync(lock, new Uint8Array(100_000).fill(0xa5))],
  ])('opens whatever became of its lock file: %s', async (_, spoil) => {
    spoil(join(dir, 'lock.mdb'));
    const store = expected();
    expect([...store.group(hexId(1)).stateRange('')]).toHaveLength(400);
    await store.group(hexId(1)).commit({ state: [['more', new Uint8Array(1)]] });
    await store.close();
  });
});
