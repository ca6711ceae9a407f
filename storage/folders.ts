/** Folders and small files that a power cut does not take away. */
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError, withFileErrors } from './errors.ts';

/**
 * Makes the folder `path` and those above it where they are missing, for their user alone. One level at a time:
 * Node's own `recursive` never returns where a folder takes no new ones (`/proc`), and reports a path as missing
 * where the file system is read-only.
 * @returns the topmost folder that was made, if any
 * @throws StorageError `disk_full`, `io`
 */
export function makeFolders(path: string): string | undefined {
  return withFileErrors('make', path, () => {
    const missing: string[] = [];
    for (let folder = path; !isThere(folder); folder = dirname(folder)) {
      missing.unshift(folder);
      if (folder === dirname(folder)) break;
    }
    for (const folder of missing) makeFolder(folder);
    if (!isFolder(path))
      throw new StorageError('io', `${path} is a file where a folder is needed; move it away`);
    return missing[0];
  });
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Somebody else may make it at the same moment.
    if (!isFolder(path)) throw error;
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * Checks that the disk of the folder `dir` has room for so many bytes more.
 * @param what is to be done with them, for the message: `make a database in …`
 * @throws StorageError `disk_full`, `io`
 */
export function assertRoom(dir: string, bytes: number, what: string): void {
  const { bavail, bsize } = withFileErrors('read', dir, () => statfsSync(dir));
  const free = bavail * bsize;
  if (free >= bytes) return;
  const message = `the disk is too full to ${what}: ${free} bytes are free, up to ${bytes} are needed`;
  throw new StorageError('disk_full', `${message}; free some space and try again`);
}

/** Writes the new file `path`, for its user alone, down to the disk. What fails leaves nothing behind. */
export function writeNewFile(path: string, content: string | Uint8Array): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeAll(file, typeof content === 'string' ? Buffer.from(content) : content);
    fsyncSync(file);
  } catch (error) {
    closeSync(file);
    rmSync(path, { force: true });
    throw error;
  }
  closeSync(file);
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

/** Makes the names in `dir` durable: a new file is lost in a power cut as long as only its content is synced. */
export function syncFolder(dir: string): void {
  // Windows cannot open a folder as a file, and needs none of this.
  if (process.platform === 'win32') return;
  const folder = openSync(dir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** The same where folders can be flushed: for those of the user's choice, which may be on any file system. */
export async function trySyncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r').catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

/**
 * Gives the file `from` the name `to` in the same folder, unless that is taken: a rename would replace what came
 * there meanwhile.
 * @param refuseTaken throws where `to` is taken
 */
export async function nameNewFile(
  from: string,
  to: string,
  refuseTaken: (to: string) => Promise<void>,
): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    await refuseTaken(to);
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    // A file system without hard links: as near as it gets.
    await rename(from, to);
    return;
  }
  await unlink(from);
}
