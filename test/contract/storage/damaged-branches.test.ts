/**
 * What stands above the leaves has no checksum. So everything in it is changed here, one thing after another: each
 * bit, each page that it leads to, and several bits at once. Every answer is then what was written, or damage. And no
 * tree that LMDB made is taken for a damaged one.
 */
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { checkDataFile } from '../../../storage/data-file.ts';
import { Intact } from '../../../storage/intact.ts';
import { Pages } from '../../../storage/pages.ts';
import { TABLE_ID } from '../../../storage/schema.ts';
import { openStore } from '../../../storage/store.ts';
import { DamagedTree, type Outcome, type Shape } from '../../support/damaged-tree.ts';
import { hexId, temporaryDirectory } from '../../unit/storage/temporary.ts';

const SEED = Number(process.env.LB_SEED ?? Math.floor(Math.random() * 2 ** 31));
process.stderr.write(`damaged branches: LB_SEED=${SEED}\n`);

const HEADER_BYTES = 24;

class Tally {
  readonly counts = { refused: 0, found: 0, harmless: 0 };
  readonly #wrong: string[] = [];

  add(what: string, outcome: Outcome): void {
    if (outcome === 'refused' || outcome === 'found' || outcome === 'harmless') this.counts[outcome]++;
    else this.#wrong.push(`${what}: ${outcome}`);
  }

  end(title: string): void {
    process.stderr.write(`${title}: ${JSON.stringify(this.counts)}\n`);
    expect(this.#wrong).toEqual([]);
  }
}

/** Short keys in two levels; and long ones in three, of which every 41st bit is turned. */
const SHAPES: readonly [title: string, shape: Shape, levels: number, step: number][] = [
  ['two levels', { keys: 32, keyBytes: 2, valueBytes: 620 }, 2, 1],
  ['three levels', { keys: 42, keyBytes: 620, valueBytes: 100 }, 3, 41],
];

describe.each(SHAPES)('in a tree of %s', (title, shape, levels, step) => {
  let tree: DamagedTree;
  let branches: number[];
  beforeEach(async () => {
    tree = await DamagedTree.make(temporaryDirectory(), shape);
    onTestFinished(() => tree.close());
    const pages = tree.pages();
    expect(pages[0]!.depth).toBe(levels);
    branches = pages.flatMap(({ page, depth }) => (depth > 1 ? [page] : []));
    expect(tree.with(branches[0]!, tree.page(branches[0]!))).toBe('harmless');
  });

  test('a turned bit of a branch makes no wrong answer', () => {
    const tally = new Tally();
    for (const page of branches) {
      const whole = tree.page(page);
      // Between the list of places and the entries there is nothing.
      const [lower, upper] = [whole.readUInt16LE(20), whole.readUInt16LE(22)].map((at) => HEADER_BYTES + at);
      for (let bit = 0; bit < whole.length * 8; bit += step) {
        const at = bit >> 3;
        if (at >= lower! && at < upper!) continue;
        const bytes = Buffer.from(whole);
        bytes[at]! ^= 1 << (bit & 7);
        tally.add(`bit ${bit} of page ${page}`, tree.with(page, bytes));
      }
    }
    tally.end(`each bit, ${title}`);
    // A separator that still fits its order misleads; only the leaf beside it tells.
    expect(tally.counts.found).toBeGreaterThan(0);
  });

  test('several turned bits in the keys of a branch make no wrong answer', () => {
    const draw = drawer(SEED);
    const tally = new Tally();
    for (let n = 0; n < 1_000; n++) {
      const page = branches[draw(branches.length)]!;
      const bytes = tree.page(page);
      const entries = bytes.readUInt16LE(20) / 2;
      for (let turns = 2 + draw(4); turns > 0; turns--) {
        const place = HEADER_BYTES + bytes.readUInt16LE(HEADER_BYTES + 2 * draw(entries));
        const length = bytes.readUInt16LE(place + 6);
        // Of long keys the end, in which they differ.
        if (length > 0) bytes[place + 8 + length - 1 - draw(Math.min(length, 6))]! ^= 1 << draw(8);
      }
      tally.add(`${n}: page ${page}`, tree.with(page, bytes));
    }
    tally.end(`several bits, ${title}`);
    expect(tally.counts.found).toBeGreaterThan(0);
  });

  test('a branch that leads to another page, an older one among them, is refused', () => {
    const tally = new Tally();
    for (const page of branches) {
      const whole = tree.page(page);
      const entries = whole.readUInt16LE(20) / 2;
      for (let n = 0; n < entries; n++) {
        const place = HEADER_BYTES + whole.readUInt16LE(HEADER_BYTES + 2 * n);
        for (let other = 0; other <= tree.pageCount; other++) {
          if (whole.readUInt32LE(place) === other) continue;
          const bytes = Buffer.from(whole);
          bytes.writeUInt32LE(other, place);
          tally.add(`page ${page} leads to ${other}`, tree.with(page, bytes));
        }
      }
    }
    tally.end(`other pages, ${title}`);
    expect(tally.counts).toMatchObject({ found: 0, harmless: 0 });
  });
});

describe('a sound tree is believed', () => {
  test.each([
    ['short keys', 8],
    ['long keys', 700],
  ])('whatever came and went in it: %s', async (_, keyBytesMax) => {
    const draw = drawer(SEED);
    const dir = temporaryDirectory();
    const data = join(dir, 'data.mdb');
    const store = openStore(dir, { durability: 'commit' });
    onTestFinished(() => store.close());
    const group = await store.addGroup(hexId(1), 'a', 0);
    const names = Array.from({ length: 900 }, (_one, n) => `${n * 7919}`.padEnd(1 + draw(keyBytesMax), 'x'));
    const present = new Map<string, Uint8Array>();
    let depth = 0;
    for (let commit = 0; commit < 60; commit++) {
      // Everything comes, then nearly everything goes, and again.
      const isGoing = Math.floor(commit / 15) % 2 === 1;
      const state = Array.from({ length: 120 }, (_one, n) => {
        const value = new Uint8Array(draw(200)).fill(n);
        return [names[draw(names.length)]!, draw(10) < (isGoing ? 1 : 8) ? value : undefined] as const;
      });
      await group.commit({ state });
      for (const [key, value] of state) value === undefined ? present.delete(key) : present.set(key, value);
      checkDataFile(data);
      const intact = new Intact(data, (use) => use());
      for (const id of Object.values(TABLE_ID)) intact.assertWhole(id, new Uint8Array(0), undefined);
      intact.close();
      for (const key of names) expect(group.state(key)?.length).toBe(present.get(key)?.length);
      depth = Math.max(depth, depthOf(data));
    }
    expect(depth).toBeGreaterThanOrEqual(keyBytesMax > 100 ? 3 : 2);
    await store.backup(join(dir, 'copy'));
    checkDataFile(join(dir, 'copy', 'data.mdb'));
  });
});

/** Levels of the table `state`. */
function depthOf(data: string): number {
  const pages = new Pages(data);
  const { main } = pages.meta;
  const record = pages.entries(main.root!, main.depth).find(({ key }) => key.toString() === 'state\0');
  pages.close();
  return record === undefined ? 0 : pages.treeIn(record.data).depth;
}

/** A small generator of its own, so that a seed gives the same damage on every machine. */
function drawer(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 16), 0x45d9f3b);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % below;
  };
}
