/**
 * Texts as the file of the views keeps them: each with a checksum over its number and its bytes, which is compared
 * whenever the text is read. What fails is damage of the file, and the file is made again.
 */
import { crc32 } from 'node:zlib';
import { DamageError, type Sqlite } from './sqlite.ts';

/** A row with a text out of `claim_text`; nothing of both where the text is not here. */
export interface StoredText {
  readonly n: number;
  readonly text: string | null;
  readonly sum: number | null;
}

export function keepText(sqlite: Sqlite, n: number, text: string): void {
  sqlite.run('INSERT INTO claim_text VALUES (?, ?, ?)', n, text, sumOf(n, text));
}

/** Throws `DamageError` unless the text is the one that was kept. */
export function assertText({ n, text, sum }: StoredText): void {
  if ((text === null) !== (sum === null) || (text !== null && sumOf(n, text) !== sum))
    throw new DamageError(`the text of claim number ${n} is not what was written`);
}

/** All texts of a file. @throws DamageError */
export function assertTexts(sqlite: Sqlite): void {
  for (const row of sqlite.iterate<StoredText>('SELECT n, text, sum FROM claim_text')) assertText(row);
}

function sumOf(n: number, text: string): number {
  return crc32(text, n >>> 0);
}
