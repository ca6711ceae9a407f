/**
 * The texts of claims, once their artifacts are here: kept, cut into terms, and folded for telling the same saying
 * from another. A claim whose artifact never comes, or is no claim's, is listed and counted but not found.
 */
import { createHash } from 'node:crypto';
import { type ClaimContent, readClaim } from '../../events/claim-artifact.ts';
import type { GroupReader } from '../../storage/port.ts';
import type { Sqlite } from '../sqlite.ts';
import { keepText } from '../stored-text.ts';
import { tokenize } from '../tokens.ts';
import { type WordIndex, wordsIn } from '../words.ts';

/** What of a claim stands in the log. */
export interface ClaimReference {
  readonly n: number;
  readonly claim: string;
  readonly tags: string;
  readonly parent: string | null;
}

/** Whether a claim after `after` has no text yet. */
export function isTextMissing(sqlite: Sqlite, after: number): boolean {
  return sqlite.get('SELECT 1 FROM claim WHERE terms IS NULL AND n > ? LIMIT 1', after) !== undefined;
}

/**
 * Takes in texts that have come, of claims after `after`; in the caller's transaction.
 * @returns the last claim that was looked at, or nothing after the last one
 */
export function takeInTexts(
  sqlite: Sqlite,
  words: WordIndex,
  reader: GroupReader,
  { after, limit }: { after: number; limit: number },
): number | undefined {
  const waiting = sqlite.all<ClaimReference>(
    `SELECT claim.n, claim.claim, claim.tags, p.claim AS parent FROM claim LEFT JOIN claim AS p ON p.n = claim.parent
      WHERE claim.terms IS NULL AND claim.n > ? ORDER BY claim.n LIMIT ?`,
    after,
    limit,
  );
  for (const one of waiting) takeIn(sqlite, words, reader, one);
  return waiting.length < limit ? undefined : waiting[waiting.length - 1]!.n;
}

/** What the artifact of a claim says; nothing where it is not here, or is not the claim's. */
export function contentOf(
  sqlite: Sqlite,
  reader: GroupReader,
  { n, claim, tags, parent }: ClaimReference,
): ClaimContent | undefined {
  const bytes = reader.artifact(claim);
  if (bytes === undefined) return undefined;
  const evidence = sqlite
    .all<{ reference: string }>('SELECT reference FROM evidence WHERE n = ? ORDER BY position', n)
    .map(({ reference }) => reference);
  return readClaim(bytes, { tags: JSON.parse(tags) as string[], parent: parent ?? undefined, evidence });
}

function takeIn(
  sqlite: Sqlite,
  index: WordIndex,
  reader: GroupReader,
  { n, claim, tags, parent }: ClaimReference,
): void {
  const content = contentOf(sqlite, reader, { n, claim, tags, parent });
  if (content === undefined) return;
  const terms = tokenize(content.text);
  const words = terms.filter(({ kind }) => kind === 'word').map(({ term }) => term);
  const sameness = createHash('sha256')
    .update(words.join(' ') || content.text)
    .digest('hex')
    .slice(0, 32);
  // What a claim is tagged with is something that it is about.
  for (const tag of content.tags) terms.push(...tokenize(tag));
  keepText(sqlite, n, content.text);
  sqlite.run('UPDATE claim SET terms = ?, sameness = ? WHERE n = ?', wordsIn(terms), sameness, n);
  index.add(n, claim, terms);
}
