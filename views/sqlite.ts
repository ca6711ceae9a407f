/**
 * SQLite as the views use it: statements that are prepared once, rows as plain values, transactions.
 *
 * Integers come back as numbers, and queries that may meet amounts beyond 2^53 ask for `bigint`.
 */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** What may be bound to a parameter. */
export type Value = SQLInputValue;

/** SQLite's result codes for a file that is damaged, or is none of its. */
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
const SQLITE_CANTOPEN = 14;

/** What was read from a file is not what was written to it. SQLite itself sees nothing of it. */
export class DamageError extends Error {
  override readonly name = 'DamageError';
}

/** Whether an error means that the file itself is broken. */
export function isDamage(error: unknown): boolean {
  return error instanceof DamageError || [SQLITE_CORRUPT, SQLITE_NOTADB].includes(kindOf(error));
}

/** Whether an error means that there is no file, or none that can be opened. */
export function isNoFile(error: unknown): boolean {
  return kindOf(error) === SQLITE_CANTOPEN;
}

/** The low byte is the kind of an extended code. */
function kindOf(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}

/** An open file with its prepared statements. */
export class Sqlite {
  readonly database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, options: { readOnly?: boolean; allowExtension?: boolean } = {}) {
    // Made before SQLite makes it, and for its owner alone; the files beside it get the same mode.
    if (!options.readOnly && path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
    this.database = new DatabaseSync(path, { timeout: 5_000, ...options });
  }

  /** The statement of `sql`, prepared once; so `sql` must be one of a fixed set of texts. */
  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  run(sql: string, ...values: readonly Value[]): void {
    this.#prepared(sql).run(...values);
  }

  get<R>(sql: string, ...values: readonly Value[]): R | undefined {
    return this.#prepared(sql).get(...values) as R | undefined;
  }

  all<R>(sql: string, ...values: readonly Value[]): R[] {
    return this.#prepared(sql).all(...values) as R[];
  }

  /** Like `all`, a row at a time: for more rows than should be in memory at once. */
  iterate<R>(sql: string, ...values: readonly Value[]): Iterable<R> {
    return this.#prepared(sql).iterate(...values) as Iterable<R>;
  }

  /** Runs `sql` without keeping the statement: for texts that are put together. */
  allOnce<R>(sql: string, ...values: readonly Value[]): R[] {
    return this.database.prepare(sql).all(...values) as R[];
  }

  /** Runs `work` in one transaction: all of it or nothing. */
  transaction<T>(work: () => T): T {
    this.database.exec('BEGIN');
    try {
      const result = work();
      this.database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.database.close();
  }
}
