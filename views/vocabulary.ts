/**
 * The words that a group uses, each once, with what they are found by besides themselves. A query asks for a word, and
 * the vocabulary says which other words answer it, and how well: forms of it, the spelling of its letters without
 * their marks, and longer words that it is a part of. So texts are kept as they are written, an exact word ranks first,
 * and what belongs together is decided when it is asked for.
 *
 * Each kind of answer is bounded, and in an order that follows from the words alone, whichever came first.
 */
import { COMPOUND_MIN, isPartOf, mayBeCompound, mayBePart, type ReadsAs, readsAs } from './compounds.ts';
import { loosely } from './letters.ts';
import type { Sqlite } from './sqlite.ts';
import type { Term } from './tokens.ts';
import { kinKey, kinship } from './word-kin.ts';

/** How much an occurrence counts, in eighths of one of the word itself. */
export const EXACT = 8;
const FORM = 7;
const SPELLING = 7;
const DERIVED = 6;
const PART = 3;

/** Words of each kind that one word brings along at most. */
const KIN_MAX = 32;
const SPELLINGS_MAX = 8;
const COMPOUNDS_MAX = 32;
/** Words known in memory, so that they need not be looked up; all are forgotten when there are too many. */
const KNOWN_MAX = 100_000;

const IS_WORD = /^[\p{L}\p{M}]{2,}$/u;

/** A word that answers another, and how much an occurrence of it counts. */
export interface Answer {
  readonly term: string;
  readonly eighths: number;
}

interface Seen {
  readonly reads: ReadsAs;
  readonly marked: number;
}

export class Vocabulary {
  readonly #sqlite: Sqlite;
  readonly #known = new Map<string, Seen>();
  /** What was answered since a word last came that was not known. */
  readonly #answers = new Map<string, readonly Answer[]>();

  constructor(sqlite: Sqlite) {
    this.#sqlite = sqlite;
  }

  /** Takes in the words of a text, inside the caller's transaction. */
  add(terms: readonly Term[]): void {
    const reads = readsAs(terms);
    for (const { term, spelled, kind } of terms) {
      // The words of a name stand there by themselves.
      if (kind === 'whole') continue;
      const known = this.#known.get(term);
      const marked = spelled === undefined ? 0 : 1;
      if (known !== undefined && known.reads >= reads && known.marked >= marked) continue;
      if (IS_WORD.test(term)) this.#learn(term, { reads, marked });
    }
  }

  #learn(term: string, now: Seen): void {
    const before = this.#sqlite.get<Seen>('SELECT reads, marked FROM vocabulary WHERE term = ?', term);
    const reads = Math.max(now.reads, before?.reads ?? 0) as ReadsAs;
    const marked = Math.max(now.marked, before?.marked ?? 0);
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(term, { reads, marked });
    if (before?.reads === reads && before.marked === marked) return;
    this.#answers.clear();
    this.#sqlite.run(
      `INSERT INTO vocabulary VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (term) DO UPDATE SET reads = excluded.reads, marked = excluded.marked`,
      term,
      kinKey(term) ?? null,
      loosely(term),
      marked,
      reads,
    );
    const isNew = mayBeCompound(term, reads) && !(before !== undefined && mayBeCompound(term, before.reads));
    if (isNew) this.#sqlite.run('INSERT INTO compound VALUES (?)', term);
  }

  /** The words that answer `term`, itself first. */
  answersTo({ term, spelled, kind }: Term): readonly Answer[] {
    const key = `${term} ${spelled ?? ''} ${kind}`;
    const kept = this.#answers.get(key);
    if (kept !== undefined) return kept;
    const eighths = new Map([[term, EXACT]]);
    const add = (found: readonly string[], counts: number): void => {
      for (const one of found) eighths.set(one, Math.max(counts, eighths.get(one) ?? 0));
    };
    if (IS_WORD.test(term)) {
      this.#addKin(term, add);
      add(this.#spellings(term, spelled !== undefined), SPELLING);
      // What is written together is not looked for in what is.
      if (kind !== 'whole') {
        add(this.#compounds(term), PART);
        if (spelled !== undefined) add(this.#compounds(spelled), PART);
        add(this.#compounds(loosely(term), 1), PART);
      }
    }
    const answers = Array.from(eighths, ([one, counts]) => ({ term: one, eighths: counts }));
    if (this.#answers.size >= KNOWN_MAX) this.#answers.clear();
    this.#answers.set(key, answers);
    return answers;
  }

  #addKin(term: string, add: (found: readonly string[], counts: number) => void): void {
    const key = kinKey(term);
    if (key === undefined) return;
    const alike = this.#sqlite
      .all<{ term: string }>('SELECT term FROM vocabulary WHERE kin = ? ORDER BY term LIMIT ?', key, KIN_MAX)
      .map((row) => row.term);
    const of = (wanted: ReturnType<typeof kinship>): string[] =>
      alike.filter((one) => one !== term && kinship(term, one) === wanted);
    add(of('form'), FORM);
    add(of('derived'), DERIVED);
  }

  /** The same word with other letters for its marks, where one of them had a mark. */
  #spellings(term: string, isMarked: boolean): string[] {
    const alike = this.#sqlite.all<{ term: string; marked: number }>(
      'SELECT term, marked FROM vocabulary WHERE loose = ? ORDER BY term LIMIT ?',
      loosely(term),
      SPELLINGS_MAX,
    );
    const isAnyMarked = isMarked || alike.some(({ marked }) => marked === 1);
    return isAnyMarked ? alike.map((row) => row.term).filter((one) => one !== term) : [];
  }

  /** Longer words that have a part, so many at most; where `marked` is 1, words with marks only. */
  #compounds(part: string, marked = 0): string[] {
    if (!mayBePart(part)) return [];
    return this.#sqlite
      .all<{ word: string; reads: ReadsAs }>(
        `SELECT word, reads FROM compound JOIN vocabulary ON term = word
          WHERE compound MATCH ? AND length(word) >= ? AND marked >= ? ORDER BY length(word), word`,
        `"${part}"`,
        Math.max(COMPOUND_MIN, part.length + 1),
        marked,
      )
      .filter(({ word, reads }) => isPartOf(part, word, reads))
      .slice(0, COMPOUNDS_MAX)
      .map(({ word }) => word);
  }
}
