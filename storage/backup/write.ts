/**
 * A backup of a node while it runs.
 *
 *   1. LMDB copies itself through a read transaction into a scratch folder beside the target: one moment of all
 *      groups, compacted, on a thread of its own. Commits go on meanwhile.
 *   2. Keys, configuration, access tokens (as hashes) and read marks are copied, as they are, encrypted where they
 *      are. After the database, so that no group in it lacks the key of an identity: identities are only ever added,
 *      before their first group.
 *   3. Everything is hashed; the manifest and the files go into one tar file, which is flushed, and gets its name
 *      last. Interrupted before, nothing goes by that name.
 *
 * It takes room for two copies of the database for a while: LMDB cannot copy into a stream.
 */
import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream, createWriteStream, existsSync, rmSync } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { errnoName } from '../../events/errno.ts';
import { DATA_FILE } from '../data-file.ts';
import type { DirectoryLayout } from '../directory.ts';
import { fileError, storageErrorOf } from '../errors.ts';
import { assertRoom, nameNewFile, trySyncFolder } from '../folders.ts';
import { openStoreReader, type Store } from '../store.ts';
import {
  type BackupFile,
  type BackupGroup,
  type BackupManifest,
  DATABASE_NAME,
  encodeManifest,
  MANIFEST_NAME,
} from './manifest.ts';

export interface BackupOptions {
  /** Milliseconds since 1970, for the manifest. */
  readonly nowMs: number;
  /** Gives up; nothing of the backup is left. */
  readonly signal?: AbortSignal;
}

export interface BackupSummary extends BackupManifest {
  /** Of the whole file. */
  readonly bytes: number;
}

/** Only the owner may read what holds keys. */
const MODE = 0o600;
/** For headers, the manifest and whoever else writes to this disk. */
const RESERVE_BYTES = 16 * 1024 * 1024;

/**
 * Writes a backup of everything to the new file `path`.
 * @throws StorageError `disk_full`, `io`, `closed`
 * @throws the system's error, with `EEXIST` when the file is there already; what was there stays as it was
 */
export async function writeBackup(
  store: Store,
  layout: DirectoryLayout,
  path: string,
  options: BackupOptions,
): Promise<BackupSummary> {
  await refuseExisting(path);
  const scratch = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`);
  await mkdir(scratch, { mode: 0o700 });
  // A thread may still be copying when the process is told to end: it then writes into what has no name.
  const discard = (): void => rmSync(scratch, { recursive: true, force: true });
  options.signal?.addEventListener('abort', discard, { once: true });
  try {
    const { signal, nowMs } = options;
    await assertRoomFor(layout, scratch);
    await store.backup(join(scratch, 'chain')).catch((error: unknown) => {
      throw copyError(error);
    });
    signal?.throwIfAborted();
    const groups = await headsOf(join(scratch, 'chain'));
    const names = await copyFiles(layout, scratch);
    const files = await Promise.all(names.map((name) => describeFile(scratch, name)));
    const manifest = { createdMs: nowMs, files, groups };
    const tar = join(scratch, 'backup.tar');
    await writeTar(tar, scratch, manifest, signal);
    const bytes = await publish(tar, path);
    return { ...manifest, bytes };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', discard);
    await rm(scratch, { recursive: true, force: true });
  }
}

async function refuseExisting(path: string): Promise<void> {
  const present = await lstat(path).catch(() => undefined);
  if (present === undefined) return;
  throw Object.assign(new Error(`${path} is there already`), { code: 'EEXIST', syscall: 'link', path });
}

/** Said before gigabytes are copied. The copy is compacted, so that this is the most it can take. */
async function assertRoomFor(layout: DirectoryLayout, scratch: string): Promise<void> {
  const { size } = await lstat(join(layout.chain, DATA_FILE));
  assertRoom(scratch, 2 * size + RESERVE_BYTES, `make a backup in ${dirname(scratch)}`);
}

/** LMDB's copy gives no number with its words. A full disk is by far the likeliest, and worth to be told apart. */
function copyError(error: unknown): unknown {
  if (!(error instanceof Error) || 'code' in error) return error;
  return storageErrorOf(undefined, error.message, error);
}

/** Where the groups end in the copy: asked of the copy itself, whatever has been committed since. */
async function headsOf(dir: string): Promise<BackupGroup[]> {
  const reader = openStoreReader(dir, { durability: 'commit' });
  try {
    return reader.groups().map(({ groupId, name }) => {
      const head = reader.group(groupId).head();
      return { groupId, name, height: head?.height ?? -1, blockId: head?.blockId };
    });
  } finally {
    await reader.close();
  }
}

/** Copies everything but the database; gives the names of all files of the backup. */
async function copyFiles(layout: DirectoryLayout, scratch: string): Promise<string[]> {
  await chmod(join(scratch, DATABASE_NAME), MODE);
  const names = ['node.json'];
  // Tokens are kept as hashes; without them everything that is connected to a node stops when it is restored.
  for (const path of [layout.config, layout.access]) if (existsSync(path)) names.push(basename(path));
  await mkdir(join(scratch, 'keys'), { mode: 0o700 });
  const keys = await readdir(layout.keys, { withFileTypes: true });
  // A half-written key store has a name that ends so; the whole one is there as well.
  for (const entry of keys)
    if (entry.isFile() && !entry.name.endsWith('.tmp')) names.push(`keys/${entry.name}`);
  for (const name of names) {
    await copyFile(join(layout.root, name), join(scratch, name), constants.COPYFILE_EXCL);
    await chmod(join(scratch, name), MODE);
  }
  if (await copyReadMarks(layout.readMarks, join(scratch, basename(layout.readMarks))))
    names.push(basename(layout.readMarks));
  return [...names.slice(0, 1), DATABASE_NAME, ...names.slice(1)];
}

/**
 * Copies what was read by whom, through SQLite, since the views' thread may be writing it. Marks that cannot be read
 * are no reason to go without a backup: at worst, something read is shown as unread again.
 * @returns whether there is a copy
 */
async function copyReadMarks(from: string, to: string): Promise<boolean> {
  if (!existsSync(from)) return false;
  // Late: a Node that is too old has no such module, and is to be told so before anything fails to load.
  const { backup: backupDatabase, DatabaseSync } = await import('node:sqlite');
  try {
    using source = new DatabaseSync(from, { readOnly: true });
    await backupDatabase(source, to);
    await chmod(to, MODE);
    return true;
  } catch (error) {
    if (errnoName(error) !== undefined) throw error;
    await rm(to, { force: true });
    return false;
  }
}

async function describeFile(scratch: string, path: string): Promise<BackupFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(join(scratch, path))) {
    hash.update(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).length;
  }
  return { path, bytes, sha256: hash.digest('hex') };
}

async function writeTar(
  tar: string,
  scratch: string,
  manifest: BackupManifest,
  signal: AbortSignal | undefined,
): Promise<void> {
  const archive = pack();
  const mtime = new Date(manifest.createdMs);
  const writing = pipeline(archive, createWriteStream(tar, { flags: 'wx', mode: MODE }));
  const filling = (async () => {
    const head = Buffer.from(encodeManifest(manifest));
    archive.entry({ name: MANIFEST_NAME, mode: MODE, mtime }, head);
    for (const { path, bytes } of manifest.files) {
      signal?.throwIfAborted();
      const entry = archive.entry({ name: path, mode: MODE, mtime, size: bytes });
      await pipeline(createReadStream(join(scratch, path)), entry);
    }
    archive.finalize();
  })().catch((error: unknown) => {
    archive.destroy(error as Error);
    throw error;
  });
  // Whichever of the two fails, both have ended before the folder under them goes.
  const [written, filled] = await Promise.allSettled([writing, filling]);
  for (const end of [written, filled])
    if (end.status === 'rejected') throw fileError(end.reason, 'write', tar);
}

/** Flushes the file and gives it its name, unless that was taken meanwhile. */
async function publish(tar: string, path: string): Promise<number> {
  const file = await open(tar, 'r+');
  try {
    await file.sync();
    const { size } = await file.stat();
    await nameNewFile(tar, path, refuseExisting);
    await trySyncFolder(dirname(path));
    return size;
  } finally {
    await file.close();
  }
}
