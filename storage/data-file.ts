/**
 * The data file of LMDB, looked at before LMDB opens it.
 *
 * Checked are both meta pages, every page above the leaves of every tree, and the list of free pages: whether each
 * leaf has one place, whether nothing that is in use counts as free, and whether the trees have the pages that they
 * say. That is a page in a hundred. The leaves are looked at when what they hold is read (`intact.ts`), unless the
 * file is shorter than its pages: then all of it is.
 */
import { StorageError } from './errors.ts';
import { byNumber, type KeyOrder, Pages, type Tree } from './pages.ts';
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
    this.#checkBelow(tree.root, tree.depth, counts, { isWhole, holdsTrees, lists });
    if (counts.branches !== tree.branches || counts.leaves !== tree.leaves)
      throw this.#pages.damaged('a tree that has not the pages it should have');
  }

  #checkBelow(
    page: number,
    depth: number,
    counts: { branches: number; leaves: number },
    how: { isWhole: boolean; holdsTrees: boolean; lists: Buffer[] | undefined },
  ): void {
    this.#take(page);
    if (depth <= 1) {
      counts.leaves++;
      if (how.isWhole) this.#checkLeaf(page, how);
      return;
    }
    counts.branches++;
    for (const entry of this.#pages.entries(page, depth, orderIn(how)))
      this.#checkBelow(entry.page, depth - 1, counts, how);
  }

  #checkLeaf(page: number, how: { holdsTrees: boolean; lists: Buffer[] | undefined }): void {
    for (const entry of this.#pages.entries(page, 1, orderIn(how))) {
      if (entry.kind === 'tree' && how.holdsTrees) {
        if (!NAMES.has(entry.key.toString('latin1'))) throw this.#pages.damaged('a table that is none');
        this.#checkTree(this.#pages.treeIn(entry.data), false);
      } else if (entry.kind === 'tree' || how.holdsTrees) throw this.#pages.damaged('a tree in a tree');
      else if (entry.kind === 'run') this.#pages.runOf(entry);
      if (how.lists !== undefined) how.lists.push(this.#pages.valueOf(entry));
    }
  }

  /** A list of free pages: how many u64, then their numbers. */
  #checkFree(list: Buffer): void {
    for (let at = 8; at + 8 <= list.length; at += 8) {
      const page = list.readBigInt64LE(at);
      // What is below zero counts pages that follow one another.
      if (page <= 0n || page > this.#pages.meta.lastPage) continue;
      if (Number(page) >> 3 < this.#taken.length && this.#isTaken(Number(page)))
        throw this.#pages.damaged(`page ${page} is in use and counts as free`);
    }
  }
}

/** The list of free pages, whose values are looked at, goes by the numbers of transactions. */
function orderIn({ lists }: { readonly lists: Buffer[] | undefined }): KeyOrder {
  return lists === undefined ? Buffer.compare : byNumber;
}
