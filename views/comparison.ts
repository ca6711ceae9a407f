/**
 * A view file against the log: everything in it is made anew beside it, and both are compared, table by table.
 *
 * Whoever changes a row through SQLite, or a disk that swaps what is sound by itself, leaves nothing that a checksum
 * of a text or the structure of the file would show. Only an audit asks for this, and it goes in steps that are short
 * enough for questions in between. Vectors come from a model and not from the log: of them, only the number is seen.
 */
import { GroupFile, removeFiles } from './group-file.ts';
import { indexSlice, takeInLateTexts } from './indexer.ts';
import type { Sqlite } from './sqlite.ts';

/** Tables that say nothing of the log. FTS5 keeps several more for itself; its terms are compared by what they say. */
const LEFT_OUT = /^(sqlite_|meta$|checkpoint$|vector$|(claim|task)_(terms|postings)|compound)/;
/** Whether a claim has a vector is an affair of the model. */
const COLUMNS_LEFT_OUT: ReadonlySet<string> = new Set(['embedded']);
/** Places of terms that are compared at once: a few tens of milliseconds. */
const PLACES_PER_STEP = 20_000;

interface Part {
  /** As a person would look for it. */
  readonly table: string;
  /** A query of its rows, with one of both files for `FILE`. */
  readonly rows: string;
  readonly values: readonly string[];
}

/** A file that is being compared. End it. */
export class Comparison {
  readonly #file: GroupFile;
  readonly #again: GroupFile;
  readonly #sqlite: Sqlite;
  #parts: Generator<Part> | undefined;
  #late: { file: number; again: number } | undefined = { file: 0, again: 0 };

  constructor(file: GroupFile) {
    this.#file = file;
    this.#sqlite = file.sqlite;
    const path = `${file.path}-again`;
    removeFiles(path);
    this.#again = new GroupFile(path, file.reader, () => {});
  }

  /** Whether it is of this file, as it is now. */
  isOf(file: GroupFile): boolean {
    return file === this.#file && file.sqlite === this.#sqlite;
  }

  /**
   * Goes on for a while.
   * @returns `more`, or what differs, or nothing where both say the same
   */
  step(): 'more' | { readonly differs: string | undefined } {
    const isFileMore = indexSlice(this.#file);
    if (indexSlice(this.#again) || isFileMore || this.#takeInTexts()) return 'more';
    this.#parts ??= this.#allParts();
    const { value: part } = this.#parts.next();
    if (part === undefined) return { differs: undefined };
    return this.#isSame(part)
      ? 'more'
      : { differs: `the table ${part.table} is not what the log makes of it` };
  }

  end(): void {
    const { database } = this.#sqlite;
    if (this.#parts !== undefined && database.isOpen) database.exec('DETACH again');
    this.#again.close();
    removeFiles(this.#again.path);
  }

  /** Texts that came late are in one file before they are in the other. */
  #takeInTexts(): boolean {
    if (this.#late === undefined) return false;
    const file = takeInLateTexts(this.#file, this.#late.file);
    const again = takeInLateTexts(this.#again, this.#late.again);
    this.#late = file > 0 || again > 0 ? { file, again } : undefined;
    return true;
  }

  *#allParts(): Generator<Part> {
    this.#sqlite.database.prepare('ATTACH ? AS again').run(this.#again.path);
    const tables = this.#sqlite
      .all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .filter(({ name }) => !LEFT_OUT.test(name));
    for (const { name } of tables) {
      const columns = this.#sqlite
        .all<{ name: string }>('SELECT name FROM pragma_table_info(?)', name)
        .filter((column) => !COLUMNS_LEFT_OUT.has(column.name));
      const list = columns.map((column) => `"${column.name}"`).join(', ');
      yield { table: name, rows: `SELECT ${list} FROM FILE."${name}"`, values: [] };
    }
    // Rows of FTS5 are numbered by when a word came, which may differ; what they say may not.
    yield { table: 'compound', rows: 'SELECT word FROM FILE.compound', values: [] };
    yield { table: 'compound', rows: 'SELECT term, doc, cnt FROM FILE.compound_pieces', values: [] };
    yield* this.#termParts('claim');
    yield* this.#termParts('task');
  }

  /** The places of all terms, so many at a time. */
  *#termParts(of: 'claim' | 'task'): Generator<Part> {
    const rows = `SELECT term, doc, offset FROM FILE.${of}_postings WHERE term >= ?`;
    for (let from: string | undefined = ''; from !== undefined; ) {
      const [further]: { term: string }[] = this.#sqlite.allOnce<{ term: string }>(
        `SELECT term FROM again.${of}_postings WHERE term > ? LIMIT 1 OFFSET ${PLACES_PER_STEP}`,
        from,
      );
      const next: string | undefined = further?.term;
      const to = next === undefined ? '' : ' AND term < ?';
      yield { table: `${of}_terms`, rows: rows + to, values: next === undefined ? [from] : [from, next] };
      from = next;
    }
  }

  #isSame({ rows, values }: Part): boolean {
    const here = rows.replace('FILE', 'main');
    const again = rows.replace('FILE', 'again');
    const counts = `SELECT (SELECT count(*) FROM (${here})) = (SELECT count(*) FROM (${again})) AS same`;
    const all = [...values, ...values];
    const [count] = this.#sqlite.allOnce<{ same: number }>(counts, ...all);
    if (count?.same !== 1) return false;
    return this.#sqlite.allOnce(`${here} EXCEPT ${again} LIMIT 1`, ...all).length === 0;
  }
}
