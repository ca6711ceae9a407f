/**
 * The pages of LMDB's data file, read without LMDB.
 *
 * LMDB believes its file: a page that is cut off or overwritten gives wrong answers, or ends the process by a signal.
 * So what rests on a page is read here first, and nothing in it is believed. Numbers are little-endian, as on every
 * platform that has binaries of LMDB. A page begins with
 *   number u64, transaction u64, pad u16, flags u16, lower u16, upper u16
 * and places in a page are counted from the end of that. Entries stand without gaps at the end of their page, from
 * `upper` on, and a list of their places from its beginning to `lower`; so one that is missing leaves a hole.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StorageError } from './errors.ts';

const HEADER_BYTES = 24;
const TRANSACTION_AT = 8;
const FLAGS_AT = 18;
const LOWER_AT = 20;
const UPPER_AT = 22;
/** Kinds of pages; what else is in the flags is about their past. */
const KIND = { branch: 0x01, leaf: 0x02, overflow: 0x04, meta: 0x08, mask: 0x2f } as const;

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
const TREE = { flags: 4, depth: 6, branches: 8, leaves: 16, entries: 32, root: 40, bytes: 48 } as const;
const NO_ROOT = 2n ** 64n - 1n;
/** What a tree says of its keys: nothing, or, in the list of free pages, that they are integers. */
const TREE_FLAGS = { plain: 0, free: 0x08 } as const;
/** LMDB's own bound. */
const DEPTH_MAX = 32;

/** An entry: low u16, high u16, flags u16, key length u16, key, data. In a branch the first three are a page. */
const NODE_BYTES = 8;
const IN_OTHER_PAGES = 0x01;
const IS_TREE = 0x02;
/** Where the data of an entry is in other pages: first page u64, transaction u64, pages u64. */
const RUN_BYTES = 24;

export interface Tree {
  /** Undefined in an empty one. */
  readonly root: number | undefined;
  /** Levels of pages, the leaves included. */
  readonly depth: number;
  readonly branches: number;
  readonly leaves: number;
  readonly entries: number;
}

interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: bigint;
  readonly free: Tree;
  readonly main: Tree;
}

/** An entry of a page. Views, not copies. */
export interface PageEntry {
  readonly key: Buffer;
  /** In a branch: the page below. */
  readonly page: number;
  /** In a leaf: what kind of data it is, and the data itself where it is in the page. */
  readonly kind: 'value' | 'run' | 'tree';
  readonly data: Buffer;
  /** Bytes of the whole value. */
  readonly size: number;
}

export type KeyOrder = (one: Buffer, other: Buffer) => number;

/** Keys that are integers, as those of the list of free pages: their bytes are in no order. */
export function byNumber(one: Buffer, other: Buffer): number {
  if (one.length !== INTEGER_BYTES || other.length !== INTEGER_BYTES) return Buffer.compare(one, other);
  const [before, after] = [one.readBigUInt64LE(0), other.readBigUInt64LE(0)];
  return before < after ? -1 : before > after ? 1 : 0;
}

const INTEGER_BYTES = 8;

/** A data file. Close it. */
export class Pages {
  meta: Meta;
  /** Pages above the leaves that were read at the transaction of `meta`: each look goes through some of them. */
  readonly #upper = new Map<number, PageEntry[]>();
  /** The leaf whose edge was read last: who goes from leaf to leaf comes to it next. */
  #beside: { readonly number: number; readonly bytes: Buffer } | undefined;
  readonly #path: string;
  readonly #descriptor: number;

  /** @throws StorageError `corrupt`, `newer_format`; errors of the system as they are */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = openSync(path, 'r');
    try {
      this.meta = this.#readMetas();
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Looks for a later transaction; false when there is none. */
  refresh(): boolean {
    const before = this.meta.transaction;
    this.meta = this.#readMetas();
    if (this.meta.transaction === before) return false;
    this.#upper.clear();
    this.#beside = undefined;
    return true;
  }

  /** Bytes of the file. Read after the meta pages: those who write put their pages into the file first. */
  get bytes(): number {
    return fstatSync(this.#descriptor).size;
  }

  damaged(what: string): StorageError {
    return new StorageError('corrupt', `${this.#path} is damaged (${what})`);
  }

  cutShort(): StorageError {
    const size = `${this.bytes} of ${(this.meta.lastPage + 1) * this.meta.pageBytes} bytes are there`;
    return new StorageError('corrupt', `${this.#path} is cut short (${size})`);
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    if (readSync(this.#descriptor, bytes, 0, length, at) < length)
      throw new StorageError('corrupt', `${this.#path} is cut short`);
    return bytes;
  }

  #readMetas(): Meta {
    const first = this.#readMeta(0, 0);
    const second = this.#readMeta(1, first.pageBytes);
    // They are written in turn: one that is out of step would take a transaction back.
    const apart = first.transaction - second.transaction;
    // Of a file that was just made, or is a copy, the first has not had its turn yet.
    const isNew = first.transaction === 0n;
    if (!isNew && ((first.transaction & 1n) !== 0n || (apart !== 1n && apart !== -1n)))
      throw this.damaged('its meta pages are out of step');
    return apart > 0n ? first : second;
  }

  #readMeta(page: number, at: number): Meta {
    const bytes = this.#read(at, META.end);
    if (bytes.readUInt32LE(META.magic) !== MAGIC) {
      if (page > 0) throw this.damaged('its second page');
      throw new StorageError('corrupt', `${this.#path} is not a database`);
    }
    const version = bytes.readUInt16LE(META.version);
    if (version !== VERSION) {
      const message = `${this.#path} has LMDB format ${version}; this version reads ${VERSION}: upgrade`;
      throw new StorageError('newer_format', message);
    }
    const pageBytes = bytes.readUInt32LE(META.pageBytes);
    const isPower =
      pageBytes >= PAGE_BYTES_MIN && pageBytes <= PAGE_BYTES_MAX && Number.isInteger(Math.log2(pageBytes));
    const isMeta = (bytes.readUInt16LE(FLAGS_AT) & KIND.mask) === KIND.meta;
    if (!isPower || !isMeta || (page > 0 && pageBytes !== at)) throw this.damaged('its meta pages');
    return {
      pageBytes,
      lastPage: this.#count(bytes, META.lastPage),
      transaction: bytes.readBigUInt64LE(META.transaction),
      free: this.treeIn(bytes.subarray(META.free), 'free'),
      main: this.treeIn(bytes.subarray(META.main)),
    };
  }

  /** The tree that the record at the beginning of `bytes` describes. */
  treeIn(bytes: Buffer, kind: keyof typeof TREE_FLAGS = 'plain'): Tree {
    if (bytes.length < TREE.bytes) throw this.damaged('a tree that is none');
    const depth = bytes.readUInt16LE(TREE.depth);
    if (depth > DEPTH_MAX) throw this.damaged('a tree that is too deep');
    if (bytes.readUInt16LE(TREE.flags) !== TREE_FLAGS[kind]) throw this.damaged('a tree of another kind');
    const isEmpty = bytes.readBigUInt64LE(TREE.root) === NO_ROOT;
    return {
      root: isEmpty ? undefined : this.#count(bytes, TREE.root),
      depth,
      branches: this.#count(bytes, TREE.branches),
      leaves: this.#count(bytes, TREE.leaves),
      entries: this.#count(bytes, TREE.entries),
    };
  }

  #count(bytes: Buffer, at: number): number {
    const value = bytes.readBigUInt64LE(at);
    if (value > Number.MAX_SAFE_INTEGER) throw this.damaged('a number that is too large');
    return Number(value);
  }

  /** Throws unless there can be a page of a tree with this number. */
  assertPage(number: number): void {
    const { lastPage } = this.meta;
    if (number < 2 || number > lastPage) throw this.damaged('a page that does not exist');
  }

  /** Like `entries`, for those that come back to the same pages: as long as nothing is committed, they are read once. */
  keptEntries(number: number, depth: number): PageEntry[] {
    const kept = this.#upper.get(number);
    if (kept !== undefined) return kept;
    const entries = this.entries(number, depth);
    if (this.#upper.size >= UPPER_PAGES_MAX) this.#upper.clear();
    this.#upper.set(number, entries);
    return entries;
  }

  /** The first or the last key of a leaf, of which no more is checked than that. */
  edgeKey(number: number, edge: 'first' | 'last'): Buffer {
    const page = this.#page(number, 1);
    this.#beside = { number, bytes: page };
    return this.#entryAt(page, number, edge === 'first' ? 0 : page.readUInt16LE(LOWER_AT) - 2, 1).key;
  }

  /**
   * The entries of a page of a tree, `depth` pages above the leaves, those included. All of the page is checked.
   * @param compare how the keys of the tree are ordered
   */
  entries(number: number, depth: number, compare: KeyOrder = Buffer.compare): PageEntry[] {
    const page = this.#page(number, depth);
    const lower = page.readUInt16LE(LOWER_AT);
    const entries: PageEntry[] = [];
    let filled = 0;
    for (let at = 0; at < lower; at += 2) {
      const entry = this.#entryAt(page, number, at, depth);
      const before = entries.at(-1);
      // The first key of a branch stands for everything below the second, whatever it is.
      const isFirstKey = before === undefined || (depth > 1 && entries.length === 1);
      if (!isFirstKey && compare(before.key, entry.key) >= 0) throw this.#noEntry(number);
      const dataBytes = depth > 1 ? 0 : entry.data.length;
      filled += (NODE_BYTES + entry.key.length + dataBytes + 1) & ~1;
      entries.push(entry);
    }
    if (filled !== page.length - HEADER_BYTES - page.readUInt16LE(UPPER_AT)) throw this.#noEntry(number);
    return entries;
  }

  /** A page of a tree, whose header is checked. */
  #page(number: number, depth: number): Buffer {
    this.assertPage(number);
    const { pageBytes } = this.meta;
    const page =
      this.#beside?.number === number ? this.#beside.bytes : this.#read(number * pageBytes, pageBytes);
    const lower = page.readUInt16LE(LOWER_AT);
    const upper = page.readUInt16LE(UPPER_AT);
    const isWhole =
      this.#count(page, 0) === number &&
      // LMDB takes a page of a later transaction for one of its own, and writes over it.
      page.readBigUInt64LE(TRANSACTION_AT) <= this.meta.transaction &&
      (page.readUInt16LE(FLAGS_AT) & KIND.mask) === (depth > 1 ? KIND.branch : KIND.leaf) &&
      lower % 2 === 0 &&
      lower >= 2 &&
      lower <= upper &&
      upper <= pageBytes - HEADER_BYTES;
    if (!isWhole) throw this.damaged(`page ${number}`);
    return page;
  }

  /** The entry whose place stands `at` bytes into the list of places. */
  #entryAt(page: Buffer, number: number, at: number, depth: number): PageEntry {
    const place = HEADER_BYTES + page.readUInt16LE(HEADER_BYTES + at);
    const isInPage = place >= HEADER_BYTES + page.readUInt16LE(UPPER_AT) && place + NODE_BYTES <= page.length;
    const entry = isInPage ? this.#entry(page, place, depth) : undefined;
    if (entry === undefined) throw this.#noEntry(number);
    return entry;
  }

  #noEntry(page: number): StorageError {
    return this.damaged(`the entries of page ${page}`);
  }

  #entry(page: Buffer, at: number, depth: number): PageEntry | undefined {
    const flags = page.readUInt16LE(at + 4);
    const dataAt = at + NODE_BYTES + page.readUInt16LE(at + 6);
    if (dataAt > page.length) return undefined;
    const key = page.subarray(at + NODE_BYTES, dataAt);
    const low = page.readUInt32LE(at);
    if (depth > 1) return { key, page: flags * 2 ** 32 + low, kind: 'value', data: EMPTY, size: 0 };
    const kind = flags === IN_OTHER_PAGES ? 'run' : flags === IS_TREE ? 'tree' : 'value';
    const end = dataAt + (kind === 'run' ? RUN_BYTES : low);
    if (end > page.length || (kind === 'value' && flags !== 0)) return undefined;
    return { key, page: 0, kind, data: page.subarray(dataAt, end), size: low };
  }

  /** Checks that the pages of a value that is too long for its own exist, and gives the first. */
  runOf({ data, size }: PageEntry): number {
    const { lastPage, pageBytes } = this.meta;
    const first = this.#count(data, 0);
    const pages = this.#count(data, 16);
    if (first < 2 || pages < 1 || first + pages - 1 > lastPage || HEADER_BYTES + size > pages * pageBytes)
      throw this.damaged('a page that does not exist');
    if ((first + pages) * pageBytes > this.bytes) throw this.cutShort();
    return first;
  }

  /** The value of an entry, with what is in other pages. */
  valueOf(entry: PageEntry): Buffer {
    if (entry.kind !== 'run') return entry.data;
    const first = this.runOf(entry);
    const bytes = this.#read(first * this.meta.pageBytes, HEADER_BYTES + entry.size);
    const isWhole =
      this.#count(bytes, 0) === first && (bytes.readUInt16LE(FLAGS_AT) & KIND.mask) === KIND.overflow;
    if (!isWhole) throw this.damaged(`page ${first}`);
    return bytes.subarray(HEADER_BYTES);
  }
}

/** About 30 MB; above the leaves of a gigabyte there are some 2,000. */
const UPPER_PAGES_MAX = 2_048;
const EMPTY = Buffer.alloc(0);
