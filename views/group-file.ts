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
import { hasSum, isAsClosed, leaveSum, SUM_SUFFIX, takeSumAway } from './file-sum.ts';
import { VectorIndex } from './meaning/vector-index.ts';
import type { ViewsNotice } from './protocol.ts';
import { creationScript, FORMAT } from './schema.ts';
import { isDamage, Sqlite } from './sqlite.ts';
import { assertTexts } from './stored-text.ts';
import { Vocabulary } from './vocabulary.ts';
import { TASK_WORDS, WordIndex } from './words.ts';

/** How far a group's read models are. */
export interface Checkpoint {
  /** −1 before block 0. */
  readonly height: number;
  readonly blockId: Hex32;
  /** Block time there. */
  readonly tsMs: number;
}

/**
 * A file up to this size is checked in full when it is opened without its sum, in a fifth of a second. Damage in a
 * larger one is found when what is damaged is read, and then it is made again just the same.
 */
const CHECKED_BYTES_MAX = 32 * 1024 * 1024;

const NOTHING: Checkpoint = { height: -1, blockId: '', tsMs: 0 };

/** What of the file is held in memory. */
interface InMemory {
  checkpoint: Checkpoint;
  readonly words: WordIndex;
  readonly taskWords: WordIndex;
  readonly vectors: VectorIndex;
  embedded: number;
}

/** A change of a file in steps, in one transaction: between them the thread does other things. */
export type Change = Generator<
  undefined,
  {
    readonly reached: Checkpoint | undefined;
    /** Whether another change is to follow. */
    readonly isMore: boolean;
  }
>;

// biome-ignore lint/correctness/useYield: a change of one step.
function* atOnce(work: () => Checkpoint | undefined): Change {
  return { reached: work(), isMore: false };
}

export type Notify = (notice: ViewsNotice) => void;

export class GroupFile {
  readonly path: string;
  readonly reader: GroupReader;
  readonly #notify: Notify;
  #sqlite: Sqlite;
  #inMemory: InMemory;
  #inode: number | undefined;
  #isOpen = true;
  #change: Change | undefined;

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
    try {
      this.#inMemory = readIntoMemory(opened);
    } catch (error) {
      if (!isDamage(error)) throw error;
      opened.close();
      this.#say(damaged(error));
      opened = this.#create();
      this.#inMemory = readIntoMemory(opened);
    }
    this.#sqlite = opened;
    this.#inode = inodeOf(path);
  }

  /** The open file, or why it cannot be used. */
  #tryOpen(): Sqlite | string {
    if (isAsClosed(this.path) === false) return 'it is damaged (its sum is another one)';
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
      return damaged(error);
    }
  }

  #problemOf(sqlite: Sqlite): string | undefined {
    const tables = sqlite.get<{ count: number }>('SELECT count(*) AS count FROM sqlite_schema')!;
    if (tables.count === 0) return 'new';
    const format = sqlite.get<{ value: number }>("SELECT value FROM meta WHERE name = 'format'")?.value;
    if (format !== FORMAT) return `it has format ${format ?? 'of nothing'}, and this version makes ${FORMAT}`;
    if (!hasSum(this.path) && statSync(this.path).size <= CHECKED_BYTES_MAX) {
      const verdict = quickCheck(sqlite);
      if (verdict !== 'ok') return `it is damaged (${verdict})`;
      assertTexts(sqlite);
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

  #say(why: string): void {
    this.#notify({ kind: 'views.rebuilt', groupId: this.reader.groupId, reason: why });
  }

  /** Whether the file is still there: SQLite would go on with one that has no name any more. */
  get isInPlace(): boolean {
    return inodeOf(this.path) === this.#inode;
  }

  /** Whether it can be used still: whoever waited for something may come back too late. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get sqlite(): Sqlite {
    return this.#sqlite;
  }

  get words(): WordIndex {
    return this.#inMemory.words;
  }

  /** The words of tasks; see `TASK_WORDS` for their numbers. */
  get taskWords(): WordIndex {
    return this.#inMemory.taskWords;
  }

  get vectors(): VectorIndex {
    return this.#inMemory.vectors;
  }

  get checkpoint(): Checkpoint {
    return this.#inMemory.checkpoint;
  }

  /** How many claims with a text need nothing of the model any more. */
  get embedded(): number {
    return this.#inMemory.embedded;
  }

  /** A claim with a text needs nothing of the model any more; inside a transaction, with its vector if it has one. */
  setEmbedded(n: number, vector: Int8Array | undefined): void {
    if (vector !== undefined) this.vectors.add(n, vector);
    this.#sqlite.run('UPDATE claim SET embedded = 1 WHERE n = ?', n);
    this.#inMemory.embedded++;
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
    this.#load();
  }

  /** Whether a change is under way. Whoever reads the file meanwhile sees half of it. */
  get isChanging(): boolean {
    return this.#change !== undefined;
  }

  /**
   * Changes the file: `work` and its checkpoint together or not at all. When it fails, what is in memory is read
   * again, since it may be ahead of the file. A change that is under way is brought to its end before.
   */
  write(work: () => Checkpoint | undefined): void {
    this.begin(atOnce(work));
    this.step();
  }

  /** Begins a change like `write`, which is made in the steps that `step` takes. */
  begin(change: Change): void {
    while (this.isChanging) this.step();
    takeSumAway(this.path);
    this.#sqlite.database.exec('BEGIN');
    this.#change = change;
  }

  /** Takes the change that is under way a step on; says whether there is more to do, of this one or of another. */
  step(): boolean {
    try {
      const step = this.#change!.next();
      if (step.done !== true) return true;
      const { reached, isMore } = step.value;
      if (reached !== undefined) {
        const { height, blockId, tsMs } = reached;
        this.#sqlite.run('INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?, ?)', height, blockId, tsMs);
      }
      this.#sqlite.database.exec('COMMIT');
      if (reached !== undefined) this.#inMemory.checkpoint = reached;
      this.#change = undefined;
      return isMore;
    } catch (error) {
      this.#change = undefined;
      if (this.#sqlite.database.isTransaction) this.#sqlite.database.exec('ROLLBACK');
      // Of a damaged file nothing can be read; whoever called has it made again.
      if (!isDamage(error)) this.#load();
      throw error;
    }
  }

  #load(): void {
    this.#inMemory = readIntoMemory(this.#sqlite);
  }

  /** Drops everything and begins at block 0 again. */
  rebuild(why: string): void {
    this.#say(why);
    this.#change = undefined;
    this.#sqlite.close();
    this.#sqlite = this.#create();
    this.#inode = inodeOf(this.path);
    this.#load();
  }

  close(): void {
    this.#isOpen = false;
    this.#sqlite.close();
    if (this.isInPlace && !hasSum(this.path)) leaveSum(this.path);
  }
}

/** What SQLite says of the structure of a file: `ok`, or what is wrong first. It reads all of it. */
export function quickCheck(sqlite: Sqlite): string {
  return sqlite.get<{ quick_check: string }>('PRAGMA quick_check(1)')!.quick_check;
}

function readIntoMemory(sqlite: Sqlite): InMemory {
  const vocabulary = new Vocabulary(sqlite);
  const words = new WordIndex(sqlite, vocabulary);
  return {
    checkpoint: readCheckpoint(sqlite),
    words,
    taskWords: new WordIndex(sqlite, vocabulary, TASK_WORDS),
    vectors: new VectorIndex(sqlite, (a, b) => words.compareIds(a, b)),
    embedded: sqlite.get<{ count: number }>(
      'SELECT count(*) AS count FROM claim WHERE embedded = 1 AND terms IS NOT NULL',
    )!.count,
  };
}

const damaged = (error: unknown): string => `it is damaged (${(error as Error).message})`;

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

/** Which file has this name, or nothing where there is none. */
function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

export function removeFiles(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal', SUM_SUFFIX]) rmSync(path + suffix, { force: true });
}
