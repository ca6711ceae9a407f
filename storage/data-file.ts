/**
 * The data file of LMDB, looked at before LMDB opens it.
 *
 * Checked are both meta pages, every page above the leaves of every tree, and the list of free pages: whether keys
 * are where the page above has them, whether each page has one place, whether nothing that is in use counts as free, so
 * that no branch leads to an older page, and whether the trees have the pages that they say. That is a page in a
 * hundred. The leaves are looked at when what they hold is read (`intact.ts`), unless the file is shorter than its
 * pages: then all of it is.
 */
import { StorageError } from './errors.ts';
import { byNumber, type PageEntry, Pages, type Tree } from './pages.ts';
import { assertWithin, FIRST, type Stretch } from './place.ts';
import { TABLES } from './schema.ts';

/** As LMDB has them, which ends a name with a zero. */
const NAMES: ReadonlySet<string> = new Set(TABLES.map(({ name }) => `${name}\0`));

/** All of the database, in the directory of its environment. */
export const DATA_FILE = 'data.mdb';

/** What the top of the trees says. */
export interface DataFileFacts {
  /** Named databases in the file. */
  readonly databases: number;
}

/**
 * Checks a data file that is not empty.
 * @throws StorageError `corrupt`, `newer_format`; errors of the system as they are
 */
export function checkDataFile(path: string): DataFileFacts {
  let pages: Pages | undefined;
  try {
    pages = new Pages(path);
    new Check(pages).run();
    return { databases: pages.meta.main.entries };
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== 'corrupt') throw error;
    throw new StorageError('corrupt', `${error.message}; ${WAY_BACK}`, { cause: error });
  } finally {
    pages?.close();
  }
}

/** What helps where no group can be told from another any more. */
export const WAY_BACK =
  'restore it from a backup, or move the folder away, make a new node with the same keys and join its groups again';

class Check {
  readonly #pages: Pages;
  /** A bit for each page: whether it has a place already. */
  readonly #taken: Uint8Array;
  readonly #isShort: boolean;

  constructor(pages: Pages) {
    this.#pages = pages;
    const { lastPage, pageBytes } = pages.meta;
    const { bytes } = pages;
    // Two meta pages, and the least that a tree of that many pages would take: a number out of all proportion.
    if (lastPage > 2 ** 36) throw pages.damaged('a number that is too large');
    // A file may be shorter than its pages where the last ones are free. Only then is all of it looked at.
    this.#isShort = bytes < (lastPage + 1) * pageBytes;
    this.#taken = new Uint8Array(Math.min(lastPage + 1, Math.ceil(bytes / pageBytes)) / 8 + 1);
  }

  run(): void {
    const { free, main } = this.#pages.meta;
    this.#checkTree(main, true);
    const lists: Buffer[] = [];
    this.#checkTree(free, false, lists);
    for (const list of lists) this.#checkFree(list);
  }

  /** Takes the page for one place in one tree. */
  #take(page: number): void {
    this.#pages.assertPage(page);
    if ((page + 1) * this.#pages.meta.pageBytes > this.#pages.bytes) throw this.#pages.cutShort();
    if (this.#isTaken(page)) throw this.#pages.damaged(`page ${page} has two places`);
    this.#mark(page);
  }

  #mark(page: number): void {
    this.#taken[page >> 3]! |= 1 << (page & 7);
  }

  #isTaken(page: number): boolean {
    return (this.#taken[page >> 3]! & (1 << (page & 7))) !== 0;
  }

  /** @param lists takes the values of the tree, whose leaves are read then */
  #checkTree(tree: Tree, holdsTrees: boolean, lists?: Buffer[]): void {
    if (tree.root === undefined) {
      if (tree.entries > 0 || tree.leaves > 0) throw this.#pages.damaged('a tree without its top');
      return;
    }
    const counts = { branches: 0, leaves: 0 };
    const isWhole = holdsTrees || lists !== undefined || this.#isShort || tree.depth <= 1;
    const keys = { from: FIRST, to: undefined };
    this.#checkBelow(tree.root, tree.depth, keys, counts, { isWhole, holdsTrees, lists });
    if (counts.branches !== tree.branches || counts.leaves !== tree.leaves)
      throw this.#pages.damaged('a tree that has not the pages it should have');
  }

  /** @param keys those that the pages above have this one for */
  #checkBelow(page: number, depth: number, keys: Stretch, counts: Counts, how: How): void {
    this.#take(page);
    if (depth <= 1) {
      counts.leaves++;
      if (how.isWhole) this.#checkLeaf(page, keys, how);
      return;
    }
    counts.branches++;
    const entries = this.#entries(page, depth, keys, how);
    for (const [at, entry] of entries.entries()) {
      const from = at === 0 ? keys.from : entry.key;
      this.#checkBelow(entry.page, depth - 1, { from, to: entries[at + 1]?.key ?? keys.to }, counts, how);
    }
  }

  /** The entries of a page, whose keys are in order and none that it should not have. */
  #entries(page: number, depth: number, keys: Stretch, { lists }: How): PageEntry[] {
    // The list of free pages, whose values are looked at, goes by the numbers of transactions.
    const compare = lists === undefined ? Buffer.compare : byNumber;
    const entries = this.#pages.entries(page, depth, compare);
    assertWithin(this.#pages, page, depth, entries, keys, compare);
    return entries;
  }

  #checkLeaf(page: number, keys: Stretch, how: How): void {
    for (const entry of this.#entries(page, 1, keys, how)) {
      if (entry.kind === 'tree' && how.holdsTrees) {
        if (!NAMES.has(entry.key.toString('latin1'))) throw this.#pages.damaged('a table that is none');
        this.#checkTree(this.#pages.treeIn(entry.data), false);
      } else if (entry.kind === 'tree' || how.holdsTrees) throw this.#pages.damaged('a tree in a tree');
      else if (entry.kind === 'run') this.#pages.runOf(entry);
      if (how.lists !== undefined) how.lists.push(this.#pages.valueOf(entry));
    }
  }

  /** A list of free pages: how many numbers u64, then those; one below zero counts pages that follow one another. */
  #checkFree(list: Buffer): void {
    const numbers = list.length < 8 ? 0n : list.readBigUInt64LE(0);
    if (list.length < 8 || numbers > BigInt(list.length / 8 - 1))
      throw this.#pages.damaged('a list of free pages');
    let run = 1;
    for (let at = 8; at <= Number(numbers) * 8; at += 8) {
      const number = Number(list.readBigInt64LE(at));
      if (number > 0) this.#takeFree(number, run);
      run = number < 0 ? -number : 1;
    }
  }

  #takeFree(first: number, count: number): void {
    const { lastPage } = this.#pages.meta;
    if (first < 2 || first + count - 1 > lastPage)
      throw this.#pages.damaged('a free page that does not exist');
    for (let page = first; page < first + count && page >> 3 < this.#taken.length; page++) {
      if (this.#isTaken(page)) throw this.#pages.damaged(`page ${page} is free and has a place`);
      this.#mark(page);
    }
  }
}

interface Counts {
  branches: number;
  leaves: number;
}

interface How {
  /** Whether leaves are read. */
  readonly isWhole: boolean;
  readonly holdsTrees: boolean;
  /** Takes the values of a list of free pages. */
  readonly lists: Buffer[] | undefined;
}
