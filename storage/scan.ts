/**
 * Range scans that hold nothing open.
 *
 * An LMDB cursor pins the state it reads from: one forgotten iterator and the file grows for ever. So a scan reads
 * ahead a page, closes its cursor, and comes back for the next page where it left off. Within one turn of the
 * event loop all pages come from one state; a scan that awaits in between and must not see changes uses a snapshot.
 */
import { CHECKSUM_BYTES, damagedOrder, damagedValue, isIntact } from './checksum.ts';
import type { Table } from './environment.ts';
import { type StorageError, typedError, withTypedErrors } from './errors.ts';
import type { Intact } from './intact.ts';
import { afterPrefix } from './keys.ts';
import { behind } from './place.ts';
import { TABLES } from './schema.ts';

/** What a table is read through. */
export interface View {
  /** The options of each read: an empty object, or the read transaction of a snapshot. */
  readonly options: { readonly transaction?: ReadTransaction };
  /** Asked before anything is said to be missing. */
  readonly intact: Intact;
  /** Told of what is found damaged, before it is thrown. */
  damaged(groupId: string, error: StorageError): void;
  /** Throws `StorageError` (`closed`) once the store or the snapshot is closed. */
  check(): void;
}

/** A read transaction of lmdb-js. */
export type ReadTransaction = ReturnType<Table['useReadTransaction']>;

/** What to scan: all keys that begin with `prefix`, from `start` (which begins with it too) in either direction. */
export interface Scan {
  readonly prefix: Uint8Array;
  /** Inclusive, whether it exists or not. */
  readonly start?: Uint8Array | undefined;
  /** Exclusive; ascending scans only. */
  readonly end?: Uint8Array | undefined;
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
  /** False to leave the values unread; they are empty then. */
  readonly values?: boolean | undefined;
}

/** A page ends at this many entries or bytes of values: one look-up of the cursor costs about as much as ten entries. */
const PAGE_ENTRIES_MAX = 256;
const PAGE_BYTES_MAX = 1024 * 1024;

type Entry = readonly [key: Uint8Array, value: Uint8Array];

const NOTHING = new Uint8Array(0);

/** The same bytes as a plain `Uint8Array`: a `Buffer` compares, slices and prints in other ways. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

/** What the types of lmdb-js leave out: these take the options of `get`. */
type ReadableTable = Table & {
  getBinary(key: Uint8Array, options: View['options']): Uint8Array | undefined;
  /** The value in a buffer that the next read of this thread writes over; it has `lastSize` bytes. */
  getBinaryFast(key: Uint8Array, options: View['options']): Uint8Array | undefined;
  readonly lastSize: number;
};

/** The value that is stored with its checksum under `key`. @throws StorageError `corrupt` */
function proved(table: Table, key: Uint8Array, stored: Uint8Array): Uint8Array {
  const { tableId } = table;
  if (!isIntact(tableId, key, stored)) throw damagedValue(TABLES[tableId]!.name);
  return new Uint8Array(stored.buffer as ArrayBuffer, stored.byteOffset, stored.length - CHECKSUM_BYTES);
}

/** What is stored under `key`, with its checksum and unchecked: for the one who has to say of what format it is. */
export function readRaw(table: Table, view: View, key: Uint8Array): Uint8Array | undefined {
  view.check();
  try {
    return (table as ReadableTable).getBinary(key, view.options);
  } catch (error) {
    throw typedError(error);
  }
}

/**
 * The value of `key`, as bytes of the caller's own, or undefined where there surely is none.
 * @throws StorageError `corrupt`, `io`
 */
export function read(table: Table, view: View, key: Uint8Array): Uint8Array | undefined {
  const value = table.isLong ? readLong(table, view, key) : readShort(table, view, key);
  if (value === undefined) view.intact.assertAbsent(table.tableId, key);
  return value;
}

/** A value that may be long comes in a buffer of its own: what is shared would grow with it and stay. */
function readLong(table: Table, view: View, key: Uint8Array): Uint8Array | undefined {
  const stored = readRaw(table, view, key);
  return stored && proved(table, key, stored);
}

/** A short value is checked where lmdb-js puts it and then copied, once. */
function readShort(table: Table, view: View, key: Uint8Array): Uint8Array | undefined {
  view.check();
  const { tableId } = table;
  let bytes: Uint8Array | undefined;
  try {
    bytes = (table as ReadableTable).getBinaryFast(key, view.options);
  } catch (error) {
    throw typedError(error);
  }
  if (bytes === undefined) return undefined;
  const shared = plainShared(bytes);
  const length = (table as ReadableTable).lastSize - CHECKSUM_BYTES;
  if (!isIntact(tableId, key, shared, length)) throw damagedValue(TABLES[tableId]!.name);
  return shared.slice(0, length);
}

/** The buffer that lmdb-js reads into, which it may replace by a longer one, and all of it as a plain array. */
let sharedBuffer: Uint8Array | undefined;
let sharedBytes = NOTHING;

function plainShared(bytes: Uint8Array): Uint8Array {
  if (bytes === sharedBuffer) return sharedBytes;
  sharedBuffer = bytes;
  sharedBytes = new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
  return sharedBytes;
}

/** The entries of `scan`, a page at a time. Keys and values are the caller's own. */
export function* scanTable(table: Table, view: View, scan: Scan): Generator<Entry> {
  let left = scan.limit ?? Number.POSITIVE_INFINITY;
  let bounds = firstBounds(scan);
  while (left > 0) {
    view.check();
    const count = Math.min(left, PAGE_ENTRIES_MAX);
    const page = withTypedErrors(() => readPage(table, view, scan, bounds, count));
    assertNothingMissing(table, view, scan, bounds, page);
    yield* page.entries;
    left -= page.entries.length;
    if (!page.last || page.ended) return;
    bounds = { ...bounds, start: page.last, exclusiveStart: true };
  }
}

interface Bounds {
  readonly start: Uint8Array;
  readonly exclusiveStart: boolean;
  readonly end: Uint8Array | undefined;
}

function firstBounds({ prefix, start, end, reverse }: Scan): Bounds {
  const above = afterPrefix(prefix);
  if (!reverse) return { start: start ?? prefix, exclusiveStart: false, end: end ?? above };
  // Downwards lmdb-js starts at the last key that is not above `start`; `above` itself is not ours.
  if (start) return { start, exclusiveStart: false, end: prefix };
  if (!above) throw new RangeError('a prefix of 255s alone cannot be scanned downwards');
  return { start: above, exclusiveStart: true, end: prefix };
}

/** A page that lost an entry reads like one that never had it; and one that is looked for in a wrong place too. */
function assertNothingMissing(table: Table, view: View, scan: Scan, bounds: Bounds, page: Page): void {
  const { intact } = view;
  const { tableId } = table;
  const first = page.entries[0]?.[0];
  const order = first === undefined ? 0 : Buffer.compare(first, bounds.start);
  if (scan.reverse ? order > 0 : order < 0) throw damagedOrder(TABLES[tableId]!.name);
  // What was read with its value has proved itself; of keys alone the outermost are to be proved as well.
  const isToProve = scan.values === false;
  const last = page.ended ? bounds.end : page.last;
  if (!scan.reverse) {
    intact.assertWhole(tableId, bounds.start, isToProve && !page.ended ? behind(last!) : last);
    return;
  }
  const isWithStart = !bounds.exclusiveStart && (isToProve || first === undefined || order < 0);
  intact.assertWhole(tableId, last ?? scan.prefix, isWithStart ? behind(bounds.start) : bounds.start);
}

interface Page {
  readonly entries: readonly Entry[];
  /** The last key that was read. */
  readonly last: Uint8Array | undefined;
  /** Whether there is nothing behind it. */
  readonly ended: boolean;
}

function readPage(table: Table, view: View, scan: Scan, bounds: Bounds, count: number): Page {
  const entries: Entry[] = [];
  let bytes = 0;
  const reverse = scan.reverse ?? false;
  // One more than asked for: the excluded start may be counted in.
  const { start, end } = bounds;
  const common = { ...view.options, start, end, reverse, inclusiveEnd: reverse, limit: count + 1 };
  const range: Iterable<Entry> =
    scan.values === false
      ? table.getKeys(common).map((key): Entry => [plain(key), NOTHING])
      : table.getRange(common).map(({ key, value }): Entry => [plain(key), proved(table, key, value)]);
  for (const entry of range) {
    const [key, value] = entry;
    if (bounds.exclusiveStart && Buffer.compare(key, bounds.start) === 0) continue;
    entries.push(entry);
    bytes += value.length;
    if (entries.length === count || bytes >= PAGE_BYTES_MAX) return { entries, last: key, ended: false };
  }
  return { entries, last: entries.at(-1)?.[0], ended: true };
}
