/**
 * The layout of an export file: one group with all its blocks and artifacts, in one piece, for any machine.
 *
 *   magic     'LBGROUP1'; the digit is the version
 *   frames    kind u8, length u32 (big-endian), that many bytes:
 *     header    1   [groupId, height of the last block], positional MessagePack; once, first
 *     block     2   a block, verbatim; heights 0, 1, 2, …
 *     artifact  3   hash (32), bytes; ascending by hash
 *     end       4   blocks u64, artifacts u64, SHA-256 of the whole file before these last 32 bytes; once, last
 *
 * The same group gives the same bytes, since nothing of the machine or the moment goes in. A reader believes no
 * length: it must lie within the bound of its kind and within the file. The end frame has a fixed size, so whether
 * a file is whole is known when it is opened, and its checksum can be compared last, after what is more telling.
 */
import { equalBytes, utf8 } from '../../events/bytes.ts';
import { describeErrno, errnoKind, errnoName, type FileAction } from '../../events/errno.ts';
import { id, record, uint } from '../../events/fields.ts';
import { BLOCK_BYTES_MAX, CLAIM_ARTIFACT_BYTES_MAX, EXPERIENCE_BYTES_MAX } from '../../events/limits.ts';

export const MAGIC = utf8('LBGROUP1');
const MAGIC_NAME_BYTES = 7;

export const FRAME = { header: 1, block: 2, artifact: 3, end: 4 } as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

/** Kind and length. */
export const FRAME_HEAD_BYTES = 5;
export const HASH_BYTES = 32;
export const END_BYTES = 8 + 8 + HASH_BYTES;
/** Claims and experiences alone: packages belong to no group. */
const ARTIFACT_BYTES_MAX = Math.max(EXPERIENCE_BYTES_MAX, CLAIM_ARTIFACT_BYTES_MAX);

/** The most bytes that a frame of each kind holds. */
export const FRAME_BYTES_MAX: Readonly<Record<FrameKind, number>> = {
  [FRAME.header]: 64,
  [FRAME.block]: BLOCK_BYTES_MAX,
  [FRAME.artifact]: HASH_BYTES + ARTIFACT_BYTES_MAX,
  [FRAME.end]: END_BYTES,
};

export const exportHeader = record({ groupId: id, height: uint(2 ** 48 - 1) });

/** Why a file cannot be read as an export, or cannot be written. */
export type ExportFileErrorCode =
  /** Something else, by its first bytes. */
  | 'not_an_export'
  /** Written by a later version of this software. */
  | 'newer_version'
  /** It does not end as an export ends: a copy was cut off. */
  | 'truncated'
  /** Every part can be read, but the bytes are not the ones that were written. */
  | 'checksum_mismatch'
  /** A frame is not what must stand at its place. */
  | 'malformed'
  /** It says that it holds another group than the one that was asked for. */
  | 'other_group'
  /** There is no such file. */
  | 'not_found'
  /** It is a folder, or something else that is no file. */
  | 'not_a_file'
  /** The file to write is there already, and nobody said to replace it. */
  | 'exists'
  /** No space, quota or file size left; nothing was kept. */
  | 'disk_full'
  /** The device or file system failed, or does not allow it. */
  | 'io';

/** A failure of the environment: a file that cannot be read or written. The message is one line for people. */
export class ExportFileError extends Error {
  override readonly name = 'ExportFileError';
  readonly code: ExportFileErrorCode;

  constructor(code: ExportFileErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The typed error for what an action on the file `path` threw; other errors come back as they are. */
export function fileErrorOf(error: unknown, action: FileAction, path: string): unknown {
  const name = errnoName(error);
  if (name === undefined) return error;
  return new ExportFileError(errnoKind(name), describeErrno(name, action, path), error);
}

/** The error for a path at which there is something else than a file. */
export function notAFile(path: string, isFolder: boolean): ExportFileError {
  const what = isFolder ? 'a folder' : 'a device or a pipe';
  return new ExportFileError('not_a_file', `${path} is ${what}, not a file; name a file`);
}

/** Throws `ExportFileError` unless a file that begins with `start` is an export of this version. */
export function checkMagic(start: Uint8Array): void {
  if (equalBytes(start, MAGIC)) return;
  if (start.length > 0 && equalBytes(start, MAGIC.subarray(0, start.length)))
    throw new ExportFileError('truncated', 'the file is shorter than its first mark');
  const version = start[MAGIC_NAME_BYTES];
  const isNamed = equalBytes(start.subarray(0, MAGIC_NAME_BYTES), MAGIC.subarray(0, MAGIC_NAME_BYTES));
  if (isNamed && version !== undefined && version > MAGIC[MAGIC_NAME_BYTES]! && version <= 0x39)
    throw new ExportFileError('newer_version', 'the file was written by a later version of this software');
  throw new ExportFileError('not_an_export', 'the file is not an export of a group');
}

/** Kind and length in front of a frame's bytes. */
export function frameHead(kind: FrameKind, length: number): Uint8Array {
  if (length > FRAME_BYTES_MAX[kind])
    throw new RangeError(`a frame of kind ${kind} cannot hold ${length} bytes`);
  const head = new Uint8Array(FRAME_HEAD_BYTES);
  head[0] = kind;
  new DataView(head.buffer).setUint32(1, length);
  return head;
}

/** The end frame's counts, without the hash that follows them. */
export function endCounts(blocks: number, artifacts: number): Uint8Array {
  const counts = new Uint8Array(16);
  const view = new DataView(counts.buffer);
  view.setBigUint64(0, BigInt(blocks));
  view.setBigUint64(8, BigInt(artifacts));
  return counts;
}

export interface ExportEnd {
  readonly blocks: number;
  readonly artifacts: number;
  readonly checksum: Uint8Array;
}

/** The end frame, head included, in the last bytes of a file; nothing when they are not one. */
export function readEnd(tail: Uint8Array): ExportEnd | undefined {
  if (!equalBytes(tail.subarray(0, FRAME_HEAD_BYTES), frameHead(FRAME.end, END_BYTES))) return undefined;
  if (tail.length !== FRAME_HEAD_BYTES + END_BYTES) return undefined;
  const view = new DataView(tail.buffer, tail.byteOffset + FRAME_HEAD_BYTES, END_BYTES);
  const blocks = Number(view.getBigUint64(0));
  const artifacts = Number(view.getBigUint64(8));
  return { blocks, artifacts, checksum: tail.slice(-HASH_BYTES) };
}
