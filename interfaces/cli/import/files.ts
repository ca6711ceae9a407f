/**
 * Finding what is to be imported.
 *
 * A folder is walked in the order of names, so that two imports see the same order. Every real folder and file is
 * visited once: a link that leads back ends there. A link that leads out of the given folder is named and left alone,
 * unless it was asked for: a folder from elsewhere would else publish what its links point to. Hidden folders are left
 * out, and so are the `node_modules` inside a folder, which hold other people's documents; given itself, a
 * `node_modules` is walked one level of packages deep.
 *
 * Paths are bytes: a file may have a name that is no text.
 */
import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { NotFoundError } from '../../../actors/errors.ts';
import { errnoName, errnoReason } from '../../../events/errno.ts';
import { pathText } from './file-names.ts';

const EXTENSIONS = new Set(['.md', '.markdown', '.mdown', '.mkd']);

export interface FoundFile {
  readonly path: Buffer;
  /** The file itself: no link. */
  readonly real: Buffer;
  /** The given path that led to it. */
  readonly root: Buffer;
}

export interface FailedPath {
  readonly path: string;
  readonly reason: string;
}

export interface FindOptions {
  /** Links that lead out of the given folders are followed. */
  readonly followLinks?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The Markdown files under `paths`; what cannot be looked into goes to `failed`. A file that is named itself counts
 * as Markdown whatever its name.
 * @throws NotFoundError when none of the given paths exists
 */
export async function findFiles(
  paths: readonly string[],
  failed: FailedPath[],
  options: FindOptions = {},
): Promise<{ readonly found: FoundFile[]; readonly roots: Buffer[] }> {
  const found: FoundFile[] = [];
  const roots: Buffer[] = [];
  const visited = new Set<string>();
  for (const given of paths) {
    const root = Buffer.from(resolve(given));
    const stats = await stat(root).catch((error: NodeJS.ErrnoException) => {
      failed.push({ path: pathText(root), reason: reasonOf(error) });
      return undefined;
    });
    if (stats === undefined) continue;
    const real = await realpath(root, { encoding: 'buffer' });
    await walk({ path: root, real, stats }, { root, realRoot: real, found, visited, failed, options });
    roots.push(root);
  }
  if (roots.length === 0) {
    const what = failed.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
    throw new NotFoundError(`there is nothing to import; ${what}`);
  }
  return { found, roots };
}

/** Whether nothing is at `path` any more. What cannot be looked at may still be there. */
export async function isGone(path: Buffer): Promise<boolean> {
  try {
    await lstat(path);
    return false;
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}

interface Walk {
  readonly root: Buffer;
  readonly realRoot: Buffer;
  readonly found: FoundFile[];
  readonly visited: Set<string>;
  readonly failed: FailedPath[];
  readonly options: FindOptions;
}

interface Place {
  readonly path: Buffer;
  readonly real: Buffer;
  readonly stats: Stats;
}

async function walk({ path, real, stats }: Place, run: Walk): Promise<void> {
  run.options.signal?.throwIfAborted();
  const isGiven = path === run.root;
  if (stats.isFile()) {
    if (!isGiven && !isDocument(path)) return;
    if (isNew(real, run)) run.found.push({ path, real, root: run.root });
    return;
  }
  if (!stats.isDirectory()) {
    if (isGiven) run.failed.push({ path: pathText(path), reason: 'neither a file nor a folder' });
    return;
  }
  if (!isNew(real, run)) return;
  const entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' }).catch(
    (error: NodeJS.ErrnoException) => {
      run.failed.push({ path: pathText(path), reason: reasonOf(error) });
      return [];
    },
  );
  for (const entry of entries.sort((a, b) => Buffer.compare(a.name, b.name))) {
    if (!isWorthALook(entry)) continue;
    const inside = await look(path, real, entry, run);
    if (inside !== undefined) await walk(inside, run);
  }
}

/** What an entry of a folder is; nothing where it concerns nobody, or goes to `failed`. */
async function look(
  folder: Buffer,
  realFolder: Buffer,
  entry: Dirent<Buffer>,
  run: Walk,
): Promise<Place | undefined> {
  const path = joined(folder, entry.name);
  try {
    const stats = await stat(path);
    if (!entry.isSymbolicLink()) return { path, real: joined(realFolder, entry.name), stats };
    if (!stats.isDirectory() && !(stats.isFile() && isDocument(path))) return undefined;
    const real = await realpath(path, { encoding: 'buffer' });
    if (run.options.followLinks || isWithin(real, run.realRoot)) return { path, real, stats };
    const reason = 'a link that leads out of the folder; --follow-links reads it';
    run.failed.push({ path: pathText(path), reason });
  } catch (error) {
    // A link to nowhere concerns nobody unless it is called like a document.
    if (isDocument(path) || entry.isDirectory())
      run.failed.push({ path: pathText(path), reason: reasonOf(error as NodeJS.ErrnoException) });
  }
  return undefined;
}

function joined(folder: Buffer, name: Buffer): Buffer {
  const isTop = folder.at(-1) === 0x2f;
  return Buffer.concat([folder, Buffer.from(isTop ? '' : '/'), name]);
}

function isWithin(path: Buffer, folder: Buffer): boolean {
  const start = joined(folder, Buffer.alloc(0));
  return path.equals(folder) || path.subarray(0, start.length).equals(start);
}

function isDocument(path: Buffer): boolean {
  return EXTENSIONS.has(extname(path.toString('latin1')).toLowerCase());
}

function isWorthALook(entry: Dirent<Buffer>): boolean {
  if (entry.isFile()) return isDocument(entry.name);
  return entry.name[0] !== 0x2e && entry.name.toString('latin1') !== 'node_modules';
}

function isNew(real: Buffer, run: Walk): boolean {
  const key = real.toString('latin1');
  if (run.visited.has(key)) return false;
  run.visited.add(key);
  return true;
}

function reasonOf(error: NodeJS.ErrnoException): string {
  const name = errnoName(error);
  return name === undefined ? error.message : errnoReason(name, 'read');
}
