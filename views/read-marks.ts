/**
 * How far each identity has read each group. This is nobody's business but the node's, so it is not in the log and
 * cannot be made again from it: it has a file of its own, beside the read models and not among them.
 */
import type { Hex32 } from '../events/bytes.ts';
import { Sqlite } from './sqlite.ts';
import type { Place } from './threads.ts';

export class ReadMarks {
  readonly #sqlite: Sqlite;

  constructor(path: string) {
    this.#sqlite = new Sqlite(path);
    this.#sqlite.database.exec(
      `PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS read_mark (
        group_id TEXT, reader TEXT, height INTEGER NOT NULL, position INTEGER NOT NULL,
        PRIMARY KEY (group_id, reader)) WITHOUT ROWID`,
    );
  }

  get(groupId: Hex32, reader: Hex32): Place | undefined {
    const row = this.#sqlite.get<{ height: number; position: number }>(
      'SELECT height, position FROM read_mark WHERE group_id = ? AND reader = ?',
      groupId,
      reader,
    );
    return row && { height: row.height, index: row.position };
  }

  set(groupId: Hex32, reader: Hex32, { height, index }: Place): void {
    this.#sqlite.run('INSERT OR REPLACE INTO read_mark VALUES (?, ?, ?, ?)', groupId, reader, height, index);
  }

  close(): void {
    this.#sqlite.close();
  }
}
