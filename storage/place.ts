/**
 * The place of a key in a tree: the leaf where it is or would be, and how far that is sure.
 *
 * What leads to a leaf has no checksum. A separator that was changed and still is in order sends a key into the leaf
 * beside its own, where it truly is not. But then its own leaf, which nobody asked about, holds keys on the wrong side
 * of that separator. So what a leaf says about keys between two of its own rests on that leaf alone; what it says about
 * those before its first key and after its last is believed once the leaf beside it was seen to keep to its side.
 */
import { StorageError } from './errors.ts';
import type { KeyOrder, PageEntry, Pages, Tree } from './pages.ts';

/** Keys from `from` (inclusive) to `to` (exclusive; undefined: to the end). */
export interface Stretch {
  readonly from: Buffer;
  readonly to: Buffer | undefined;
}

/** The leaf of a key, and the keys that only this leaf may hold as the pages above it have it. */
export interface Place extends Stretch {
  readonly leaf: readonly PageEntry[];
  /** The way from the top to the leaf. */
  readonly path: readonly Step[];
}

interface Step {
  readonly entries: readonly PageEntry[];
  /** The entry that was followed. */
  readonly at: number;
}

export const FIRST = Buffer.alloc(0);

/** Whether `a` comes before `b`; undefined is the end, before which everything comes but itself. */
export function isBefore(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined) return false;
  if (b === undefined) return true;
  const end = Math.min(a.length, b.length);
  let at = 0;
  while (at < end && a[at] === b[at]) at++;
  return at === end ? a.length < b.length : a[at]! < b[at]!;
}

/** The first key that there can be after `key`. */
export function behind(key: Uint8Array): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}

/**
 * The place of `key` in `tree`.
 * @param isKept whether the leaf stays in memory, as the one with the tables' names does
 * @throws StorageError `corrupt`
 */
export function placeOf(pages: Pages, { root, depth }: Tree, key: Uint8Array, isKept = false): Place {
  let from: Buffer = FIRST;
  let to: Buffer | undefined;
  const path: Step[] = [];
  if (root === undefined) return { leaf: [], from, to, path };
  let page = root;
  for (let level = depth; level > 1; level--) {
    const entries = pages.keptEntries(page, level);
    assertWithin(pages, page, level, entries, { from, to });
    const at = entryTo(entries, key);
    if (at > 0) from = entries[at]!.key;
    to = entries[at + 1]?.key ?? to;
    page = entries[at]!.page;
    path.push({ entries, at });
  }
  const leaf = isKept ? pages.keptEntries(page, 1) : pages.entries(page, 1);
  assertWithin(pages, page, 1, leaf, { from, to });
  return { leaf, from, to, path };
}

/** The entry of a branch that leads to `key`: the last one that is not above it, or the first. */
function entryTo(entries: readonly PageEntry[], key: Uint8Array): number {
  let low = 1;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(entries[middle]!.key, key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * Makes sure that the keys of a page, which are in order, are all where the pages above it have them.
 * @throws StorageError `corrupt`
 */
export function assertWithin(
  pages: Pages,
  page: number,
  depth: number,
  entries: readonly PageEntry[],
  { from, to }: Stretch,
  compare: KeyOrder = Buffer.compare,
): void {
  // The first key of a branch stands for everything below the second; so the second is above all that may be there.
  const first = depth > 1 ? entries[1] : entries[0];
  if (first === undefined) return;
  const isAbove = from.length === 0 || compare(first.key, from) >= (depth > 1 ? 1 : 0);
  if (!isAbove || (to !== undefined && compare(entries.at(-1)!.key, to) >= 0))
    throw pages.damaged(`page ${page} is in a wrong place`);
}

/**
 * The keys around `key` that are surely in the leaf of `place` or nowhere: all that the pages above have it for, or,
 * where `key` does not need the leaf beside it and that one is damaged, those up to its own first or last key.
 * @param isKnown whether it is known that a key stands where it is looked for, as that of the next leaf may be
 * @throws StorageError `corrupt`
 */
export function sureStretch(
  pages: Pages,
  place: Place,
  key: Uint8Array,
  isKnown: (key: Uint8Array) => boolean,
): Stretch {
  const { leaf, from, to } = place;
  const first = leaf[0]?.key;
  if (first === undefined) return { from, to };
  const end = behind(leaf.at(-1)!.key);
  const isSureBefore = !isBefore(from, first) || isApart(pages, place, 'before', isBefore(key, first));
  const isSureAfter = to === undefined || isKnown(to) || isApart(pages, place, 'after', !isBefore(key, end));
  return { from: isSureBefore ? from : first, to: isSureAfter ? to : end };
}

type Side = 'before' | 'after';

/**
 * Whether the leaf beside the one of `place` keeps to its side of what separates them.
 * @param isNeeded whether to throw where it does not
 */
function isApart(pages: Pages, place: Place, side: Side, isNeeded: boolean): boolean {
  try {
    assertApart(pages, place, side);
    return true;
  } catch (error) {
    if (isNeeded || !(error instanceof StorageError) || error.code !== 'corrupt') throw error;
    return false;
  }
}

function assertApart(pages: Pages, { path, from, to }: Place, side: Side): void {
  const step = side === 'before' ? -1 : 1;
  // Where the separator is, the ways to both leaves part.
  const parting = path.findLastIndex(({ entries, at }) => entries[at + step] !== undefined);
  if (parting < 0) return;
  let beside = path[parting]!.entries[path[parting]!.at + step]!;
  for (let level = path.length - parting; level > 1; level--)
    beside = nearest(pages.keptEntries(beside.page, level), side);
  const key = pages.edgeKey(beside.page, side === 'before' ? 'last' : 'first');
  const isOnItsSide = side === 'before' ? isBefore(key, from) : !isBefore(key, to);
  if (!isOnItsSide) throw pages.damaged(`page ${beside.page} is in a wrong place`);
}

/** The entry of a page that is nearest to a page which it comes before or after. */
function nearest(entries: readonly PageEntry[], side: Side): PageEntry {
  return (side === 'before' ? entries.at(-1) : entries[0])!;
}
