/**
 * Looking at the files of an environment before LMDB does.
 *
 * lmdb-js 3.5.6 ends the process with a segmentation fault when an environment cannot be opened (it frees a part of
 * it and then uses it), so whatever is likely to be wrong must be found first and said in words.
 */
import { accessSync, closeSync, constants, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { checkDataFile, DATA_FILE } from './data-file.ts';
import { StorageError, withFileErrors } from './errors.ts';
import { assertRoom } from './folders.ts';
import { TABLES } from './schema.ts';

const LOCK_FILE = 'lock.mdb';

/** Address space that a 64-bit process can map at all: half of the 47 bits that it has. */
const MAP_BYTES_MAX = 2 ** 46;

/** What LMDB writes before the first commit, and again as much: meta pages, and a page or two for each table. */
const NEW_DATABASE_BYTES = 256 * 1024;

/** The table of readers is mapped, and a mapped page that finds no room on the disk ends the process. */
const LOCK_FILE_START_BYTES = 4096;

/**
 * Checks that LMDB can open the environment in the existing directory `dir`, from nothing if need be.
 * @param isExpected whether there must be a database with something in it
 * @throws StorageError `corrupt`, `newer_format`, `io`, `disk_full`
 * @throws RangeError when `mapSize` is more than can be mapped
 */
export function checkDatabaseFiles(dir: string, mapSize: number, isExpected: boolean): void {
  checkAccess(dir, mapSize);
  const data = join(dir, DATA_FILE);
  const isThere = checkFile(data);
  if (!isThere && isExpected) throw lostDatabase(data);
  const databases = isThere ? withFileErrors('read', data, () => checkDataFile(data).databases) : 0;
  // LMDB fails to make its first pages where there is no room for them, and see above.
  if (databases < TABLES.length) assertRoom(dir, NEW_DATABASE_BYTES, `make a database in ${dir}`);
  startLockFile(join(dir, LOCK_FILE));
}

/** The same for an environment that this process has open already, and so has checked. */
export function checkAccess(dir: string, mapSize: number): void {
  if (!(mapSize > 0 && mapSize <= MAP_BYTES_MAX)) throw new RangeError(`mapSize is at most ${MAP_BYTES_MAX}`);
  withFileErrors('write', dir, () => accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK));
}

function lostDatabase(path: string): StorageError {
  const message = `${path} is missing or empty, and this node has had groups; restore it from a backup`;
  return new StorageError('corrupt', message);
}

/** Whether there is a file with something in it. */
function checkFile(path: string): boolean {
  return withFileErrors('write', path, () => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return false;
    if (!stats.isFile()) throw new StorageError('corrupt', `${path} is not a file; restore it from a backup`);
    accessSync(path, constants.R_OK | constants.W_OK);
    return stats.size > 0;
  });
}

/** Gives the file the room for its first readers. What is in it means nothing when nobody has it open. */
function startLockFile(path: string): void {
  if (checkFile(path)) return;
  withFileErrors('write', path, () => {
    const file = openSync(path, 'w', 0o600);
    try {
      writeSync(file, new Uint8Array(LOCK_FILE_START_BYTES));
    } finally {
      closeSync(file);
    }
  });
}
