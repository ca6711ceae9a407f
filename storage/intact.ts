/**
 * Whether something is really not there.
 *
 * A value proves itself by its checksum. That nothing stands under a key is proved by nothing: a page that was
 * overwritten with zeros answers "not there" to every question, and a rule that believes it pays twice, or seals
 * what was spent. So before an absence is believed, the page where the key would stand is read without LMDB and held
 * against all that a whole one has: its number, its entries without a hole, their order, their checksums, and its place
 * between the leaves beside it (`place.ts`).
 *
 * This is done once for each stretch of keys. What has been found whole is changed by this node alone from then on,
 * and stays whole; stretches that touch become one, and a table that was empty at first is one from the beginning.
 * So what it costs is bounded by one reading of the file, and an absence costs a comparison after that.
 */
import { damagedValue, isIntact } from './checksum.ts';
import { StorageError } from './errors.ts';
import { type PageEntry, Pages } from './pages.ts';
import { behind, FIRST, isBefore, placeOf, type Stretch, sureStretch } from './place.ts';
import { TABLES } from './schema.ts';

/** Stretches of one table that are kept in mind; beyond that all are forgotten and found again. About 10 MB. */
const STRETCHES_MAX = 65_536;
/** Longer values are not read for their key's sake. */
const READ_VALUE_BYTES_MAX = 64 * 1024;
/**
 * A search among stretches costs 100 ns and more; where a table is whole there is none. So after as many searches as
 * cost about as much as a look, one of the leaves between that nobody happened to ask about is looked at.
 */
const SEARCHES_PER_GAP = 512;
/** How often a look is repeated because a commit came in between. */
const LOOKS_MAX = 8;

/** As LMDB has them, which ends a name with a zero. */
const NAMES = TABLES.map(({ name }) => Buffer.from(`${name}\0`));

/** The stretches of keys of one table that were found whole, ascending, none touching another. */
class Stretches {
  #list: Stretch[] = [];
  /** Whether all of the table was found whole. */
  isAll = false;

  /** The first key that is in none. */
  get gap(): Uint8Array {
    const [first] = this.#list;
    return first?.from.length === 0 ? first.to! : FIRST;
  }

  /** The stretch that `key` is in. */
  around(key: Uint8Array): Stretch | undefined {
    const stretch = this.#list[this.#lastFrom(key)];
    return stretch !== undefined && isBefore(key, stretch.to) ? stretch : undefined;
  }

  /** The place of the last stretch that begins at `key` or before it; −1 where there is none. */
  #lastFrom(key: Uint8Array): number {
    let low = 0;
    let high = this.#list.length;
    // How much the key has in common with what is below `low`, and at `high`; so has all between.
    let commonLow = 0;
    let commonHigh = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { from } = this.#list[middle]!;
      const end = Math.min(from.length, key.length);
      let at = Math.min(commonLow, commonHigh);
      while (at < end && from[at] === key[at]) at++;
      const isBelow = at === end ? from.length <= key.length : from[at]! < key[at]!;
      if (isBelow) {
        low = middle + 1;
        commonLow = at;
      } else {
        high = middle;
        commonHigh = at;
      }
    }
    return low - 1;
  }

  add({ from, to }: Stretch): void {
    if (this.#list.length >= STRETCHES_MAX) this.#list = [];
    let first = this.#lastFrom(from);
    const before = this.#list[first];
    const touchesBefore = before !== undefined && !isBefore(before.to, from);
    if (!touchesBefore) first++;
    let end = first;
    let last = to;
    while (end < this.#list.length && !isBefore(to, this.#list[end]!.from)) {
      const next = this.#list[end]!.to;
      if (isBefore(last, next)) last = next;
      end++;
    }
    const start = touchesBefore ? before.from : from;
    this.#list.splice(first, end - first, { from: start, to: last });
    this.isAll = start.length === 0 && last === undefined;
  }
}

/** What of a data file has been found whole. One for each environment that is open. */
export class Intact {
  readonly #path: string;
  readonly #pin: <T>(use: () => T) => T;
  readonly #tables = TABLES.map(() => new Stretches());
  #searches = 0;
  #pages: Pages | undefined;

  /** @param pin runs its argument while LMDB keeps every page that the file's last commit can see */
  constructor(path: string, pin: <T>(use: () => T) => T) {
    this.#path = path;
    this.#pin = pin;
  }

  /**
   * Makes sure that what is not found under `key` is not there.
   * @throws StorageError `corrupt`
   */
  assertAbsent(tableId: number, key: Uint8Array): void {
    const stretches = this.#tables[tableId]!;
    if (stretches.isAll) return;
    if (stretches.around(key) === undefined) stretches.add(this.#look(tableId, key));
    else if (++this.#searches % SEARCHES_PER_GAP === 0) this.#closeGap(tableId);
  }

  /** Looks at the first leaf that nobody has asked about. What is wrong there is told to whoever asks about it. */
  #closeGap(tableId: number): void {
    const stretches = this.#tables[tableId]!;
    try {
      stretches.add(this.#look(tableId, stretches.gap));
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== 'corrupt') throw error;
    }
  }

  /**
   * Makes sure that nothing is missing from `from` (inclusive) to `to` (exclusive; undefined: to the end).
   * @throws StorageError `corrupt`
   */
  assertWhole(tableId: number, from: Uint8Array, to: Uint8Array | undefined): void {
    const stretches = this.#tables[tableId]!;
    let next: Uint8Array | undefined = from;
    while (!stretches.isAll && isBefore(next, to)) {
      const stretch = stretches.around(next!);
      if (stretch === undefined) {
        this.#lookFrom(tableId, next!, to);
        return;
      }
      next = stretch.to;
      if (next === undefined) return;
    }
  }

  /** Looks at all leaves from `from` to `to` that nobody has looked at, in one go: each look begins at the top. */
  #lookFrom(tableId: number, from: Uint8Array, to: Uint8Array | undefined): void {
    const stretches = this.#tables[tableId]!;
    this.#pin(() => {
      const pages = this.#open();
      let next: Uint8Array | undefined = from;
      while (next !== undefined && isBefore(next, to)) {
        let stretch = stretches.around(next);
        if (stretch === undefined) {
          stretch = lookAgain(pages, tableId, next, stretches);
          stretches.add(stretch);
        }
        next = stretch.to;
      }
    });
  }

  close(): void {
    this.#pages?.close();
    this.#pages = undefined;
  }

  /** Looks at the leaf where `key` is or would be; gives the stretch of keys that it answers for. */
  #look(tableId: number, key: Uint8Array): Stretch {
    return this.#pin(() => lookAgain(this.#open(), tableId, key, this.#tables[tableId]!));
  }

  #open(): Pages {
    if (this.#pages === undefined) this.#pages = new Pages(this.#path);
    else this.#pages.refresh();
    return this.#pages;
  }
}

/** A look that is repeated where a commit came between the meta page and what it leads to. */
function lookAgain(pages: Pages, tableId: number, key: Uint8Array, known: Stretches): Stretch {
  for (let look = 1; ; look++) {
    try {
      return lookAt(pages, tableId, key, known);
    } catch (error) {
      const isDamage = error instanceof StorageError && error.code === 'corrupt';
      if (!isDamage || look === LOOKS_MAX || !pages.refresh()) throw error;
    }
  }
}

function lookAt(pages: Pages, tableId: number, key: Uint8Array, known: Stretches): Stretch {
  const { main } = pages.meta;
  const name = NAMES[tableId]!;
  const record = placeOf(pages, main, name, true).leaf.find((entry) => entry.key.equals(name));
  // A table that was never written to; names that are none were found when the file was opened.
  if (record === undefined) return { from: FIRST, to: undefined };
  const found = placeOf(pages, pages.treeIn(record.data), key);
  let { from, to } = sureStretch(pages, found, key, (other) => known.around(other) !== undefined);
  for (const [at, entry] of found.leaf.entries()) {
    if (isProved(pages, tableId, entry)) continue;
    // Its key may be another one than it was; but its place was between those beside it.
    const after = found.leaf[at + 1]?.key ?? found.to;
    const before = found.leaf[at - 1];
    if (!isBefore(key, after)) from = after!;
    else if (before !== undefined && Buffer.compare(key, before.key) <= 0) {
      to = behind(before.key);
      break;
    } else throw damagedValue(TABLES[tableId]!.name);
  }
  return { from: Buffer.from(from), to: to && Buffer.from(to) };
}

function isProved(pages: Pages, tableId: number, entry: PageEntry): boolean {
  if (entry.kind === 'tree') throw pages.damaged('a tree in a table');
  return entry.size > READ_VALUE_BYTES_MAX || isIntact(tableId, entry.key, pages.valueOf(entry));
}
