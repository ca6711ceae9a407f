/** How far a group's views are, read from their file without starting their thread. */
import { existsSync } from 'node:fs';
import type { Hex32 } from '../events/bytes.ts';
import { filePath } from './files.ts';
import { Sqlite } from './sqlite.ts';

/** What the file says of itself. */
export interface PeekedViews {
  /** −1 before block 0. */
  readonly height: number;
  /** Claims that words find … */
  readonly withText: number;
  /** … and those of them that meaning finds. */
  readonly embedded: number;
}

/** Nothing where there is no file yet, or none that can be read: the next question makes one. */
export function peekViews(dir: string, groupId: Hex32): PeekedViews | undefined {
  const path = filePath(dir, groupId);
  if (!existsSync(path)) return undefined;
  let sqlite: Sqlite | undefined;
  try {
    sqlite = new Sqlite(path, { readOnly: true });
    return sqlite.get<PeekedViews>(
      `SELECT coalesce((SELECT height FROM checkpoint), -1) AS height,
        (SELECT count(*) FROM claim_text) AS withText,
        (SELECT count(*) FROM claim_text) -
          (SELECT count(*) FROM claim WHERE embedded = 0 AND terms IS NOT NULL) AS embedded`,
    );
  } catch {
    // Half made, damaged, of another format: nothing to tell of it.
    return undefined;
  } finally {
    sqlite?.close();
  }
}
