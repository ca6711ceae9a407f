/**
 * Which texts have a word, and how often: the postings that FTS5 keeps, read once for what is asked for, and held as
 * typed arrays up to a bound.
 *
 * A word is asked for with its answers (`vocabulary.ts`): forms of it, other spellings, words that it is a part of.
 * They are one list, in which an occurrence of each counts by how well it answers; so the rarity of a word is that of
 * all its forms together, and a text that has two of them is no better than one that has one of them twice.
 */
import { Growing } from './growing.ts';
import type { Sqlite } from './sqlite.ts';
import type { Answer } from './vocabulary.ts';

/** Bytes of postings kept in memory; the least recently used list goes first. */
const POSTINGS_BYTES_MAX = 64 * 1024 * 1024;
const BYTES_EACH = 5;

export interface Postings {
  readonly texts: Growing<Int32Array>;
  /** Occurrences in eighths, of 31 at most: what is more often tells nothing more. */
  readonly eighths: Growing<Uint8Array>;
  /** Whether texts stand in their order: not when one came late. */
  isSorted: boolean;
}

interface Kept extends Postings {
  readonly answers: readonly Answer[];
}

/** Where FTS5 keeps the terms of one kind of text. */
export interface PostingsTables {
  /** The index, by `rowid`. */
  readonly terms: string;
  /** Its vocabulary of instances. */
  readonly instances: string;
}

export class PostingsCache {
  readonly #sqlite: Sqlite;
  readonly #tables: PostingsTables;
  readonly #kept = new Map<string, Kept>();
  /** By each term, the lists that it is in, and how much it counts there. */
  readonly #listsOf = new Map<string, Map<Kept, number>>();
  #bytes = 0;

  constructor(sqlite: Sqlite, tables: PostingsTables) {
    this.#sqlite = sqlite;
    this.#tables = tables;
  }

  /** Adds text number `n`, inside the caller's transaction. */
  add(n: number, terms: readonly string[]): void {
    this.#sqlite.run(`INSERT INTO ${this.#tables.terms} (rowid, terms) VALUES (?, ?)`, n, terms.join(' '));
    if (this.#kept.size === 0) return;
    const found = new Map<Kept, number>();
    for (const term of terms)
      for (const [list, eighths] of this.#listsOf.get(term) ?? [])
        found.set(list, (found.get(list) ?? 0) + eighths);
    for (const [list, eighths] of found) this.#append(list, n, eighths);
  }

  /** In how many texts a term is. */
  frequency(term: string): number {
    const { terms } = this.#tables;
    const sql = `SELECT count(*) AS count FROM ${terms} WHERE ${terms} MATCH ?`;
    return this.#sqlite.get<{ count: number }>(sql, `"${term}"`)!.count;
  }

  /** Texts that have any of the answers. */
  of(answers: readonly Answer[]): Postings {
    const key = answers.map(({ term, eighths }) => `${term} ${eighths}`).join(' ');
    const list = this.#kept.get(key) ?? this.#read(answers);
    // Last in the map is last to go.
    this.#kept.delete(key);
    this.#kept.set(key, list);
    for (const [oldest, one] of this.#kept) {
      if (this.#bytes <= POSTINGS_BYTES_MAX || oldest === key) break;
      this.#kept.delete(oldest);
      this.#forget(one);
    }
    return list;
  }

  #forget(list: Kept): void {
    this.#bytes -= BYTES_EACH * list.texts.length;
    for (const { term } of list.answers) {
      const lists = this.#listsOf.get(term);
      lists?.delete(list);
      if (lists?.size === 0) this.#listsOf.delete(term);
    }
  }

  #append(list: Postings, n: number, eighths: number): void {
    const { texts } = list;
    if (texts.length > 0 && n < texts.array[texts.length - 1]!) list.isSorted = false;
    texts.push(n);
    list.eighths.push(Math.min(eighths, 255));
    this.#bytes += BYTES_EACH;
  }

  #read(answers: readonly Answer[]): Kept {
    const list: Kept = {
      answers,
      texts: new Growing(new Int32Array(0)),
      eighths: new Growing(new Uint8Array(0)),
      isSorted: true,
    };
    const instances = answers.flatMap(({ term, eighths }) => {
      const numbers = this.#instancesOf(term);
      return numbers.length === 0 ? [] : [{ numbers, eighths }];
    });
    if (instances.length === 1) this.#appendRuns(list, instances[0]!);
    else if (instances.length > 1) this.#appendMerged(list, instances);
    for (const { term, eighths } of answers) {
      const lists = this.#listsOf.get(term) ?? new Map<Kept, number>();
      this.#listsOf.set(term, lists.set(list, eighths));
    }
    return list;
  }

  /** The number of a text for each occurrence. One row for all, since a row for each would cost more than the look-up. */
  #instancesOf(term: string): Int32Array {
    const { list } = this.#sqlite.get<{ list: string | null }>(
      `SELECT group_concat(doc) AS list FROM ${this.#tables.instances} WHERE term = ?`,
      term,
    )!;
    return Int32Array.from(numbersIn(list ?? ''));
  }

  #appendRuns(list: Postings, { numbers, eighths }: { numbers: Int32Array; eighths: number }): void {
    for (let at = 0, from = 0; at < numbers.length; at = from) {
      while (from < numbers.length && numbers[from] === numbers[at]) from++;
      this.#append(list, numbers[at]!, (from - at) * eighths);
    }
  }

  #appendMerged(list: Postings, instances: readonly { numbers: Int32Array; eighths: number }[]): void {
    const highest = instances.reduce((most, { numbers }) => Math.max(most, numbers[numbers.length - 1]!), 0);
    const sums = new Uint16Array(highest + 1);
    let count = 0;
    const texts = new Int32Array(instances.reduce((sum, { numbers }) => sum + numbers.length, 0));
    for (const { numbers, eighths } of instances)
      for (const n of numbers) {
        if (sums[n] === 0) texts[count++] = n;
        sums[n] = Math.min(sums[n]! + eighths, 255);
      }
    for (const n of texts.subarray(0, count).sort()) this.#append(list, n, sums[n]!);
  }
}

/** How often text number `n` has what a list is of, in eighths. */
export function eighthsIn({ texts: { array, length }, eighths, isSorted }: Postings, n: number): number {
  if (!isSorted) {
    const at = array.subarray(0, length).indexOf(n);
    return at < 0 ? 0 : eighths.array[at]!;
  }
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (array[middle]! < n) low = middle + 1;
    else high = middle;
  }
  return low < length && array[low] === n ? eighths.array[low]! : 0;
}

/** The numbers of a list such as `1,1,5`, as `group_concat` makes it: one row costs less than many. */
export function* numbersIn(list: string): Generator<number> {
  let number = 0;
  for (let at = 0; at < list.length; at++) {
    const digit = list.charCodeAt(at) - 48;
    if (digit >= 0) number = 10 * number + digit;
    else {
      yield number;
      number = 0;
    }
  }
  if (list !== '') yield number;
}
