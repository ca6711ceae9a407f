/**
 * Looking at the files of an environment before LMDB does.
 *
 * lmdb-js 3.5.6 ends the process with a segmentation fault when an environment cannot be opened (it frees a part of
 * it and then uses it), so whatever is likely to be wrong must be found first and said in words.
 */
import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StorageError, systemError } from './errors.ts';

/** The first meta page: a page header, and then magic u32 and version u32 (low half), little-endian. */
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;
const VERSION_AT = 28;
const VERSION = 2;
/** Two meta pages of the smallest page size. */
const FILE_BYTES_MIN = 2 * 4096;

/** Address space that a 64-bit process can map at all: half of the 47 bits that it has. */
const MAP_BYTES_MAX = 2 ** 46;

/**
 * Checks that LMDB can open the environment in the existing directory `dir`.
 * @throws StorageError `corrupt`, `newer_format`, `io`
 * @throws RangeError when `mapSize` is more than can be mapped
 */
export function checkDatabaseFiles(dir: string, mapSize: number): void {
  if (!(mapSize > 0 && mapSize <= MAP_BYTES_MAX)) throw new RangeError(`mapSize is at most ${MAP_BYTES_MAX}`);
  const data = join(dir, 'data.mdb');
  const lock = join(dir, 'lock.mdb');
  try {
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    for (const path of [data, lock]) if (existsSync(path)) checkFile(path);
    if (existsSync(data) && statSync(data).size > 0) checkHeader(data);
  } catch (error) {
    throw systemError(error);
  }
}

function checkFile(path: string): void {
  if (!statSync(path).isFile()) throw new StorageError('corrupt', `${path} is not a file`);
  accessSync(path, constants.R_OK | constants.W_OK);
}

function checkHeader(path: string): void {
  if (statSync(path).size < FILE_BYTES_MIN) throw new StorageError('corrupt', `${path} is cut short`);
  const header = new DataView(new ArrayBuffer(32));
  const file = openSync(path, 'r');
  try {
    readSync(file, header, 0, header.byteLength, 0);
  } finally {
    closeSync(file);
  }
  if (header.getUint32(MAGIC_AT, true) !== MAGIC)
    throw new StorageError('corrupt', `${path} is not a database`);
  const version = header.getUint16(VERSION_AT, true);
  if (version !== VERSION) {
    throw new StorageError(
      'newer_format',
      `${path} has LMDB format ${version}; this version reads ${VERSION}`,
    );
  }
}
