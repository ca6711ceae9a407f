/**
 * What tasks are found by: their id, title, description and tags, and what came of them, which is the text of the
 * result or the error. Both are texts of their own to the search, since the second comes later; a result may not even
 * be on this node yet.
 */
import { EXPERIENCE_BYTES_MAX } from '../../events/limits.ts';
import { normalForm } from '../../events/normal-form.ts';
import type { OperationOf } from '../../events/registry.ts';
import type { GroupReader } from '../../storage/port.ts';
import type { Sqlite } from '../sqlite.ts';
import { type Term, tokenize } from '../tokens.ts';
import { type WordIndex, wordsIn } from '../words.ts';
import { type ClaimReference, contentOf } from './texts.ts';

/** A task has at most one outcome. */
export const outcomeNumber = (n: number): number => 2 * n + 1;
/** Which task a text is of, as `WordIndex` numbers them. */
export const taskNumber = (text: number): number => text >> 1;

/** UTF-16 units of a result that are searched: as long as the longest claim. */
const RESULT_LENGTH_MAX = 65_536;
const NO_ID = '0';

/** A new task's number, and how many words it was made with. */
export function addTaskTexts(
  sqlite: Sqlite,
  words: WordIndex,
  { task, title, description = '', tags }: OperationOf<'task_create'>,
): { n: number; words: number } {
  const n = sqlite.get<{ n: number }>('SELECT coalesce(max(n), 0) + 1 AS n FROM task')!.n;
  const terms = [task, title, description, ...tags].flatMap((text) => tokenize(text));
  words.add(2 * n, NO_ID, terms);
  for (const tag of new Set(tags))
    sqlite.run('INSERT INTO task_tag VALUES (?, ?, ?)', normalForm(tag), n, tag);
  return { n, words: wordsIn(terms) };
}

/** What came of a task, where it is known: the error now, the text of the result once it is here. */
export function addOutcome(
  sqlite: Sqlite,
  words: WordIndex,
  reader: GroupReader,
  { n, result, error }: { n: number; result: string | null; error?: string | undefined },
): void {
  const text = error ?? (result === null ? undefined : resultText(sqlite, reader, result));
  if (text === undefined) return;
  const terms: readonly Term[] = tokenize(text);
  words.add(outcomeNumber(n), NO_ID, terms);
  sqlite.run('UPDATE task SET outcome_words = ? WHERE n = ?', wordsIn(terms), n);
}

/** Whether the result of a task was not here when it was looked for. */
export function isResultMissing(sqlite: Sqlite): boolean {
  return (
    sqlite.get('SELECT n FROM task WHERE result IS NOT NULL AND outcome_words IS NULL LIMIT 1') !== undefined
  );
}

/**
 * Takes in results that have come late, of tasks after `after`; in the caller's transaction.
 * @returns the last task that was looked at, or nothing after the last one
 */
export function takeInResults(
  sqlite: Sqlite,
  words: WordIndex,
  reader: GroupReader,
  { after, limit }: { after: number; limit: number },
): number | undefined {
  const waiting = sqlite.all<{ n: number; result: string }>(
    `SELECT n, result FROM task WHERE result IS NOT NULL AND outcome_words IS NULL AND n > ? ORDER BY n LIMIT ?`,
    after,
    limit,
  );
  for (const one of waiting) addOutcome(sqlite, words, reader, one);
  return waiting.length < limit ? undefined : waiting[waiting.length - 1]!.n;
}

/** The text of a claim, or of the record of a run where it is text. */
function resultText(sqlite: Sqlite, reader: GroupReader, result: string): string | undefined {
  const claim = sqlite.get<ClaimReference>(
    `SELECT claim.n, claim.claim, claim.tags, p.claim AS parent FROM claim LEFT JOIN claim AS p ON p.n = claim.parent
      WHERE claim.claim = ?`,
    result,
  );
  if (claim !== undefined) return contentOf(sqlite, reader, claim)?.text;
  const bytes = reader.artifact(result);
  if (bytes === undefined || bytes.length > EXPERIENCE_BYTES_MAX) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).slice(0, RESULT_LENGTH_MAX).toWellFormed();
  } catch {
    // Here, and no text: there is nothing to wait for.
    return '';
  }
}
