/**
 * One owner for a data directory.
 *
 * The lock is one that the kernel holds and lets go of when the process ends in whatever way: SQLite's exclusive
 * lock on `lock.db`. So there is no stale lock, no process id to compare and nothing to delete by hand. It also
 * excludes a second owner inside the same process. `owner.json` beside it is only for messages.
 *
 * A lock belongs to a file and not to its name, so whoever deletes `lock.db` under a living owner would make room for
 * a second one. Therefore the owner holds another file beside the database as well.
 */
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { describeErrno } from '../events/errno.ts';
import { type DirectoryLayout, layoutOf } from './directory.ts';
import { DirectoryOwnedError, StorageError, withFileErrors } from './errors.ts';
import { writeNewFile } from './folders.ts';
import { LockQueue } from './lock-queue.ts';

export interface LockOptions {
  /**
   * How long to wait for another owner to go, milliseconds; 0 asks once. The time begins anew whenever the directory
   * passes on to somebody else, so that a long row of short owners keeps nobody out.
   */
  readonly waitMs: number;
}

const POLL_MS = 50;
/** One who took the directory this many waits ago may still be about to give it back. */
const NEW_OWNER_WAITS = 6;

/** What SQLite's primary result codes mean here. */
const SQLITE = { busy: 5, corrupt: 11, full: 13, notADatabase: 26 } as const;

/** Rollback journals in memory: nothing is ever stored in `lock.db`, and a full disk must not keep the lock away. */
const TAKE_LOCK = 'PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE';

/** The directory is ours until `release`, or until the process ends. */
export interface Lock extends Disposable {
  release(): void;
}

/** What the owner's file says. */
export interface Owner {
  readonly pid: number | undefined;
  readonly sinceMs: number | undefined;
}

/**
 * Takes the lock of the data directory `dir`, which exists.
 * @throws DirectoryOwnedError when another process (or another part of this one) has it after `waitMs`
 * @throws StorageError `disk_full`, `io`, `corrupt` when `lock.db` cannot be locked at all
 */
export async function acquireLock(dir: string, { waitMs }: LockOptions): Promise<Lock> {
  const layout = layoutOf(dir);
  // Loaded late: a Node without it must get as far as being told that it is too old.
  const { DatabaseSync: Database } = await import('node:sqlite');
  assertLockable(layout);
  const open = (file: string) => new Database(file, { timeout: 0 });
  using queue = new LockQueue(layout.waiting);
  let deadline = performance.now() + waitMs;
  let seen = '';
  for (;;) {
    if (waitMs === 0 || queue.isFirst()) {
      const databases = tryBoth(layout, open);
      if (databases !== undefined) return owned(layout, databases);
    }
    const { pid, sinceMs } = readOwner(dir);
    const owner = `${pid} ${sinceMs} ${LockQueue.lengthOf(layout.waiting)}`;
    if (owner !== seen) deadline = performance.now() + waitMs;
    seen = owner;
    // Whoever has just come is a short verb as a rule, and slow where many start at once.
    const isNew = sinceMs !== undefined && Math.abs(Date.now() - sinceMs) < NEW_OWNER_WAITS * waitMs;
    if (performance.now() >= deadline && !isNew) throw ownedError(dir);
    await delay(POLL_MS);
  }
}

/** Locks both files or neither. */
function tryBoth(
  { lock, chain, chainLock }: DirectoryLayout,
  open: (file: string) => DatabaseSync,
): readonly DatabaseSync[] | undefined {
  const first = tryLock(() => open(lock), lock);
  if (first === undefined) return undefined;
  // A directory that is being made has no database, and nobody in it yet.
  if (!existsSync(chain)) return [first];
  try {
    const second = tryLock(() => open(chainLock), chainLock);
    if (second !== undefined) return [first, second];
  } catch {
    // It cannot be made, on a full disk perhaps. The first one is the lock; this one only keeps it from being deleted.
    return [first];
  }
  first.close();
  return undefined;
}

/** Who the owner's file says owns `dir`; undefined fields when it says nothing. Never whether it is locked. */
export function readOwner(dir: string): Owner {
  try {
    const owner: unknown = JSON.parse(readFileSync(layoutOf(dir).owner, 'utf8'));
    if (typeof owner !== 'object' || owner === null) return { pid: undefined, sinceMs: undefined };
    return { pid: numberIn(owner, 'pid'), sinceMs: numberIn(owner, 'sinceMs') };
  } catch {
    return { pid: undefined, sinceMs: undefined };
  }
}

function numberIn(record: object, field: string): number | undefined {
  const value: unknown = Reflect.get(record, field);
  return typeof value === 'number' ? value : undefined;
}

/**
 * SQLite opens what it may not write as well, and then its lock excludes nobody; and it never says why it cannot.
 * The file is not opened here when it is there: closing it would give up a lock that this process holds on it.
 */
function assertLockable({ root, lock }: DirectoryLayout): void {
  withFileErrors('write', root, () => accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK));
  withFileErrors('write', lock, () => {
    if (!existsSync(lock)) makeLockFile(lock);
    accessSync(lock, constants.R_OK | constants.W_OK);
  });
}

function makeLockFile(lock: string): void {
  try {
    writeNewFile(lock, '');
  } catch (error) {
    // Somebody else may make it at the same moment.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function tryLock(open: () => DatabaseSync, path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = open();
    database.exec(TAKE_LOCK);
    return database;
  } catch (error) {
    database?.close();
    if (sqliteCodeOf(error) === SQLITE.busy) return undefined;
    throw lockError(error, path);
  }
}

/** The primary result code in an error of SQLite's; the higher bits say more than is needed. */
function sqliteCodeOf(error: unknown): number | undefined {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'errcode') : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}

function lockError(cause: unknown, path: string): unknown {
  const code = sqliteCodeOf(cause);
  if (code === undefined) return cause;
  if (code === SQLITE.full)
    return new StorageError('disk_full', describeErrno('ENOSPC', 'write', path), { cause });
  if (code === SQLITE.notADatabase || code === SQLITE.corrupt) {
    const message = `${path} is not a lock file; move it away while no node is running (it never holds data)`;
    return new StorageError('corrupt', message, { cause });
  }
  const message = `cannot lock ${path}: ${(cause as Error).message}; look at the disk, or use another directory`;
  return new StorageError('io', message, { cause });
}

function owned(layout: DirectoryLayout, databases: readonly DatabaseSync[]): Lock {
  noteOwner(layout.owner);
  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    // The file goes first: while it is there, it speaks of whoever holds the lock.
    unlessBlocked(() => rmSync(layout.owner, { force: true }));
    for (const database of databases) database.close();
  };
  return { release, [Symbol.dispose]: release };
}

/** The file is only for messages: a disk that is full does not keep anybody from owning the directory. */
function noteOwner(path: string): void {
  const text = JSON.stringify({ pid: process.pid, sinceMs: Date.now() });
  unlessBlocked(() => writeFileSync(path, text, { mode: 0o600 }));
}

function unlessBlocked(change: () => void): void {
  try {
    change();
  } catch {
    // Then the file says nothing, or something old; it never decides.
  }
}

function ownedError(dir: string): DirectoryOwnedError {
  const { pid, sinceMs } = readOwner(dir);
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  const since = sinceMs === undefined ? '' : ` since ${new Date(sinceMs).toISOString()}`;
  return new DirectoryOwnedError(`${dir} is in use by ${who}${since}`, pid, sinceMs);
}
