/**
 * Truth maintenance, kept up to date: `machines/knowledge.ts` says what *in* means (`holds`), and here it is a column.
 *
 * A claim counts how many claims it rests on and how many of them are in. When one turns, only those that rest on it
 * look again, and only those that turn tell theirs. What a claim rests on is older than it, so this ends. It works in
 * both directions: a retraction takes support away, a return gives it back.
 */
import type { Sqlite } from '../sqlite.ts';

interface Standing {
  readonly n: number;
  readonly is_in: number;
  readonly cited: number;
  readonly cited_in: number;
  readonly retracted_by: string | null;
}

/** Looks at a claim again after its retraction has changed, and at whatever rests on it. */
export function reconsider(sqlite: Sqlite, claim: number): void {
  const waiting = [claim];
  for (let n = waiting.pop(); n !== undefined; n = waiting.pop()) {
    const standing = sqlite.get<Standing>(
      'SELECT n, is_in, cited, cited_in, retracted_by FROM claim WHERE n = ?',
      n,
    )!;
    const isIn = standing.retracted_by === null && (standing.cited === 0 || standing.cited_in > 0);
    if (isIn === (standing.is_in === 1)) continue;
    sqlite.run('UPDATE claim SET is_in = ? WHERE n = ?', isIn ? 1 : 0, n);
    const change = isIn ? 1 : -1;
    sqlite.run(
      'UPDATE claim SET cited_in = cited_in + ? WHERE n IN (SELECT n FROM evidence WHERE cited = ?)',
      change,
      n,
    );
    // Only those whose support begins or ends can turn.
    const turning = sqlite.all<{ n: number }>(
      `SELECT claim.n FROM evidence JOIN claim USING (n)
        WHERE evidence.cited = ? AND retracted_by IS NULL AND is_in <> (cited_in > 0)`,
      n,
    );
    for (const dependent of turning) waiting.push(dependent.n);
  }
}
