/**
 * Reading a backup: unpacked into an empty folder, every byte held against the manifest on its way. What does not
 * fit is refused at the first byte too many, so that a hostile file cannot fill a disk or leave the folder.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Extract as Archive, extract } from 'tar-stream';
import { layoutOf, recordRestored } from '../directory.ts';
import { assertRoom, makeFolders, syncFolder } from '../folders.ts';
import {
  BackupError,
  type BackupFile,
  type BackupManifest,
  decodeManifest,
  MANIFEST_BYTES_MAX,
  MANIFEST_NAME,
} from './manifest.ts';

type Entry = Archive extends AsyncIterable<infer E> ? E : never;

/**
 * Unpacks the backup `path` into the existing, empty folder `dir` and checks every hash.
 * @param onProgress told of bytes done, and of all
 * @throws BackupError, and the system's errors for files
 */
export async function unpackBackup(
  path: string,
  dir: string,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<BackupManifest> {
  const input = createReadStream(path);
  const archive = extract();
  // An error on either side ends the loop below, which is the one that reports it.
  input.on('error', (error) => archive.destroy(Object.assign(error, { path })));
  input.pipe(archive);
  let hasManifest = false;
  try {
    return await unpackEntries(archive, dir, onProgress, () => {
      hasManifest = true;
    });
  } catch (error) {
    throw readError(error, path, hasManifest);
  } finally {
    input.destroy();
    archive.destroy();
  }
}

async function unpackEntries(
  archive: AsyncIterable<Entry>,
  dir: string,
  onProgress: (done: number, of: number) => void,
  onManifest: () => void,
): Promise<BackupManifest> {
  let manifest: BackupManifest | undefined;
  let done = 0;
  const missing = new Map<string, BackupFile>();
  for await (const entry of archive) {
    if (manifest === undefined) {
      manifest = decodeManifest(await readManifest(entry));
      for (const file of manifest.files) missing.set(file.path, file);
      onManifest();
      assertRoom(dir, sizeOf(manifest), `unpack the backup in ${dirname(dir)}`);
      continue;
    }
    const { name, type } = entry.header;
    const file = missing.get(name);
    if (file === undefined || type !== 'file')
      throw new BackupError('backup_damaged', 'the backup holds something that its manifest does not name');
    missing.delete(name);
    await unpackFile(entry, file, dir, (bytes) => {
      done += bytes;
      onProgress(done, sizeOf(manifest!));
    });
  }
  if (manifest === undefined) throw new BackupError('not_a_backup', 'the file holds nothing');
  const [absent] = missing.keys();
  if (absent !== undefined) throw new BackupError('backup_damaged', `${absent} is missing from the backup`);
  return manifest;
}

function sizeOf(manifest: BackupManifest): number {
  return manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function readManifest(entry: Entry): Promise<Uint8Array> {
  const { name, size = 0 } = entry.header;
  if (name !== MANIFEST_NAME || size > MANIFEST_BYTES_MAX)
    throw new BackupError('not_a_backup', 'the file does not begin with the manifest of a backup');
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

async function unpackFile(
  entry: Entry,
  { path, bytes, sha256 }: BackupFile,
  dir: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const differs = new BackupError('backup_damaged', `${path} in the backup is not what its manifest says`);
  if (entry.header.size !== bytes) throw differs;
  const target = join(dir, path);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  const file = await open(target, 'wx', 0o600);
  try {
    for await (const chunk of entry) {
      hash.update(chunk as Uint8Array);
      await file.writeFile(chunk as Uint8Array);
      onBytes((chunk as Uint8Array).length);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  syncFolder(dirname(target));
  if (hash.digest('hex') !== sha256) throw differs;
}

/** What is wrong with the file itself is the backup's; what the system says is the system's. */
function readError(error: unknown, path: string, hasManifest: boolean): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof BackupError && error.code !== 'not_a_backup') return error;
  if ('code' in error && !(error instanceof BackupError)) return error;
  // A reason of ours, or the words of the tar reader: an invalid header, or an end in the middle.
  const code = hasManifest ? 'backup_damaged' : 'not_a_backup';
  const what = hasManifest ? 'is cut short or damaged' : 'is not a backup of a node';
  return new BackupError(code, `${path} ${what}: ${error.message}`, { cause: error });
}

/**
 * Makes the data directory `dir` from a backup. It appears whole or not at all.
 * @throws BackupError `not_empty` when there is anything in `dir`, and those of `unpackBackup`
 */
export async function restoreBackup(
  path: string,
  dir: string,
  onProgress?: (done: number, of: number) => void,
): Promise<BackupManifest> {
  const root = resolve(dir);
  await refuseOccupied(root);
  makeFolders(dirname(root));
  const draft = join(dirname(root), `.${basename(root)}.${randomBytes(6).toString('hex')}.partial`);
  await mkdir(draft, { mode: 0o700 });
  try {
    const manifest = await unpackBackup(path, draft, onProgress);
    recordRestored(layoutOf(draft));
    syncFolder(draft);
    // Takes the place of an empty folder; of one that is not empty any more it does not.
    await rename(draft, root).catch(async (error: unknown) => {
      await refuseOccupied(root);
      throw error;
    });
    syncFolder(dirname(root));
    return manifest;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function refuseOccupied(root: string): Promise<void> {
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') return ['itself, a file'];
    throw error;
  });
  if (names.length > 0)
    throw new BackupError('not_empty', `${root} is not empty; restore into a folder that is not there yet`);
}
