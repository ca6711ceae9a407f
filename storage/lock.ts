/**
 * One owner for a data directory.
 *
 * The lock is one that the kernel holds and lets go of when the process ends in whatever way: SQLite's exclusive
 * lock on `lock.db`. So there is no stale lock, no process id to compare and nothing to delete by hand. It also
 * excludes a second owner inside the same process. `owner.json` beside it is only for messages.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { type DirectoryLayout, layoutOf } from './directory.ts';
import { DirectoryOwnedError } from './errors.ts';

/** How long to wait for another owner to go; asked again every 50 ms, which nobody waits for in vain. */
export interface LockOptions {
  /** Milliseconds; 0 asks once. */
  readonly waitMs: number;
}

const POLL_MS = 50;
const SQLITE_BUSY = 5;

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
 */
export async function acquireLock(dir: string, { waitMs }: LockOptions): Promise<Lock> {
  const layout = layoutOf(dir);
  const deadline = performance.now() + waitMs;
  for (;;) {
    const database = tryLock(layout.lock);
    if (database) return owned(layout, database);
    if (performance.now() >= deadline) throw ownedError(dir);
    await delay(POLL_MS);
  }
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

function tryLock(path: string): DatabaseSync | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && Reflect.get(error, 'errcode') === SQLITE_BUSY) return undefined;
    throw error;
  }
}

function owned(layout: DirectoryLayout, database: DatabaseSync): Lock {
  writeFileSync(layout.owner, JSON.stringify({ pid: process.pid, sinceMs: Date.now() }), { mode: 0o600 });
  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    // The file goes first: while it is there, it speaks of whoever holds the lock.
    rmSync(layout.owner, { force: true });
    database.close();
  };
  return { release, [Symbol.dispose]: release };
}

function ownedError(dir: string): DirectoryOwnedError {
  const { pid, sinceMs } = readOwner(dir);
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  const since = sinceMs === undefined ? '' : ` since ${new Date(sinceMs).toISOString()}`;
  return new DirectoryOwnedError(`${dir} is in use by ${who}${since}`, pid, sinceMs);
}
