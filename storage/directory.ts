/**
 * The data directory: what lies where, and whether a directory is one of ours.
 *
 * `node.json` is the first thing written, durably, and makes a directory one of ours. A directory that holds
 * anything else and no `node.json` is refused: a mistyped path must not be filled with a node's files.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { DirectoryError } from './errors.ts';

/** The version of the layout below; a directory with a greater one is refused. */
export const DIRECTORY_FORMAT = 1;

/** The files and directories of a data directory, as absolute paths. */
export interface DirectoryLayout {
  readonly root: string;
  /** Marks the directory as a node's and says the format. */
  readonly node: string;
  /** The LMDB environment. */
  readonly chain: string;
  /** Read models; may be dropped at any time. */
  readonly views: string;
  /** Keys of identities, encrypted. */
  readonly keys: string;
  readonly config: string;
  /** The local socket of the owner. */
  readonly socket: string;
  readonly lock: string;
  readonly owner: string;
}

/** Where everything lies in the data directory `dir`. */
export function layoutOf(dir: string): DirectoryLayout {
  const root = resolve(dir);
  return {
    root,
    node: join(root, 'node.json'),
    chain: join(root, 'chain'),
    views: join(root, 'views'),
    keys: join(root, 'keys'),
    config: join(root, 'config.json'),
    socket: join(root, 'node.sock'),
    lock: join(root, 'lock.db'),
    owner: join(root, 'owner.json'),
  };
}

/**
 * Makes `dir` a data directory, readable by its user alone; a data directory stays as it is.
 * @throws DirectoryError `not_a_node` when it holds other things, `newer_format`
 */
export function createDirectory(dir: string): DirectoryLayout {
  const layout = layoutOf(dir);
  if (readNodeFile(layout) !== undefined) return openDirectory(dir);
  const others = entriesOf(layout.root).filter((name) => join(layout.root, name) !== draftOf(layout.node));
  if (others.length > 0) throw notANode(layout.root);
  mkdirSync(layout.root, { recursive: true, mode: 0o700 });
  writeDurably(layout.node, `${JSON.stringify({ format: DIRECTORY_FORMAT })}\n`, layout.root);
  return openDirectory(dir);
}

/**
 * The layout of an existing data directory.
 * @throws DirectoryError `missing`, `not_a_node`, `newer_format`
 */
export function openDirectory(dir: string): DirectoryLayout {
  const layout = layoutOf(dir);
  const text = readNodeFile(layout);
  if (text === undefined) {
    if (existsSync(layout.root)) throw notANode(layout.root);
    throw new DirectoryError('missing', `${layout.root} does not exist`);
  }
  const format = formatIn(text);
  if (format === undefined) throw notANode(layout.root);
  if (format > DIRECTORY_FORMAT) {
    const message = `${layout.root} has format ${format}; this version reads up to ${DIRECTORY_FORMAT}: upgrade`;
    throw new DirectoryError('newer_format', message);
  }
  for (const path of [layout.chain, layout.views, layout.keys])
    mkdirSync(path, { recursive: true, mode: 0o700 });
  return layout;
}

function notANode(root: string): DirectoryError {
  return new DirectoryError('not_a_node', `${root} is not the data directory of a node`);
}

function readNodeFile(layout: DirectoryLayout): string | undefined {
  return unlessMissing(() => readFileSync(layout.node, 'utf8'));
}

/** The names in `root`; none when there is nothing there. A file in its place is not a node either. */
function entriesOf(root: string): string[] {
  if (existsSync(root) && !statSync(root).isDirectory()) throw notANode(root);
  return unlessMissing(() => readdirSync(root)) ?? [];
}

/** What `read` gives, or undefined when there is no such file or directory (or a file in the place of one). */
function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function formatIn(text: string): number | undefined {
  try {
    const record: unknown = JSON.parse(text);
    const format: unknown = typeof record === 'object' && record !== null && Reflect.get(record, 'format');
    return typeof format === 'number' && Number.isSafeInteger(format) && format > 0 ? format : undefined;
  } catch {
    return undefined;
  }
}

/** What a crash in the middle of `writeDurably` may leave. */
function draftOf(path: string): string {
  return `${path}.tmp`;
}

/** Writes a file so that after a power cut it is there whole, or not at all. */
function writeDurably(path: string, text: string, directory: string): void {
  const draft = draftOf(path);
  const file = openSync(draft, 'w', 0o600);
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, path);
  syncDirectory(directory);
}

/** Makes the names in `dir` durable: a new file is lost in a power cut as long as only its content is synced. */
export function syncDirectory(dir: string): void {
  // Windows cannot open a directory as a file, and needs none of this.
  if (process.platform === 'win32') return;
  const directory = openSync(dir, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
