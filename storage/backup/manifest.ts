/**
 * What a backup is: a tar file that begins with `manifest.json`, which names every file behind it with its size and
 * SHA-256, and the head of every group. Read models are not in it, since they are made again from the log; nor is
 * anything that says who owns the directory.
 *
 *   manifest.json   node.json   chain/data.mdb   config.json, access.json, read-marks.db (where there are)   keys/*
 *
 * The manifest comes from outside when a backup is read, so it is checked field by field, and no name that could
 * lead out of the directory gets through.
 */
import { type Hex32, isHex32 } from '../../events/bytes.ts';

/** The version of everything here; a backup with a greater one is refused, never guessed at. */
export const BACKUP_FORMAT = 1;
export const MANIFEST_NAME = 'manifest.json';
/** A hundred thousand groups take about 25 MB of it. */
export const MANIFEST_BYTES_MAX = 64 * 1024 * 1024;
export const DATABASE_NAME = 'chain/data.mdb';

/** What a backup may hold, and nothing else. */
const NAMES =
  /^(node\.json|config\.json|access\.json|read-marks\.db|chain\/data\.mdb|keys\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127})$/;
/** Without these there is no node. */
const NAMES_REQUIRED = ['node.json', DATABASE_NAME];

/** Why a backup cannot be read. */
export type BackupErrorCode =
  /** The file is something else. */
  | 'not_a_backup'
  /** It was written by a later version of this software. */
  | 'backup_newer'
  /** It is cut short, or bytes of it changed. */
  | 'backup_damaged'
  /** The folder to restore into holds something. */
  | 'not_empty';

/** A failure of the environment; the message is one line for people. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: BackupErrorCode;

  constructor(code: BackupErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

export interface BackupFile {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: Hex32;
}

/** Where a group's chain ends in the backup. */
export interface BackupGroup {
  readonly groupId: Hex32;
  readonly name: string;
  /** −1 for a group that was registered and has no block yet. */
  readonly height: number;
  readonly blockId: Hex32 | undefined;
}

export interface BackupManifest {
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly files: readonly BackupFile[];
  readonly groups: readonly BackupGroup[];
}

export function encodeManifest({ createdMs, files, groups }: BackupManifest): Uint8Array {
  const record = {
    format: BACKUP_FORMAT,
    created_ms: createdMs,
    files,
    groups: groups.map(({ groupId, name, height, blockId }) => ({
      group_id: groupId,
      name,
      height,
      block_id: blockId,
    })),
  };
  return Buffer.from(`${JSON.stringify(record, null, 1)}\n`);
}

/** @throws BackupError `not_a_backup`, `backup_newer`, `backup_damaged` */
export function decodeManifest(bytes: Uint8Array): BackupManifest {
  const record = parsed(bytes);
  const format = record.format;
  if (typeof format !== 'number') throw new BackupError('not_a_backup', 'its manifest names no format');
  if (format > BACKUP_FORMAT)
    throw new BackupError(
      'backup_newer',
      `the backup has format ${format}; this version reads up to ${BACKUP_FORMAT}: upgrade`,
    );
  const { created_ms: createdMs, files, groups } = record;
  if (!isCount(createdMs) || !Array.isArray(files) || !Array.isArray(groups)) throw malformed('a field');
  const manifest = { createdMs, files: files.map(fileOf), groups: groups.map(groupOf) };
  const names = new Set(manifest.files.map(({ path }) => path));
  if (names.size !== files.length) throw malformed('a name that stands twice');
  const missing = NAMES_REQUIRED.find((name) => !names.has(name));
  if (missing !== undefined) throw malformed(`no ${missing}`);
  return manifest;
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  try {
    const record: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof record === 'object' && record !== null) return record as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new BackupError('not_a_backup', 'its manifest is not JSON');
}

function fileOf(entry: unknown): BackupFile {
  const { path, bytes, sha256 } = fieldsOf(entry);
  if (typeof path !== 'string' || !NAMES.test(path)) throw malformed('a file that no node has');
  if (!isCount(bytes) || !isHex32(sha256)) throw malformed(`nothing about the bytes of ${path}`);
  return { path, bytes, sha256 };
}

function groupOf(entry: unknown): BackupGroup {
  const { group_id: groupId, name, height, block_id: blockId } = fieldsOf(entry);
  const hasBlock = isCount(height) && isHex32(blockId);
  const isEmpty = height === -1 && blockId === undefined;
  if (!isHex32(groupId) || typeof name !== 'string' || !(hasBlock || isEmpty)) throw malformed('a group');
  return { groupId, name, height, blockId: hasBlock ? blockId : undefined };
}

function fieldsOf(entry: unknown): Record<string, unknown> {
  return typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>) : {};
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function malformed(what: string): BackupError {
  return new BackupError('backup_damaged', `the manifest of the backup has ${what} that makes no sense`);
}
