/**
 * Reading from a file system that is read-only: a backup that is mounted, a disk that the system has turned off.
 *
 * The database, the read models and the lock are all made by programs that want to write a little even to read. So a
 * verb that only reads works on a copy of its own, beside the other temporary files and for its user alone, and takes
 * it away at the end. What would be written there would be lost, so verbs that change something get no copy.
 */
import {
  accessSync,
  constants,
  cpSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { layoutOf } from '../../storage/directory.ts';
import { StorageError } from '../../storage/errors.ts';

/** What belongs to whoever has the directory open, and to nobody else. */
const OF_THE_OWNER = new Set([
  'lock.db',
  'owner.db',
  'owner.json',
  'lock.mdb',
  'node.sock',
  'node.sock.at',
  'waiting',
]);

/** Whether a data directory is there and cannot be written because of its file system. */
export function isReadOnly(dir: string): boolean {
  try {
    accessSync(layoutOf(dir).root, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}

export interface ReadingCopy {
  readonly data: string;
  remove(): void;
}

/** @throws StorageError `disk_full` where there is no room for it */
export function copyToRead(dir: string): ReadingCopy {
  const { root } = layoutOf(dir);
  const folder = mkdtempSync(join(tmpdir(), 'lb-read-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const bytes = sizeOf(root);
    const { bavail, bsize } = statfsSync(folder);
    if (bytes > bavail * bsize)
      throw new StorageError(
        'disk_full',
        `${root} is on a file system that is read-only, and ${tmpdir()} has no room for a copy of ${bytes} bytes to read from; set TMPDIR to a place that has`,
      );
    const data = join(folder, 'node');
    cpSync(root, data, {
      recursive: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (source) => !OF_THE_OWNER.has(basename(source)),
    });
    return { data, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function sizeOf(dir: string): number {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !OF_THE_OWNER.has(entry.name))
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
