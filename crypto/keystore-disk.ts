/**
 * How the key store touches the disk: few steps, each of them small enough to be interrupted in a test.
 *
 * A store is replaced as a whole, never edited. The two functions below are the only writers; the steps
 * they take are behind an interface so that a test can crash between any two of them.
 */
import { randomBytes } from 'node:crypto';
import { link, open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Only the owner may read or write. */
export const KEYSTORE_MODE = 0o600;

/** The file steps. All of them reject with the operating system's error (`code` `ENOENT`, `EEXIST` ...). */
export interface KeystoreDisk {
  read(path: string): Promise<{ readonly bytes: Uint8Array; readonly mode: number }>;
  /** Makes a file that must not exist yet, with the key store's mode. */
  create(path: string): Promise<void>;
  /** Writes all of an empty file. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Waits until the file's bytes are on the disk. */
  syncFile(path: string): Promise<void>;
  /** Puts `from` in the place of `to`, at one instant. */
  replace(from: string, to: string): Promise<void>;
  /** Gives `from` the second name `to`, unless something has that name. */
  linkNew(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Waits until the names in a directory are on the disk. */
  syncDirectory(path: string): Promise<void>;
  list(directory: string): Promise<string[]>;
}

async function syncPath(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The real disk. */
export const nodeDisk: KeystoreDisk = {
  async read(path) {
    const file = await open(path, 'r');
    try {
      const { mode } = await file.stat();
      return { bytes: await file.readFile(), mode: mode & 0o777 };
    } finally {
      await file.close();
    }
  },
  async create(path) {
    const file = await open(path, 'wx', KEYSTORE_MODE);
    await file.close();
  },
  async write(path, bytes) {
    const file = await open(path, 'r+');
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
  },
  syncFile: (path) => syncPath(path, 'r+'),
  replace: rename,
  linkNew: link,
  remove: unlink,
  async syncDirectory(path) {
    if (process.platform === 'win32') return; // directories cannot be opened there, nor need they be
    await syncPath(path, 'r');
  },
  list: (directory) => readdir(directory),
};

const temporaryPrefix = (path: string): string => `${path.slice(dirname(path).length + 1)}.`;
const TEMPORARY_SUFFIX = '.tmp';

/**
 * Writes `bytes` under a new name beside `path`, down to the disk, and lets `publish` put it in place. What
 * fails (a full disk, above all) leaves nothing behind.
 */
async function writeBeside(
  disk: KeystoreDisk,
  path: string,
  bytes: Uint8Array,
  publish: (temporary: string) => Promise<void>,
): Promise<void> {
  const name = `${temporaryPrefix(path)}${randomBytes(8).toString('hex')}${TEMPORARY_SUFFIX}`;
  const temporary = join(dirname(path), name);
  await disk.create(temporary);
  try {
    await disk.write(temporary, bytes);
    await disk.syncFile(temporary);
    await publish(temporary);
  } catch (error) {
    await disk.remove(temporary).catch(() => {});
    throw error;
  }
  await disk.syncDirectory(dirname(path));
}

/**
 * Removes what an interrupted writer left behind: such a file may hold keys under an older password, or
 * under none. Only writers do this, and a data directory has one owner, so no file in use is removed.
 */
async function removeLeftovers(disk: KeystoreDisk, path: string): Promise<void> {
  const directory = dirname(path);
  for (const name of await disk.list(directory)) {
    if (!name.startsWith(temporaryPrefix(path)) || !name.endsWith(TEMPORARY_SUFFIX)) continue;
    await disk.remove(join(directory, name));
  }
}

/**
 * Replaces the file at `path` so that a crash at any moment leaves the whole old or the whole new one.
 *
 *   1. the new bytes go to another file of the same directory, readable by the owner only;
 *   2. that file is flushed: from here on its content is safe, though nothing points to it yet;
 *   3. it is renamed over the old one, which the file system does at one instant;
 *   4. the directory is flushed: from here on the new one is found after a power failure too.
 *
 * Interrupted before 3, the old store is there, and perhaps a file that the next writer removes; between
 * 3 and 4, a power failure may bring the old store back, whole. When this resolves the change is durable. Should the flush in 4 alone fail, this
 * rejects although the new store is in place.
 */
export async function replaceFile(disk: KeystoreDisk, path: string, bytes: Uint8Array): Promise<void> {
  await removeLeftovers(disk, path);
  await writeBeside(disk, path, bytes, (temporary) => disk.replace(temporary, path));
}

/**
 * Makes the file at `path`, whole, unless there is one; rejects with `EEXIST` then and changes nothing.
 *
 * As above, but the finished file gets its name by `link`, which fails where `rename` would replace: of
 * two processes that do this at once exactly one succeeds.
 */
export async function createFile(disk: KeystoreDisk, path: string, bytes: Uint8Array): Promise<void> {
  await writeBeside(disk, path, bytes, async (temporary) => {
    await disk.linkNew(temporary, path);
    await disk.remove(temporary);
  });
}
