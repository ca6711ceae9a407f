/**
 * What the disk can do to a node, as typed errors.
 *
 * These are failures of the environment (kind 2 of the three that are never mixed): the caller retries, stops
 * with a distinct exit code, or tells the operator. Nothing here is matched by its text; `code` is the contract.
 * A wrong argument (a key too long, a hash of 31 bytes) is a bug of ours and stays a `RangeError`.
 */
import { describeErrno, errnoKind, errnoName, type FileAction } from '../events/errno.ts';

/** Why storage could not do what it was asked. One line each, and what a caller does about it. */
export type StorageErrorCode =
  /** No space, quota or file size left; nothing of the commit was kept. Free space and try again. */
  | 'disk_full'
  /** The device or file system failed or does not allow it, or the database must be reopened. Look at the disk. */
  | 'io'
  /** The memory map cannot grow: address space or `mapSize` is used up. Open again with a larger one. */
  | 'map_full'
  /** The database is damaged, or not one of ours. Restore it or sync it again from a peer. */
  | 'corrupt'
  /** The store was closed before this was asked. */
  | 'closed'
  /** The commit does not continue the group's chain, mostly because the one before it failed. Read `head()` again. */
  | 'out_of_order'
  /** The database was written by a later version of this software. Upgrade. */
  | 'newer_format'
  /** The database was written by an earlier version, whose format this one does not read. */
  | 'older_format'
  /** Streamed bytes do not have the hash they were announced with; nothing of them was kept. */
  | 'hash_mismatch';

/** An environment failure of the store; after one (save `closed`) the store can still be read. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: StorageErrorCode;
  /** The number that LMDB or the operating system gave (errno, or MDB_* below zero), when there was one. */
  readonly errno: number | undefined;

  constructor(code: StorageErrorCode, message: string, options: { errno?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errno = options.errno;
  }
}

/** Why a data directory cannot be used. */
export type DirectoryErrorCode = 'missing' | 'not_a_node' | 'newer_format';

/** The data directory cannot be opened as asked; the message is one line for people. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
  readonly code: DirectoryErrorCode;

  constructor(code: DirectoryErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Another process owns the data directory. `pid` and `sinceMs` are what its owner file says, when readable. */
export class DirectoryOwnedError extends Error {
  override readonly name = 'DirectoryOwnedError';
  readonly code = 'owned';
  readonly pid: number | undefined;
  readonly sinceMs: number | undefined;

  constructor(message: string, pid: number | undefined, sinceMs: number | undefined) {
    super(message);
    this.pid = pid;
    this.sinceMs = sinceMs;
  }
}

/** errno and MDB_* numbers by kind; whatever is not listed is `io`, since LMDB has no other reason to fail. */
const CODE_OF_ERRNO: ReadonlyMap<number, StorageErrorCode> = new Map([
  [28, 'disk_full'], // ENOSPC
  [122, 'disk_full'], // EDQUOT on Linux
  [69, 'disk_full'], // EDQUOT on macOS
  [27, 'disk_full'], // EFBIG: a file size limit
  [12, 'map_full'], // ENOMEM: the map cannot grow
  [-30792, 'map_full'], // MDB_MAP_FULL
  [-30797, 'corrupt'], // MDB_PAGE_NOTFOUND
  [-30796, 'corrupt'], // MDB_CORRUPTED
  [-30793, 'corrupt'], // MDB_INVALID: not an LMDB file
  // Of a tree that is whole LMDB says none of these, since nothing here is written in a way that could bring them about.
  [-30787, 'corrupt'], // MDB_CURSOR_FULL: deeper than a tree can be
  [-30786, 'corrupt'], // MDB_PAGE_FULL: a page has no room where it must have some
  [-30784, 'corrupt'], // MDB_INCOMPATIBLE: another kind of tree
  [-30794, 'newer_format'], // MDB_VERSION_MISMATCH
]);

const EXPLANATION: Readonly<Partial<Record<StorageErrorCode, string>>> = {
  disk_full: 'the disk is full, and nothing of this commit was kept; free some space and try again',
  map_full: 'the database cannot map more memory, and nothing of this commit was kept; raise the limit on it',
  io: 'the disk failed, and nothing of this commit was acknowledged; look at the disk, then open the node again',
  corrupt: 'the database is damaged or not one of this node; restore it from a backup',
  newer_format: 'the database was written by a later version of LMDB; upgrade',
};

/** The typed error for an errno or MDB_* number and LMDB's own words. */
export function storageErrorOf(errno: number | undefined, detail: string, cause?: unknown): StorageError {
  const code = (errno !== undefined && CODE_OF_ERRNO.get(errno)) || 'io';
  const message = `${EXPLANATION[code]} (${detail})`;
  return new StorageError(code, message, { ...(errno === undefined ? {} : { errno }), cause });
}

/**
 * What `use` gives; an error of LMDB becomes a `StorageError`. Reads fail only when the database is damaged, or when
 * the write of a meta page has failed: LMDB then refuses everything until it is opened again.
 */
export function withTypedErrors<T>(use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw typedError(error);
  }
}

/** `error` itself if it is a bug or already typed, else the `StorageError` for what LMDB threw. */
export function typedError(error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || !(error instanceof Error)) return error;
  return storageErrorOf(errno, error.message, error);
}

/** The `StorageError` for what an action on the file or folder `path` threw; any other error as it is. */
export function fileError(error: unknown, action: FileAction, path: string): unknown {
  const name = errnoName(error);
  if (name === undefined) return error;
  const code = errnoKind(name) === 'disk_full' ? 'disk_full' : 'io';
  return new StorageError(code, describeErrno(name, action, path), { cause: error });
}

/** What `use` gives; an error of the system becomes a `StorageError` that names `path`. */
export function withFileErrors<T>(action: FileAction, path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw fileError(error, action, path);
  }
}

/** The number in an error thrown by LMDB, if it is one. */
export function errnoOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}
