/**
 * The data directory: what lies where, and whether a directory is one of ours.
 *
 * `node.json` is the first thing written, durably, and makes a directory one of ours. A directory that holds
 * anything else and no `node.json` is refused: a mistyped path must not be filled with a node's files.
 *
 * It also says whether a group was ever stored here. A database or keys that are gone are a loss then, and must not
 * be taken for those of a node that is new.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DATA_FILE } from './data-file.ts';
import { DirectoryError, withFileErrors } from './errors.ts';
import { makeFolders, syncFolder, writeNewFile } from './folders.ts';

/** The version of the layout below; a directory with a greater one is refused. */
export const DIRECTORY_FORMAT = 1;
/** What a crash in the middle of `writeRecord` may leave. */
const DRAFT_NAME = /^node\.json\..*tmp$/;

/** The files and directories of a data directory, as absolute paths. */
export interface DirectoryLayout {
  readonly root: string;
  /** Marks the directory as a node's and says the format. */
  readonly node: string;
  /** The LMDB environment. */
  readonly chain: string;
  /** Read models; may be dropped at any time. */
  readonly views: string;
  /** How far each identity has read each group: the one thing about reading that no log can tell again. */
  readonly readMarks: string;
  /** Keys of identities, encrypted. */
  readonly keys: string;
  readonly config: string;
  /** Which groups were found damaged. */
  readonly damage: string;
  /** The tokens that callers over the network hold, hashed. */
  readonly access: string;
  /** The local socket of the owner. */
  readonly socket: string;
  readonly lock: string;
  /** The same lock once more, where nobody clears up. */
  readonly chainLock: string;
  /** Those who wait for the lock. */
  readonly waiting: string;
  readonly owner: string;
  /** When the clock was last right. */
  readonly clock: string;
}

/** Where everything lies in the data directory `dir`. */
export function layoutOf(dir: string): DirectoryLayout {
  const root = resolve(dir);
  return {
    root,
    node: join(root, 'node.json'),
    chain: join(root, 'chain'),
    views: join(root, 'views'),
    readMarks: join(root, 'read-marks.db'),
    keys: join(root, 'keys'),
    config: join(root, 'config.json'),
    damage: join(root, 'damage.json'),
    access: join(root, 'access.json'),
    socket: join(root, 'node.sock'),
    lock: join(root, 'lock.db'),
    chainLock: join(root, 'chain', 'owner.db'),
    waiting: join(root, 'waiting'),
    owner: join(root, 'owner.json'),
    clock: join(root, 'clock.json'),
  };
}

/** What `node.json` says. */
interface NodeRecord {
  readonly format: number;
  /** Whether a group was ever stored. */
  readonly chain?: boolean;
  /** Whether it was restored from a backup, and has not asked members since what it has forgotten. */
  readonly restored?: boolean;
}

/**
 * Makes `dir` a data directory, readable by its user alone; a data directory stays as it is.
 * @throws DirectoryError `not_a_node` when it holds other things, `newer_format`
 * @throws StorageError `disk_full`, `io`
 */
export function createDirectory(dir: string): DirectoryLayout {
  const layout = layoutOf(dir);
  assertMayBeNode(dir);
  if (readNodeFile(layout) === undefined) {
    makeFolders(layout.root);
    writeRecord(layout, { format: DIRECTORY_FORMAT });
  }
  return openDirectory(dir);
}

/**
 * The layout of an existing data directory.
 * @throws DirectoryError `missing`, `not_a_node`, `newer_format`
 * @throws StorageError `disk_full`, `io`
 */
export function openDirectory(dir: string): DirectoryLayout {
  const layout = layoutOf(dir);
  readRecord(layout);
  for (const path of [layout.chain, layout.views, layout.keys]) makeFolders(path);
  return layout;
}

/**
 * Checks that `createDirectory` would not refuse `dir`, and changes nothing.
 * @throws DirectoryError `not_a_node`, `newer_format`
 */
export function assertMayBeNode(dir: string): void {
  const layout = layoutOf(dir);
  const { root } = layout;
  if (unlessMissing(root, () => statSync(root))?.isDirectory() === false) throw notANode(root);
  const names = unlessMissing(root, () => readdirSync(root)) ?? [];
  // Read after the names: of a node that somebody else is making, `node.json` is there before anything else.
  if (names.some((name) => !DRAFT_NAME.test(name))) readRecord(layout);
}

/** Whether `node.json` says that a group was stored here: then there must be a database. */
export function hadChain(layout: DirectoryLayout): boolean {
  return readRecord(layout).chain === true;
}

/** Whether there is a chain here, or was one: keys that are missing are lost then. */
export function hasOrHadChain(dir: string): boolean {
  const layout = layoutOf(dir);
  if (readNodeFile(layout) === undefined) return false;
  const data = unlessMissing(layout.chain, () => statSync(join(layout.chain, DATA_FILE)));
  return hadChain(layout) || (data?.size ?? 0) > 0;
}

/** Notes in `node.json`, durably, that a group is stored here. Costs nothing the second time. */
export function recordChain(layout: DirectoryLayout): void {
  const record = readRecord(layout);
  if (record.chain !== true) writeRecord(layout, { ...record, chain: true });
}

/** Notes that the directory was made from a backup: it may have forgotten what it has sealed. */
export function recordRestored(layout: DirectoryLayout): void {
  writeRecord(layout, { ...readRecord(layout), restored: true });
}

/** Whether nobody was asked yet what a directory that was made from a backup has forgotten. */
export function isFreshlyRestored(layout: DirectoryLayout): boolean {
  return readRecord(layout).restored === true;
}

/** Notes that members were asked. Costs nothing the second time. */
export function recordCompared(layout: DirectoryLayout): void {
  const { restored, ...record } = readRecord(layout);
  if (restored === true) writeRecord(layout, record);
}

function notANode(root: string): DirectoryError {
  return new DirectoryError('not_a_node', `${root} is not the data directory of a node`);
}

function readNodeFile(layout: DirectoryLayout): string | undefined {
  return unlessMissing(layout.node, () => readFileSync(layout.node, 'utf8'));
}

function readRecord(layout: DirectoryLayout): NodeRecord {
  const text = readNodeFile(layout);
  if (text === undefined) {
    if (existsSync(layout.root)) throw notANode(layout.root);
    throw new DirectoryError('missing', `${layout.root} does not exist`);
  }
  const record = recordIn(text);
  if (record === undefined) throw notANode(layout.root);
  if (record.format > DIRECTORY_FORMAT) {
    const message = `${layout.root} has format ${record.format}; this version reads up to ${DIRECTORY_FORMAT}: upgrade`;
    throw new DirectoryError('newer_format', message);
  }
  return record;
}

/** What `read` gives, or undefined when there is nothing at `path` (or a file in the place of a folder above it). */
function unlessMissing<T>(path: string, read: () => T): T | undefined {
  return withFileErrors('read', path, () => {
    try {
      return read();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
  });
}

function recordIn(text: string): NodeRecord | undefined {
  try {
    const record: unknown = JSON.parse(text);
    if (typeof record !== 'object' || record === null) return undefined;
    const format: unknown = Reflect.get(record, 'format');
    if (typeof format !== 'number' || !Number.isSafeInteger(format) || format <= 0) return undefined;
    // What a later version of the same format adds stays as it is.
    return { ...record, format };
  } catch {
    return undefined;
  }
}

/** Writes `node.json` so that after a power cut it is there whole, or as it was. */
function writeRecord({ root, node }: DirectoryLayout, record: NodeRecord): void {
  withFileErrors('write', node, () => {
    // Somebody else may be at it as well.
    const draft = `${node}.${process.pid}.tmp`;
    rmSync(draft, { force: true });
    writeNewFile(draft, `${JSON.stringify(record)}\n`);
    renameSync(draft, node);
    syncFolder(root);
  });
}
