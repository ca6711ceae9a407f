/**
 * Truth maintenance, kept up to date: `machines/knowledge.ts` says what *in* means (`holds`), and here it is a column.
 *
 * A claim counts how many claims it rests on and how many of them are in. When one turns, only those that rest on it
 * look again, and only those that turn tell theirs. What a claim rests on is older than it, so the oldest is looked at
 * first, each once, and this ends. It works in both directions: a retraction takes support away, a return gives it back.
 *
 * One retraction may turn any number of claims. So what is still to be looked at stands in the file (`turning`, and
 * `telling` for the one whose dependents are being told), and is worked off in slices: after the blocks of a slice,
 * however often they turned a claim, and before any later block.
 */
import type { Sqlite } from '../sqlite.ts';

interface Standing {
  readonly n: number;
  readonly is_in: number;
  readonly cited: number;
  readonly cited_in: number;
  readonly retracted_by: string | null;
}

/** The claim whose dependents are being told, how their counts change, and the last of them that knows. */
interface Telling {
  readonly cited: number;
  readonly change: number;
  readonly told: number;
}

/** Dependents that are told in one go: a few milliseconds. */
const TOLD_AT_ONCE = 256;

/** A claim has been retracted or has come back: it is to be looked at. */
export function turn(sqlite: Sqlite, claim: number): void {
  sqlite.run('INSERT OR IGNORE INTO turning VALUES (?)', claim);
}

/**
 * Looks at what has turned until `isOver` says to stop; inside a transaction.
 * @returns whether nothing is left
 */
export function settle(sqlite: Sqlite, isOver: () => boolean): boolean {
  for (;;) {
    const telling = sqlite.get<Telling>('SELECT cited, change, told FROM telling');
    if (telling !== undefined) tell(sqlite, telling);
    else {
      const next = sqlite.get<{ n: number | null }>('SELECT min(n) AS n FROM turning')!.n;
      if (next === null) return true;
      reconsider(sqlite, next);
    }
    if (isOver()) return isSettled(sqlite);
  }
}

/** Whether nothing is left to be looked at. */
export function isSettled(sqlite: Sqlite): boolean {
  const { left } = sqlite.get<{ left: number }>(
    'SELECT EXISTS (SELECT 1 FROM turning) OR EXISTS (SELECT 1 FROM telling) AS left',
  )!;
  return left === 0;
}

function reconsider(sqlite: Sqlite, claim: number): void {
  sqlite.run('DELETE FROM turning WHERE n = ?', claim);
  const standing = sqlite.get<Standing>(
    'SELECT n, is_in, cited, cited_in, retracted_by FROM claim WHERE n = ?',
    claim,
  )!;
  const isIn = standing.retracted_by === null && (standing.cited === 0 || standing.cited_in > 0);
  if (isIn === (standing.is_in === 1)) return;
  sqlite.run('UPDATE claim SET is_in = ? WHERE n = ?', isIn ? 1 : 0, claim);
  sqlite.run('INSERT INTO telling VALUES (1, ?, ?, 0)', claim, isIn ? 1 : -1);
}

function tell(sqlite: Sqlite, { cited, change, told }: Telling): void {
  const dependents = sqlite.all<{ n: number }>(
    'SELECT n FROM evidence WHERE cited = ? AND n > ? ORDER BY n LIMIT ?',
    cited,
    told,
    TOLD_AT_ONCE,
  );
  const last = dependents.at(-1)?.n;
  if (last !== undefined) {
    const range = 'SELECT n FROM evidence WHERE cited = ? AND n > ? AND n <= ?';
    sqlite.run(`UPDATE claim SET cited_in = cited_in + ? WHERE n IN (${range})`, change, cited, told, last);
    // Only those whose support begins or ends can turn.
    sqlite.run(
      `INSERT OR IGNORE INTO turning SELECT n FROM claim
        WHERE n IN (${range}) AND retracted_by IS NULL AND is_in <> (cited_in > 0)`,
      cited,
      told,
      last,
    );
  }
  if (dependents.length < TOLD_AT_ONCE) sqlite.run('DELETE FROM telling');
  else sqlite.run('UPDATE telling SET told = ?', last!);
}
