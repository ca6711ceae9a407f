/**
 * Search by words: BM25 over the postings that FTS5 keeps.
 *
 * FTS5 stores the terms (its segments merge in the background of inserts, and take in 300,000 short texts a second),
 * but its own `bm25()` reads every row that has any of the words from the file: 95 ms for a query with common words
 * over 100,000 claims. So the postings of terms that are asked for are read once and kept, as typed arrays, up to a
 * bound; scoring is then an addition per posting. Claims are only ever added, never changed, which keeps this simple.
 *
 * BM25 with k1 = 1.2 and b = 0.75, the values of its authors, and an inverse document frequency that is never
 * negative (ln(1 + (N − n + ½) / (n + ½)), as in Lucene). Ties break by claim id.
 */
import { Growing } from './growing.ts';
import type { Sqlite } from './sqlite.ts';
import { queryTermsOf } from './tokens.ts';

const K1 = 1.2;
const B = 0.75;

/** Bytes of postings kept in memory; the least recently used term goes first. */
const POSTINGS_BYTES_MAX = 64 * 1024 * 1024;

/** A longer query is reduced to the terms that tell most. */
const QUERY_TERMS_MAX = 64;
/** Of how many different terms of a long query the frequency is looked up. */
const QUERY_TERMS_SEEN_MAX = 2_048;

/** A claim that was found, by its number. */
export interface Found {
  readonly n: number;
  readonly score: number;
}

/** Which claims may be found: a byte for each number, or nothing for all. */
export type Mask = Uint8Array | undefined;

interface Postings {
  readonly claims: Growing<Int32Array>;
  readonly counts: Growing<Uint8Array>;
  /** Whether claims stand in their order: not when a text came late. */
  isSorted: boolean;
}

interface WeightedTerm {
  readonly postings: Postings;
  readonly weight: number;
}

/** What a search by words found. */
export interface WordMatches {
  /** Best first. */
  readonly found: readonly Found[];
  /** How much of the query a claim has: the share of the weight of its terms, from 0 to 1. */
  coverageOf(n: number): number;
}

export class WordIndex {
  readonly #sqlite: Sqlite;
  readonly #postings = new Map<string, Postings>();
  #postingsBytes = 0;
  /** Terms in each claim, by its number. */
  readonly #lengths = new Growing(new Int32Array(0));
  /** The first 48 bits of each claim's id, by its number: what ties break by. */
  readonly #ids = new Growing(new Float64Array(0));
  #scores = new Float64Array(0);
  #touched = new Int32Array(0);
  #claims = 0;
  #terms = 0;

  constructor(sqlite: Sqlite) {
    this.#sqlite = sqlite;
    const rows = sqlite.iterate<{ n: number; terms: number | null; id: string }>(
      'SELECT n, terms, substr(claim, 1, 12) AS id FROM claim',
    );
    for (const { n, terms, id } of rows) {
      this.#ids.set(n, Number.parseInt(id, 16));
      if (terms !== null) this.#count(n, terms);
    }
  }

  #count(n: number, length: number): void {
    this.#lengths.set(n, length);
    this.#claims++;
    this.#terms += length;
  }

  /** How many claims can be found. */
  get size(): number {
    return this.#claims;
  }

  /** Adds a claim with its terms, inside the caller's transaction. */
  add(n: number, claim: string, terms: readonly string[]): void {
    this.#sqlite.run('INSERT INTO claim_terms (rowid, terms) VALUES (?, ?)', n, terms.join(' '));
    this.#ids.set(n, Number.parseInt(claim.slice(0, 12), 16));
    this.#count(n, terms.length);
    if (this.#postings.size === 0) return;
    for (const [term, count] of countsOf(terms)) {
      const postings = this.#postings.get(term);
      if (postings !== undefined) this.#append(postings, n, count);
    }
  }

  #append(postings: Postings, n: number, count: number): void {
    const { claims, counts } = postings;
    if (claims.length > 0 && n < claims.array[claims.length - 1]!) postings.isSorted = false;
    claims.push(n);
    counts.push(Math.min(count, 255));
    this.#postingsBytes += 5;
  }

  /** Which of two claims comes first where they are equally good. */
  compareIds(a: number, b: number): number {
    return this.#ids.array[a]! - this.#ids.array[b]! || a - b;
  }

  /** The claims that fit the words of `query` best, at most `limit`. Nothing in a query is syntax. */
  search(query: string, limit: number, mask: Mask): WordMatches {
    const terms = this.#weigh(query);
    const touched = this.#score(terms, mask);
    const better = (a: Found, b: Found): number => b.score - a.score || this.compareIds(a.n, b.n);
    const scores = this.#scores;
    const found = best(touched, (n) => scores[n]!, limit, better);
    for (const n of touched) scores[n] = 0;
    const total = terms.reduce((sum, { weight }) => sum + weight, 0);
    return { found, coverageOf: (n) => this.#coverage(terms, total, n) };
  }

  /** Adds up scores in `#scores`, and says which entries are not zero. */
  #score(terms: readonly WeightedTerm[], mask: Mask): Int32Array {
    const highest = this.#lengths.length;
    if (this.#scores.length < highest) {
      this.#scores = new Float64Array(2 * highest);
      this.#touched = new Int32Array(2 * highest);
    }
    const scores = this.#scores;
    const touched = this.#touched;
    const lengths = this.#lengths.array;
    const norm = B / (this.#terms / Math.max(1, this.#claims) || 1);
    let count = 0;
    for (const { postings, weight } of terms) {
      const claims = postings.claims.array;
      const counts = postings.counts.array;
      for (let at = 0; at < postings.claims.length; at++) {
        const n = claims[at]!;
        if (mask !== undefined && mask[n] !== 1) continue;
        const times = counts[at]!;
        if (scores[n] === 0) touched[count++] = n;
        scores[n]! += (weight * times * (K1 + 1)) / (times + K1 * (1 - B + norm * lengths[n]!));
      }
    }
    return touched.subarray(0, count);
  }

  /** The terms of a query that occur, with their weights; the heaviest ones of a long query. */
  #weigh(query: string): WeightedTerm[] {
    const counts = [...countsOf(queryTermsOf(query))].slice(0, QUERY_TERMS_SEEN_MAX);
    const frequencies =
      counts.length > QUERY_TERMS_MAX ? counts.map(([term]) => this.#frequency(term)) : undefined;
    const chosen = counts
      .map(([term, count], at) => ({ term, weight: count * this.#idf(frequencies?.[at] ?? 0) }))
      // Of a long query, terms that nobody uses must not push out those that find something.
      .filter((_, at) => frequencies?.[at] !== 0)
      .sort((a, b) => b.weight - a.weight || (a.term < b.term ? -1 : 1))
      .slice(0, QUERY_TERMS_MAX);
    const repeated = new Map(counts);
    return chosen.map(({ term }) => {
      const postings = this.#postingsOf(term);
      return { postings, weight: repeated.get(term)! * this.#idf(postings.claims.length) };
    });
  }

  #idf(frequency: number): number {
    return Math.log(1 + (this.#claims - frequency + 0.5) / (frequency + 0.5));
  }

  #frequency(term: string): number {
    const kept = this.#postings.get(term);
    if (kept !== undefined) return kept.claims.length;
    const row = this.#sqlite.get<{ count: number }>(
      'SELECT count(*) AS count FROM claim_terms WHERE claim_terms MATCH ?',
      `"${term}"`,
    );
    return row!.count;
  }

  #coverage(terms: readonly WeightedTerm[], total: number, n: number): number {
    let covered = 0;
    for (const { postings, weight } of terms) if (isAmong(postings, n)) covered += weight;
    return total === 0 ? 0 : covered / total;
  }

  #postingsOf(term: string): Postings {
    const kept = this.#postings.get(term) ?? this.#readPostings(term);
    // Last in the map is last to go.
    this.#postings.delete(term);
    this.#postings.set(term, kept);
    for (const [oldest, { claims }] of this.#postings) {
      if (this.#postingsBytes <= POSTINGS_BYTES_MAX || oldest === term) break;
      this.#postings.delete(oldest);
      this.#postingsBytes -= 5 * claims.length;
    }
    return kept;
  }

  /** One row for all, since a row for each posting would cost more than the look-up. */
  #readPostings(term: string): Postings {
    const postings: Postings = {
      claims: new Growing(new Int32Array(0)),
      counts: new Growing(new Uint8Array(0)),
      isSorted: true,
    };
    const { list } = this.#sqlite.get<{ list: string | null }>(
      'SELECT group_concat(doc) AS list FROM claim_postings WHERE term = ?',
      term,
    )!;
    let last = 0;
    let count = 0;
    for (const n of numbersIn(list ?? '')) {
      if (n !== last && count > 0) this.#append(postings, last, count);
      count = n === last ? count + 1 : 1;
      last = n;
    }
    if (count > 0) this.#append(postings, last, count);
    return postings;
  }
}

/** Whether a term occurs in claim number `n`. */
function isAmong({ claims: { array, length }, isSorted }: Postings, n: number): boolean {
  if (!isSorted) return array.subarray(0, length).includes(n);
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (array[middle]! < n) low = middle + 1;
    else high = middle;
  }
  return low < length && array[low] === n;
}

/** How often each term occurs, in the order of first occurrence. */
function countsOf(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
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

/** The best of many, best first: a sorted list that most candidates do not get into. */
export function best(
  candidates: Iterable<number>,
  scoreOf: (n: number) => number,
  limit: number,
  better: (a: Found, b: Found) => number,
): Found[] {
  const chosen: Found[] = [];
  for (const n of candidates) {
    const score = scoreOf(n);
    if (chosen.length >= limit && score < chosen[chosen.length - 1]!.score) continue;
    const one = { n, score };
    let low = 0;
    let high = chosen.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (better(chosen[middle]!, one) <= 0) low = middle + 1;
      else high = middle;
    }
    if (low >= limit) continue;
    chosen.splice(low, 0, one);
    if (chosen.length > limit) chosen.pop();
  }
  return chosen;
}
