/**
 * The data file of LMDB, looked at without LMDB.
 *
 * LMDB believes its file: a page that is cut off or overwritten ends the process by a signal, with no word to the
 * user. So both meta pages are checked, the length of the file against the pages that are in use, and the tops of
 * all trees; that is a handful of pages whatever the file holds. Damage deeper down is not looked for here.
 *
 * Numbers are little-endian, as on every platform that has binaries of LMDB. A page begins with
 *   number u64, transaction u64, pad u16, flags u16, lower u16, upper u16
 * and places in a page are counted from the end of that.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StorageError } from './errors.ts';

const HEADER_BYTES = 24;
const FLAGS_AT = 18;
const LOWER_AT = 20;
const UPPER_AT = 22;
/** Kinds of pages; what else is in the flags is about their past. */
const KIND = { branch: 0x01, leaf: 0x02, meta: 0x08, mask: 0x2f } as const;

/** A meta page after its header: magic u32, version u16, …, two trees, last page u64, transaction u64. */
const META = {
  magic: 24,
  version: 28,
  pageBytes: 48,
  free: 48,
  main: 96,
  lastPage: 144,
  transaction: 152,
  end: 160,
} as const;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const PAGE_BYTES_MIN = 256;
const PAGE_BYTES_MAX = 65_536;

/** A tree: pad u32, flags u16, depth u16, three counts of pages, entries u64, root u64. */
const TREE = { depth: 6, entries: 32, root: 40, bytes: 48 } as const;
const NO_ROOT = 2n ** 64n - 1n;
/** LMDB's own bound. */
const DEPTH_MAX = 32;

/** An entry: low u16, high u16, flags u16, key length u16, key, data. In a branch the first three are a page. */
const NODE_BYTES = 8;
const IN_OTHER_PAGES = 0x01;
const IS_TREE = 0x02;

interface Tree {
  /** Undefined in an empty one. */
  readonly root: number | undefined;
  readonly depth: number;
  readonly entries: number;
}

interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: bigint;
  readonly free: Tree;
  readonly main: Tree;
}

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
  const descriptor = openSync(path, 'r');
  try {
    const file = new DataFile(path, descriptor);
    file.check();
    return { databases: file.meta.main.entries };
  } finally {
    closeSync(descriptor);
  }
}

/** A node of a tree, as far as it matters here. */
interface TreeNode {
  readonly page: number;
  readonly flags: number;
  /** Where its data begins in its page. */
  readonly dataAt: number;
}

class DataFile {
  readonly meta: Meta;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #bytes: number;
  readonly #seen = new Set<number>();

  constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
    const first = this.#readMeta(0, 0);
    const second = this.#readMeta(1, first.pageBytes);
    this.meta = first.transaction >= second.transaction ? first : second;
    // Read after the meta pages: those who write put their pages into the file first.
    this.#bytes = fstatSync(descriptor).size;
  }

  check(): void {
    const { lastPage, pageBytes, free, main } = this.meta;
    // A file may be shorter than its pages where the last ones are free. Only then is all of it looked at.
    const isShort = this.#bytes < (lastPage + 1) * pageBytes;
    this.#checkTree(free, isShort);
    this.#checkTree(main, true, isShort);
  }

  #damaged(what: string): StorageError {
    return new StorageError('corrupt', `${this.#path} is damaged (${what}); restore it from a backup`);
  }

  #cutShort(): StorageError {
    const { lastPage, pageBytes } = this.meta;
    const size = `${this.#bytes} of ${(lastPage + 1) * pageBytes} bytes are there`;
    return new StorageError('corrupt', `${this.#path} is cut short (${size}); restore it from a backup`);
  }

  #read(at: number, length: number): DataView {
    const bytes = new Uint8Array(length);
    if (readSync(this.#descriptor, bytes, 0, length, at) < length)
      throw new StorageError('corrupt', `${this.#path} is cut short; restore it from a backup`);
    return new DataView(bytes.buffer);
  }

  #readMeta(page: number, at: number): Meta {
    const view = this.#read(at, META.end);
    if (view.getUint32(META.magic, true) !== MAGIC) {
      if (page > 0) throw this.#damaged('its second page');
      throw new StorageError('corrupt', `${this.#path} is not a database; restore it from a backup`);
    }
    const version = view.getUint16(META.version, true);
    if (version !== VERSION) {
      const message = `${this.#path} has LMDB format ${version}; this version reads ${VERSION}: upgrade`;
      throw new StorageError('newer_format', message);
    }
    const pageBytes = view.getUint32(META.pageBytes, true);
    const isPower =
      pageBytes >= PAGE_BYTES_MIN && pageBytes <= PAGE_BYTES_MAX && Number.isInteger(Math.log2(pageBytes));
    const isMeta = (view.getUint16(FLAGS_AT, true) & KIND.mask) === KIND.meta;
    if (!isPower || !isMeta || (page > 0 && pageBytes !== at)) throw this.#damaged('its meta pages');
    return {
      pageBytes,
      lastPage: this.#count(view, META.lastPage),
      transaction: view.getBigUint64(META.transaction, true),
      free: this.#treeAt(view, META.free),
      main: this.#treeAt(view, META.main),
    };
  }

  #treeAt(view: DataView, at: number): Tree {
    const depth = view.getUint16(at + TREE.depth, true);
    if (depth > DEPTH_MAX) throw this.#damaged('a tree that is too deep');
    const isEmpty = view.getBigUint64(at + TREE.root, true) === NO_ROOT;
    const root = isEmpty ? undefined : this.#count(view, at + TREE.root);
    return { root, depth, entries: this.#count(view, at + TREE.entries) };
  }

  #count(view: DataView, at: number): number {
    const value = view.getBigUint64(at, true);
    if (value > Number.MAX_SAFE_INTEGER) throw this.#damaged('a number that is too large');
    return Number(value);
  }

  /** Checks the top page of a tree, or all of it; and likewise of the trees that it holds. */
  #checkTree({ root, depth }: Tree, isWhole: boolean, areInnerWhole = isWhole): void {
    if (root !== undefined) this.#checkBelow(root, depth, isWhole, areInnerWhole);
  }

  #checkBelow(number: number, depth: number, isWhole: boolean, areInnerWhole: boolean): void {
    const page = this.#page(number, depth);
    if (!isWhole) return;
    for (const node of this.#nodes(page, depth)) {
      if (depth > 1) this.#checkBelow(node.page, depth - 1, isWhole, areInnerWhole);
      else if ((node.flags & IS_TREE) !== 0)
        this.#checkTree(this.#treeAt(this.#within(page, node.dataAt, TREE.bytes), 0), areInnerWhole);
      else if ((node.flags & IN_OTHER_PAGES) !== 0)
        this.#checkRun(this.#within(page, node.dataAt, HEADER_BYTES));
    }
  }

  /** A value too long for its page: first page u64, transaction u64, pages u64. */
  #checkRun(place: DataView): void {
    const end = this.#count(place, 0) + this.#count(place, 16);
    if (end - 1 > this.meta.lastPage) throw this.#damaged('a page that does not exist');
    if (end * this.meta.pageBytes > this.#bytes) throw this.#cutShort();
  }

  /** A page of a tree, `depth` pages above the leaves, those included. */
  #page(number: number, depth: number): DataView {
    const { lastPage, pageBytes } = this.meta;
    if (number < 2 || number > lastPage || this.#seen.has(number))
      throw this.#damaged('a page that does not exist');
    if ((number + 1) * pageBytes > this.#bytes) throw this.#cutShort();
    this.#seen.add(number);
    const page = this.#read(number * pageBytes, pageBytes);
    const kind = page.getUint16(FLAGS_AT, true) & KIND.mask;
    const lower = page.getUint16(LOWER_AT, true);
    const upper = page.getUint16(UPPER_AT, true);
    const isWhole =
      this.#count(page, 0) === number &&
      kind === (depth > 1 ? KIND.branch : KIND.leaf) &&
      lower % 2 === 0 &&
      lower <= upper &&
      upper <= pageBytes - HEADER_BYTES;
    if (!isWhole) throw this.#damaged(`page ${number}`);
    return page;
  }

  *#nodes(page: DataView, depth: number): Iterable<TreeNode> {
    const count = page.getUint16(LOWER_AT, true) / 2;
    for (let index = 0; index < count; index++) {
      const at = HEADER_BYTES + page.getUint16(HEADER_BYTES + index * 2, true);
      const node = this.#within(page, at, NODE_BYTES);
      const flags = node.getUint16(4, true);
      const low = node.getUint32(0, true);
      const keyBytes = node.getUint16(6, true);
      yield { page: depth > 1 ? flags * 2 ** 32 + low : 0, flags, dataAt: at + NODE_BYTES + keyBytes };
    }
  }

  #within(page: DataView, at: number, length: number): DataView {
    if (at + length > page.byteLength) throw this.#damaged('an entry that is no entry');
    return new DataView(page.buffer, at, length);
  }
}
