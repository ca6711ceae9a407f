/**
 * The read models of one group: a SQLite file, and what of it is held in memory to search fast.
 *
 * The file is made from the log and from nothing else, so whatever is wrong with it (another format, damage, a log
 * that is not the one it was made from) has one answer: it is dropped and made again. Its checkpoint is written in
 * the transaction of what it vouches for, so the file is always exactly the log up to the height that it says.
 */
import { rmSync, statSync } from 'node:fs';
import type { Hex32 } from '../events/bytes.ts';
import type { GroupReader } from '../storage/port.ts';
import { VectorIndex } from './meaning/vector-index.ts';
import type { ViewsNotice } from './protocol.ts';
import { creationScript, FORMAT } from './schema.ts';
import { isDamage, Sqlite } from './sqlite.ts';
import { WordIndex } from './words.ts';

/** How far a group's read models are. */
export interface Checkpoint {
  /** −1 before block 0. */
  readonly height: number;
  readonly blockId: Hex32;
  /** Block time there. */
  readonly tsMs: number;
}

/**
 * A file up to this size is checked when it is opened, in a fifth of a second. Damage in a larger one is found when
 * what is damaged is read, and then it is made again just the same.
 */
const CHECKED_BYTES_MAX = 32 * 1024 * 1024;

const NOTHING: Checkpoint = { height: -1, blockId: '', tsMs: 0 };

export type Notify = (notice: ViewsNotice) => void;

export class GroupFile {
  readonly path: string;
  readonly reader: GroupReader;
  readonly #notify: Notify;
  #sqlite: Sqlite;
  #words: WordIndex;
  #vectors: VectorIndex;
  #checkpoint: Checkpoint;

  /** Opens the file, or makes it; `notify` is told when one that was there could not be used. */
  constructor(path: string, reader: GroupReader, notify: Notify) {
    this.path = path;
    this.reader = reader;
    this.#notify = notify;
    let opened = this.#tryOpen();
    if (typeof opened === 'string') {
      this.#say(opened);
      opened = this.#create();
    }
    this.#sqlite = opened;
    this.#checkpoint = readCheckpoint(opened);
    this.#words = new WordIndex(opened);
    this.#vectors = this.#vectorIndex();
  }

  /** The open file, or why it cannot be used. */
  #tryOpen(): Sqlite | string {
    let sqlite: Sqlite | undefined;
    try {
      sqlite = openSqlite(this.path);
      const problem = this.#problemOf(sqlite);
      if (problem === undefined) return sqlite;
      sqlite.close();
      return problem === 'new' ? this.#create() : problem;
    } catch (error) {
      sqlite?.close();
      if (!isDamage(error)) throw error;
      return `it is damaged (${(error as Error).message})`;
    }
  }

  #problemOf(sqlite: Sqlite): string | undefined {
    const tables = sqlite.get<{ count: number }>('SELECT count(*) AS count FROM sqlite_schema')!;
    if (tables.count === 0) return 'new';
    const format = sqlite.get<{ value: number }>("SELECT value FROM meta WHERE name = 'format'")?.value;
    if (format !== FORMAT) return `it has format ${format ?? 'of nothing'}, and this version makes ${FORMAT}`;
    if (statSync(this.path).size <= CHECKED_BYTES_MAX) {
      const verdict = quickCheck(sqlite);
      if (verdict !== 'ok') return `it is damaged (${verdict})`;
    }
    const { height, blockId } = readCheckpoint(sqlite);
    if (height >= 0 && this.reader.blockId(height) !== blockId)
      return `it was made from another log: the block at height ${height} differs`;
    return undefined;
  }

  #create(): Sqlite {
    removeFiles(this.path);
    const sqlite = openSqlite(this.path);
    sqlite.transaction(() => sqlite.database.exec(creationScript()));
    return sqlite;
  }

  #vectorIndex(): VectorIndex {
    return new VectorIndex(this.#sqlite, (a, b) => this.#words.compareIds(a, b));
  }

  #say(why: string): void {
    this.#notify({ kind: 'views.rebuilt', groupId: this.reader.groupId, reason: why });
  }

  get sqlite(): Sqlite {
    return this.#sqlite;
  }

  get words(): WordIndex {
    return this.#words;
  }

  get vectors(): VectorIndex {
    return this.#vectors;
  }

  get checkpoint(): Checkpoint {
    return this.#checkpoint;
  }

  /** The model that the vectors are of. */
  get model(): string | undefined {
    return this.#sqlite.get<{ value: string }>("SELECT value FROM meta WHERE name = 'model'")?.value;
  }

  /** Drops the vectors of another model. */
  useModel(model: string): void {
    if (this.model === model) return;
    this.write(() => {
      this.#sqlite.run('DELETE FROM vector');
      this.#sqlite.run('UPDATE claim SET embedded = 0 WHERE embedded = 1');
      this.#sqlite.run("INSERT OR REPLACE INTO meta VALUES ('model', ?)", model);
      return undefined;
    });
    this.#vectors = this.#vectorIndex();
  }

  /**
   * Changes the file: `work` and its checkpoint together or not at all. When it fails, what is in memory is read
   * again, since it may be ahead of the file.
   */
  write(work: () => Checkpoint | undefined): void {
    let reached: Checkpoint | undefined;
    try {
      this.#sqlite.transaction(() => {
        reached = work();
        if (reached === undefined) return;
        const { height, blockId, tsMs } = reached;
        this.#sqlite.run('INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?, ?)', height, blockId, tsMs);
      });
    } catch (error) {
      // Of a damaged file nothing can be read; whoever called has it made again.
      if (!isDamage(error)) this.#load();
      throw error;
    }
    if (reached !== undefined) this.#checkpoint = reached;
  }

  #load(): void {
    this.#checkpoint = readCheckpoint(this.#sqlite);
    this.#words = new WordIndex(this.#sqlite);
    this.#vectors = this.#vectorIndex();
  }

  /** Drops everything and begins at block 0 again. */
  rebuild(why: string): void {
    this.#say(why);
    this.#sqlite.close();
    this.#sqlite = this.#create();
    this.#load();
  }

  close(): void {
    this.#sqlite.close();
  }
}

/** What SQLite says of the structure of a file: `ok`, or what is wrong first. It reads all of it. */
export function quickCheck(sqlite: Sqlite): string {
  return sqlite.get<{ quick_check: string }>('PRAGMA quick_check(1)')!.quick_check;
}

function openSqlite(path: string): Sqlite {
  const sqlite = new Sqlite(path);
  try {
    // What a power cut may take is the end of the file, with its checkpoint: the log has it.
    sqlite.database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768',
    );
    return sqlite;
  } catch (error) {
    sqlite.close();
    throw error;
  }
}

function readCheckpoint(sqlite: Sqlite): Checkpoint {
  const row = sqlite.get<{ height: number; block_id: string; ts_ms: number }>('SELECT * FROM checkpoint');
  return row === undefined ? NOTHING : { height: row.height, blockId: row.block_id, tsMs: row.ts_ms };
}

function removeFiles(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true });
}
