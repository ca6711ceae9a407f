/** How far a group's views are, read from their file without starting their thread. */
import { existsSync } from 'node:fs';
import type { Hex32 } from '../events/bytes.ts';
import { isAsClosed } from './file-sum.ts';
import { quickCheck } from './group-file.ts';
import { filePath } from './paths.ts';
import { Sqlite } from './sqlite.ts';
import { assertTexts } from './stored-text.ts';

/** What the file says of itself. */
export interface PeekedViews {
  /** −1 before block 0. */
  readonly height: number;
  /** Claims that words find … */
  readonly withText: number;
  /** … and those of them that meaning finds. */
  readonly embedded: number;
}

/** Like `peekViews`, after reading the file to its end: nothing for one that is damaged anywhere. */
export function inspectViews(dir: string, groupId: Hex32): PeekedViews | undefined {
  return peek(filePath(dir, groupId), true);
}

/** Nothing where there is no file yet, or none that can be read: the next question makes one. */
export function peekViews(dir: string, groupId: Hex32): PeekedViews | undefined {
  return peek(filePath(dir, groupId), false);
}

function peek(path: string, isDeep: boolean): PeekedViews | undefined {
  if (!existsSync(path)) return undefined;
  let sqlite: Sqlite | undefined;
  try {
    sqlite = new Sqlite(path, { readOnly: true });
    if (isDeep && (isAsClosed(path) === false || quickCheck(sqlite) !== 'ok')) return undefined;
    if (isDeep) assertTexts(sqlite);
    const { height, withText, waiting } = sqlite.get<Omit<PeekedViews, 'embedded'> & { waiting: number }>(
      `SELECT coalesce((SELECT height FROM checkpoint), -1) AS height,
        (SELECT coalesce(max(n), 0) FROM claim) - (SELECT count(*) FROM claim WHERE terms IS NULL) AS withText,
        (SELECT count(*) FROM claim WHERE embedded = 0 AND terms IS NOT NULL) AS waiting`,
    )!;
    return { height, withText, embedded: withText - waiting };
  } catch {
    // Half made, damaged, of another format: nothing to tell of it.
    return undefined;
  } finally {
    sqlite?.close();
  }
}
