/**
 * Search by words: BM25 over the postings that FTS5 keeps.
 *
 * FTS5 stores the terms (its segments merge in the background of inserts, and take in 300,000 short texts a second),
 * but its own `bm25()` reads every row that has any of the words from the file: 95 ms for a query with common words
 * over 100,000 claims. So the postings of words that are asked for are read once and kept, as typed arrays, up to a
 * bound (`postings.ts`); scoring is then an addition per posting. Texts are only ever added, never changed, which keeps
 * this simple.
 *
 * BM25 with k1 = 1.2 and b = 0.75, the values of its authors, and an inverse document frequency that is never
 * negative (ln(1 + (N − n + ½) / (n + ½)), as in Lucene). Ties break by id.
 */
import { Growing } from './growing.ts';
import { eighthsIn, type Postings, PostingsCache, type PostingsTables } from './postings.ts';
import type { Sqlite } from './sqlite.ts';
import { type Term, tokenize } from './tokens.ts';
import { EXACT, type Vocabulary } from './vocabulary.ts';

const K1 = 1.2;
const B = 0.75;

/** A longer query is reduced to the terms that tell most. */
const QUERY_TERMS_MAX = 64;
/** Of how many different terms of a long query the frequency is looked up. */
const QUERY_TERMS_SEEN_MAX = 2_048;

/** A text that was found, by its number. */
export interface Found {
  readonly n: number;
  readonly score: number;
}

/** Which texts may be found: a byte for each number, or nothing for all. */
export type Mask = Uint8Array | undefined;

interface WeightedTerm {
  readonly postings: Postings;
  readonly weight: number;
}

/** What a search by words found. */
export interface WordMatches {
  /** Best first. */
  readonly found: readonly Found[];
  /** How much of the query a text has: the share of the weight of its terms, from 0 to 1. */
  coverageOf(n: number): number;
}

/** A kind of text that is searched. */
export interface WordSource extends PostingsTables {
  /** A query of the texts that are in: `n`, how many `words`, and `id`, twelve hex digits that ties break by. */
  readonly texts: string;
}

export const CLAIM_WORDS: WordSource = {
  terms: 'claim_terms',
  instances: 'claim_postings',
  texts: 'SELECT n, terms AS words, substr(claim, 1, 12) AS id FROM claim',
};

/** Two texts for each task: 2n is what it was made with, 2n + 1 what came of it. Ties go by who was made first. */
export const TASK_WORDS: WordSource = {
  terms: 'task_terms',
  instances: 'task_postings',
  texts: `SELECT 2 * n AS n, words, '0' AS id FROM task
    UNION ALL SELECT 2 * n + 1, outcome_words, '0' FROM task WHERE outcome_words IS NOT NULL`,
};

export class WordIndex {
  readonly #vocabulary: Vocabulary;
  readonly #postings: PostingsCache;
  /** Words in each text, by its number. */
  readonly #lengths = new Growing(new Int32Array(0));
  /** The first 48 bits of each text's id, by its number: what ties break by. */
  readonly #ids = new Growing(new Float64Array(0));
  #scores = new Float64Array(0);
  #touched = new Int32Array(0);
  #texts = 0;
  #words = 0;

  constructor(sqlite: Sqlite, vocabulary: Vocabulary, source = CLAIM_WORDS) {
    this.#vocabulary = vocabulary;
    this.#postings = new PostingsCache(sqlite, source);
    const rows = sqlite.iterate<{ n: number; words: number | null; id: string }>(source.texts);
    for (const { n, words, id } of rows) {
      this.#ids.set(n, Number.parseInt(id, 16));
      if (words !== null) this.#count(n, words);
    }
  }

  #count(n: number, words: number): void {
    this.#lengths.set(n, words);
    this.#texts++;
    this.#words += words;
  }

  /** How many texts can be found. */
  get size(): number {
    return this.#texts;
  }

  /** Adds a text with its terms, inside the caller's transaction. `id` begins with twelve hex digits. */
  add(n: number, id: string, terms: readonly Term[]): void {
    this.#vocabulary.add(terms);
    this.#postings.add(
      n,
      terms.map(({ term }) => term),
    );
    this.#ids.set(n, Number.parseInt(id.slice(0, 12), 16));
    this.#count(n, wordsIn(terms));
  }

  /** Which of two texts comes first where they are equally good. */
  compareIds(a: number, b: number): number {
    return this.#ids.array[a]! - this.#ids.array[b]! || a - b;
  }

  /** The texts that fit the words of `query` best, at most `limit`. Nothing in a query is syntax. */
  search(query: string, limit: number, mask: Mask): WordMatches {
    const terms = this.#weigh(query);
    const touched = this.#score(terms, mask);
    const better = (a: Found, b: Found): number => b.score - a.score || this.compareIds(a.n, b.n);
    const scores = this.#scores;
    const found = best(touched, (n) => scores[n]!, limit, better);
    for (const n of touched) scores[n] = 0;
    const total = terms.reduce((sum, { weight }) => sum + weight, 0);
    return { found, coverageOf: (n) => coverage(terms, total, n) };
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
    const norm = B / (this.#words / Math.max(1, this.#texts) || 1);
    let count = 0;
    for (const { postings, weight } of terms) {
      const texts = postings.texts.array;
      const eighths = postings.eighths.array;
      for (let at = 0; at < postings.texts.length; at++) {
        const n = texts[at]!;
        if (mask !== undefined && mask[n] !== 1) continue;
        const times = eighths[at]! / EXACT;
        if (scores[n] === 0) touched[count++] = n;
        scores[n]! += (weight * times * (K1 + 1)) / (times + K1 * (1 - B + norm * lengths[n]!));
      }
    }
    return touched.subarray(0, count);
  }

  /** The terms of a query that occur, with their weights; the heaviest ones of a long query. */
  #weigh(query: string): WeightedTerm[] {
    const asked = [...askedFor(query).values()].slice(0, QUERY_TERMS_SEEN_MAX);
    const frequencies =
      asked.length > QUERY_TERMS_MAX ? asked.map(({ term }) => this.#frequency(term)) : undefined;
    const chosen = asked
      .map((one, at) => ({ ...one, weight: one.share * this.#idf(frequencies?.[at] ?? 0) }))
      // Of a long query, terms that nobody uses must not push out those that find something.
      .filter((_, at) => frequencies?.[at] !== 0)
      .sort((a, b) => b.weight - a.weight || (a.term.term < b.term.term ? -1 : 1))
      .slice(0, QUERY_TERMS_MAX);
    return chosen.map(({ term, share }) => {
      const postings = this.#postings.of(this.#vocabulary.answersTo(term));
      return { postings, weight: share * this.#idf(postings.texts.length) };
    });
  }

  #idf(frequency: number): number {
    return Math.log(1 + (this.#texts - frequency + 0.5) / (frequency + 0.5));
  }

  /** In how many texts a term or one of its answers is, at most. */
  #frequency(term: Term): number {
    const answers = this.#vocabulary.answersTo(term);
    return Math.min(
      this.#texts,
      answers.reduce((sum, answer) => sum + this.#postings.frequency(answer.term), 0),
    );
  }
}

/** How long a text is, in words as they are written: what a name is cut into and joined to makes it no longer. */
export function wordsIn(terms: readonly Term[]): number {
  return terms.reduce((count, { kind }) => (kind === 'word' ? count + 1 : count), 0);
}

/** What a query asks for, and how much each counts, in the order of first occurrence. */
function askedFor(query: string): Map<string, { term: Term; share: number }> {
  const asked = new Map<string, { term: Term; share: number }>();
  for (const term of tokenize(query, true)) {
    const before = asked.get(term.term);
    const share = term.share + (before?.share ?? 0);
    asked.set(term.term, { term: before?.term ?? term, share });
  }
  return asked;
}

function coverage(terms: readonly WeightedTerm[], total: number, n: number): number {
  let covered = 0;
  for (const { postings, weight } of terms) covered += weight * Math.min(1, eighthsIn(postings, n) / EXACT);
  return total === 0 ? 0 : covered / total;
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
