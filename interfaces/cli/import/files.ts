/**
 * Finding and reading what is to be imported.
 *
 * A folder is walked in the order of names, so that two imports see the same order. Every real folder and file is
 * visited once: a link that leads back ends there. Hidden folders are left out, and so are the `node_modules` inside
 * a folder, which hold other people's documents; given itself, a `node_modules` is walked one level of packages deep.
 */
import type { Dirent, Stats } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { NotFoundError } from '../../../actors/errors.ts';
import { errnoName, errnoReason } from '../../../events/errno.ts';

/** The parser's time grows faster than the text; a document this long is read in some ten seconds. */
export const FILE_BYTES_MAX = 4 * 1024 * 1024;

const EXTENSIONS = new Set(['.md', '.markdown', '.mdown', '.mkd']);

export interface FoundFile {
  readonly path: string;
  /** The given path that led to it. */
  readonly root: string;
}

export interface FailedPath {
  readonly path: string;
  readonly reason: string;
}

/**
 * The Markdown files under `paths`; what cannot be looked into goes to `failed`. A file that is named itself counts
 * as Markdown whatever its name.
 * @throws NotFoundError when none of the given paths exists
 */
export async function findFiles(
  paths: readonly string[],
  failed: FailedPath[],
  signal?: AbortSignal,
): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const visited = new Set<string>();
  let isAnyThere = false;
  for (const given of paths) {
    const root = resolve(given);
    const stats = await stat(root).catch((error: NodeJS.ErrnoException) => {
      failed.push({ path: root, reason: reasonOf(error) });
      return undefined;
    });
    if (stats === undefined) continue;
    await walk(root, stats, { root, found, visited, failed, signal });
    isAnyThere = true;
  }
  if (!isAnyThere) {
    const what = failed.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
    throw new NotFoundError(`there is nothing to import; ${what}`);
  }
  return found;
}

interface Walk {
  readonly root: string;
  readonly found: FoundFile[];
  readonly visited: Set<string>;
  readonly failed: FailedPath[];
  readonly signal: AbortSignal | undefined;
}

async function walk(path: string, stats: Stats, run: Walk): Promise<void> {
  run.signal?.throwIfAborted();
  const isGiven = path === run.root;
  if (stats.isFile()) {
    if (!isGiven && !EXTENSIONS.has(extname(path).toLowerCase())) return;
    if (await isNew(path, run)) run.found.push({ path, root: run.root });
    return;
  }
  if (!stats.isDirectory()) {
    if (isGiven) run.failed.push({ path, reason: 'neither a file nor a folder' });
    return;
  }
  if (!(await isNew(path, run))) return;
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    run.failed.push({ path, reason: reasonOf(error) });
    return [];
  });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!isWorthALook(entry)) continue;
    const inside = join(path, entry.name);
    const insideStats = await stat(inside).catch((error: NodeJS.ErrnoException) => {
      // A link to nowhere concerns nobody unless it is called like a document.
      if (EXTENSIONS.has(extname(entry.name).toLowerCase()))
        run.failed.push({ path: inside, reason: reasonOf(error) });
      return undefined;
    });
    if (insideStats !== undefined) await walk(inside, insideStats, run);
  }
}

function isWorthALook(entry: Dirent): boolean {
  if (entry.isFile()) return EXTENSIONS.has(extname(entry.name).toLowerCase());
  return !entry.name.startsWith('.') && entry.name !== 'node_modules';
}

async function isNew(path: string, run: Walk): Promise<boolean> {
  const real = await realpath(path).catch(() => path);
  if (run.visited.has(real)) return false;
  run.visited.add(real);
  return true;
}

export interface ReadDocument {
  readonly text: string;
  readonly modifiedMs: number;
}

/** The text of a file, or why it is none. */
export async function readDocument(path: string): Promise<ReadDocument | { readonly reason: string }> {
  try {
    const { size, mtimeMs } = await stat(path);
    if (size > FILE_BYTES_MAX) return { reason: `larger than ${FILE_BYTES_MAX / 1024 / 1024} MiB` };
    const bytes = await readFile(path);
    if (bytes.includes(0)) return { reason: 'binary: it holds NUL bytes' };
    const text = decode(bytes);
    if (text === undefined) return { reason: 'not valid UTF-8' };
    return { text, modifiedMs: Math.max(0, Math.floor(mtimeMs)) };
  } catch (error) {
    return { reason: reasonOf(error as NodeJS.ErrnoException) };
  }
}

/** A byte order mark is no part of the text. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/^\ufeff+/, '');
  } catch {
    return undefined;
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  const name = errnoName(error);
  return name === undefined ? error.message : errnoReason(name, 'read');
}
