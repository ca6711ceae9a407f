/**
 * Writing a group to one portable file. The layout is in export-format.ts, the way back in export-source.ts.
 *
 * The group streams through: memory holds a page of blocks or one artifact, whatever the group's size. Bytes go to
 * a file of another name in the same folder, are flushed, and only then get their name, so that whoever finds a
 * file under the final name finds all of it.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, lstat, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Sha256Stream, sha256Stream } from '../../crypto/hash.ts';
import { concatBytes, fromHex, type Hex32 } from '../../events/bytes.ts';
import { encode } from '../../events/codec.ts';
import { StorageError } from '../../storage/errors.ts';
import { nameNewFile, trySyncFolder } from '../../storage/folders.ts';
import type { GroupReader } from '../../storage/port.ts';
import {
  END_BYTES,
  ExportFileError,
  endCounts,
  exportHeader,
  FRAME,
  type FrameKind,
  fileErrorOf,
  frameHead,
  MAGIC,
  notAFile,
} from './export-format.ts';
import { type OnProgress, Pace } from './progress.ts';
import { sourceOf } from './source.ts';

export { ExportFileError, type ExportFileErrorCode } from './export-format.ts';
export { type ExportSource, openExport } from './export-source.ts';

export interface ExportOptions {
  readonly onProgress?: OnProgress;
  /** Replace a file of that name. Off: it is refused with `exists`. */
  readonly overwrite?: boolean;
}

export interface ExportSummary {
  readonly groupId: Hex32;
  readonly height: number;
  readonly blocks: number;
  readonly artifacts: number;
  /** Size of the file. */
  readonly bytes: number;
  readonly seconds: number;
}

/** Bytes gathered before they go to the file: large enough that a call to the system is nothing beside them. */
const CHUNK_BYTES = 1024 * 1024;

/** Appends to a file and hashes what it appends. */
class FileSink {
  readonly #file: FileHandle;
  readonly #hash: Sha256Stream = sha256Stream();
  #pieces: Uint8Array[] = [];
  #pending = 0;
  bytes = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(...pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      this.#hash.update(piece);
      this.#append(piece);
    }
    if (this.#pending >= CHUNK_BYTES) await this.flush();
  }

  #append(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#pending += piece.length;
    this.bytes += piece.length;
  }

  async flush(): Promise<void> {
    const chunk = concatBytes(...this.#pieces);
    this.#pieces = [];
    this.#pending = 0;
    await this.#file.appendFile(chunk);
  }

  async frame(kind: FrameKind, ...parts: readonly Uint8Array[]): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    await this.write(frameHead(kind, length), ...parts);
  }

  /** The end frame, whose hash covers everything before the hash; nothing can be written after it. */
  async end(blocks: number, artifacts: number): Promise<void> {
    await this.write(frameHead(FRAME.end, END_BYTES), endCounts(blocks, artifacts));
    this.#append(this.#hash.digest());
    await this.flush();
  }
}

/**
 * Writes a group up to its present head to the new file `path`.
 * @param reader of a snapshot, if the group may grow meanwhile: artifacts of later blocks would go in as well
 * @throws ExportFileError `exists`, `not_a_file`, `not_found` (no such folder), `disk_full`, `io`; nothing is left behind then
 * @throws StorageError when the store cannot give all blocks
 */
export async function exportGroup(
  reader: GroupReader,
  path: string,
  options: ExportOptions = {},
): Promise<ExportSummary> {
  const { overwrite = false, onProgress } = options;
  const partial = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`);
  try {
    await refusePresent(path, overwrite);
    const file = await open(partial, 'wx', 0o600);
    try {
      const summary = await writeGroup(reader, file, onProgress);
      await file.sync();
      await file.close();
      await (overwrite ? rename(partial, path) : nameNewFile(partial, path, refusePresent));
      await trySyncFolder(dirname(path));
      return summary;
    } catch (error) {
      await file.close().catch(() => {});
      await unlink(partial).catch(() => {});
      throw error;
    }
  } catch (error) {
    throw fileErrorOf(error, 'write', path);
  }
}

/** Only a file is ever replaced, and only where that is wanted. */
async function refusePresent(path: string, overwrite = false): Promise<void> {
  const present = await stat(path).catch(() => lstat(path).catch(() => undefined));
  if (present === undefined) return;
  if (!present.isFile() && !present.isSymbolicLink()) throw notAFile(path, present.isDirectory());
  if (!overwrite) throw new ExportFileError('exists', `${path} is there already, and was left as it is`);
}

async function writeGroup(
  reader: GroupReader,
  file: FileHandle,
  onProgress: OnProgress | undefined,
): Promise<ExportSummary> {
  const { groupId } = reader;
  const head = reader.head();
  if (head === undefined) throw new StorageError('corrupt', `group ${groupId} has no block to export`);
  const { height } = head;
  const pace = new Pace(height, onProgress);
  const sink = new FileSink(file);
  await sink.write(MAGIC);
  await sink.frame(FRAME.header, encode(exportHeader, { groupId, height }));
  await writeBlocks(reader, height, sink, pace);
  const artifacts = await writeArtifacts(reader, height, sink, pace);
  await sink.end(height + 1, artifacts);
  pace.end(height, 0);
  return { groupId, height, blocks: height + 1, artifacts, bytes: sink.bytes, seconds: pace.seconds };
}

async function writeBlocks(reader: GroupReader, height: number, sink: FileSink, pace: Pace): Promise<void> {
  let next = 0;
  for (const block of reader.blocks(0, height + 1)) {
    if (block.height !== next) break;
    await sink.frame(FRAME.block, block.bytes);
    await pace.step(next, 0);
    next++;
  }
  if (next <= height)
    throw new StorageError('corrupt', `block ${next} of group ${reader.groupId} is missing`);
}

/** What cannot be read is left out: an audit of the file names it, as one of the store would. */
async function writeArtifacts(
  reader: GroupReader,
  height: number,
  sink: FileSink,
  pace: Pace,
): Promise<number> {
  let count = 0;
  for (const { hash, bytes } of sourceOf(reader).artifacts()) {
    if (bytes === undefined) continue;
    await sink.frame(FRAME.artifact, fromHex(hash), bytes);
    await pace.step(height, 0);
    count++;
  }
  return count;
}
