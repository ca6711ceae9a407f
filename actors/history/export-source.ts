/**
 * An export file as a history to replay, audit or take over.
 *
 * Nothing in it is believed. Lengths are bounded before anything is allocated, frames must stand in their order,
 * and what they hold is checked by whoever reads them: the audit does it all. Reads are synchronous and buffered,
 * from wherever an iteration stands, so that several may go on at once.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sha256Stream } from '../../crypto/hash.ts';
import { equalBytes, type Hex32, toHex } from '../../events/bytes.ts';
import { decode } from '../../events/codec.ts';
import { MalformedError } from '../../events/reader.ts';
import {
  checkMagic,
  END_BYTES,
  type ExportEnd,
  ExportFileError,
  type ExportFileErrorCode,
  exportHeader,
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_HEAD_BYTES,
  type FrameKind,
  fileErrorOf,
  HASH_BYTES,
  MAGIC,
  notAFile,
  readEnd,
} from './export-format.ts';
import type { HistorySource, SourceArtifact } from './source.ts';

const END_FRAME_BYTES = FRAME_HEAD_BYTES + END_BYTES;
/** Read ahead at once: many small frames for one call to the system. */
const WINDOW_BYTES = 256 * 1024;
/** Hashed in one piece before others have a turn: about 20 ms. */
const HASHED_PER_TURN_BYTES = 32 * 1024 * 1024;

/** An open export file. */
export interface ExportSource extends HistorySource, Disposable {
  readonly blockCount: number;
  readonly artifactCount: number;
  /** Size of the file. */
  readonly bytes: number;
  blocks(from?: number, to?: number): Iterable<Uint8Array>;
  checkContainer(): Promise<void>;
  /** Closes the file. Iterations under way fail. */
  close(): void;
}

/**
 * Opens an export and checks that it is a whole one by its two ends. What lies between is checked as it is read.
 * @param expected the group that the file must be of; without it, the file says which one its blocks must make
 * @throws ExportFileError `not_an_export`, `newer_version`, `truncated`, `malformed`, `other_group`, `not_found`, `not_a_file`, `io`; its
 *   iterations throw `malformed` and `io`, and `checkContainer` rejects with `checksum_mismatch` as well
 */
export function openExport(path: string, expected: { readonly groupId?: Hex32 } = {}): ExportSource {
  const file = new RandomAccessFile(path);
  try {
    const source = new ExportFile(file);
    if (expected.groupId !== undefined && expected.groupId !== source.groupId)
      throw new ExportFileError(
        'other_group',
        `the file holds the group ${source.groupId}, not ${expected.groupId}`,
      );
    return source;
  } catch (error) {
    file.close();
    throw nameFile(error, path);
  }
}

/** What to do about a file that is not a whole export. */
const NEXT: Readonly<Partial<Record<ExportFileErrorCode, string>>> = {
  not_an_export: 'name a file that an export wrote',
  newer_version: 'upgrade',
  truncated: 'copy it again from where it is whole',
  malformed: 'copy it again from where it is whole',
  other_group: 'name the export of that group, or leave the group out',
};

function nameFile(error: unknown, path: string): unknown {
  const next = error instanceof ExportFileError ? NEXT[error.code] : undefined;
  if (!(error instanceof ExportFileError) || next === undefined) return error;
  return new ExportFileError(error.code, `${path}: ${error.message}; ${next}`, error);
}

/** A file to read from anywhere. */
class RandomAccessFile {
  readonly path: string;
  readonly size: number;
  readonly #descriptor: number;
  #isOpen = true;

  constructor(path: string) {
    this.path = path;
    try {
      const stats = statSync(path);
      // Anything else has no length, and reading it may never end.
      if (!stats.isFile()) throw notAFile(path, stats.isDirectory());
      this.#descriptor = openSync(path, 'r');
      this.size = fstatSync(this.#descriptor).size;
    } catch (error) {
      throw fileErrorOf(error, 'read', path);
    }
  }

  /** Fills `target` from `offset` on; gives what is there when the file ends before. */
  readInto(target: Uint8Array, offset: number): Uint8Array {
    if (!this.#isOpen) throw new ExportFileError('io', `${this.path} was closed`);
    let filled = 0;
    try {
      while (filled < target.length) {
        const count = readSync(this.#descriptor, target, filled, target.length - filled, offset + filled);
        if (count === 0) break;
        filled += count;
      }
    } catch (error) {
      throw fileErrorOf(error, 'read', this.path);
    }
    return target.subarray(0, filled);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#descriptor);
  }
}

/** Reads frames one after the other, from `offset` up to where the end frame begins. */
class FrameCursor {
  readonly #file: RandomAccessFile;
  readonly #end: number;
  #window: Uint8Array = new Uint8Array(0);
  #windowAt = 0;
  offset: number;

  constructor(file: RandomAccessFile, offset: number) {
    this.#file = file;
    this.#end = file.size - END_FRAME_BYTES;
    this.offset = offset;
  }

  fail(what: string): never {
    throw new ExportFileError('malformed', `${what} at byte ${this.offset}`);
  }

  get isAtEnd(): boolean {
    return this.offset === this.#end;
  }

  /** The length of the next frame, which must be of this kind; stands before its bytes then. */
  enter(kind: FrameKind, what: string): number {
    if (this.offset + FRAME_HEAD_BYTES > this.#end) this.fail(`the frames end where ${what} should be`);
    const head = this.#take(FRAME_HEAD_BYTES);
    const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
    this.offset -= FRAME_HEAD_BYTES;
    if (head[0] !== kind) this.fail(`expected ${what}`);
    if (length > FRAME_BYTES_MAX[kind] || this.offset + FRAME_HEAD_BYTES + length > this.#end)
      this.fail(`${what} has an impossible length`);
    this.offset += FRAME_HEAD_BYTES;
    return length;
  }

  /** The next `count` bytes as a copy of the caller's own; `enter` has seen to the bounds. */
  take(count: number): Uint8Array {
    return this.#take(count).slice();
  }

  skip(count: number): void {
    this.offset += count;
  }

  #take(count: number): Uint8Array {
    const at = this.offset - this.#windowAt;
    this.offset += count;
    if (at >= 0 && at + count <= this.#window.length) return this.#window.subarray(at, at + count);
    this.#windowAt = this.offset - count;
    const wanted = Math.min(Math.max(count, WINDOW_BYTES), this.#file.size - this.#windowAt);
    this.#window = this.#file.readInto(new Uint8Array(wanted), this.#windowAt);
    // The size was known: less means that somebody cuts the file while it is read.
    if (this.#window.length < count) throw new ExportFileError('truncated', 'the file became shorter');
    return this.#window.subarray(0, count);
  }
}

/** Where in the file something lies, bytes. */
interface Extent {
  readonly at: number;
  readonly length: number;
}

class ExportFile implements ExportSource {
  readonly groupId: Hex32;
  readonly height: number;
  readonly blockCount: number;
  readonly artifactCount: number;
  readonly bytes: number;
  readonly #file: RandomAccessFile;
  readonly #end: ExportEnd;
  readonly #blocksAt: number;
  #artifactsAt: number | undefined;
  /** Where each artifact's bytes lie; made when the first one is asked for. */
  #places: Map<Hex32, Extent> | undefined;

  constructor(file: RandomAccessFile) {
    this.#file = file;
    this.bytes = file.size;
    checkMagic(file.readInto(new Uint8Array(MAGIC.length), 0));
    const tailAt = Math.max(MAGIC.length, file.size - END_FRAME_BYTES);
    const end = readEnd(file.readInto(new Uint8Array(END_FRAME_BYTES), tailAt));
    if (end === undefined)
      throw new ExportFileError('truncated', 'the file does not end as an export ends; it was cut off');
    const cursor = new FrameCursor(file, MAGIC.length);
    const { groupId, height } = readHeader(cursor);
    if (end.blocks !== height + 1)
      throw new ExportFileError(
        'malformed',
        `the file counts ${end.blocks} blocks and ends at height ${height}`,
      );
    this.groupId = groupId;
    this.height = height;
    this.blockCount = end.blocks;
    this.artifactCount = end.artifacts;
    this.#end = end;
    this.#blocksAt = cursor.offset;
  }

  *blocks(from = 0, to = this.blockCount): Generator<Uint8Array> {
    const cursor = new FrameCursor(this.#file, this.#blocksAt);
    const last = Math.min(to, this.blockCount);
    for (let height = 0; height < last; height++) {
      const length = cursor.enter(FRAME.block, `block ${height}`);
      if (height < from) cursor.skip(length);
      else yield cursor.take(length);
    }
    if (last === this.blockCount) this.#artifactsAt = cursor.offset;
  }

  *artifacts(): Generator<SourceArtifact> {
    for (const { hash, cursor, length } of this.#artifactFrames()) yield { hash, bytes: cursor.take(length) };
  }

  artifact(hash: Hex32): Uint8Array | undefined {
    const place = this.#artifactPlaces().get(hash);
    return place && this.#file.readInto(new Uint8Array(place.length), place.at);
  }

  #artifactPlaces(): ReadonlyMap<Hex32, Extent> {
    if (this.#places !== undefined) return this.#places;
    const places = new Map<Hex32, Extent>();
    for (const { hash, cursor, length } of this.#artifactFrames()) {
      places.set(hash, { at: cursor.offset, length });
      cursor.skip(length);
    }
    this.#places = places;
    return places;
  }

  /** The artifacts' frames; the cursor stands before the bytes, and whoever takes a frame moves it behind them. */
  *#artifactFrames(): Generator<{ hash: Hex32; cursor: FrameCursor; length: number }> {
    const cursor = new FrameCursor(this.#file, this.#artifactsOffset());
    let before = '';
    for (let count = 0; count < this.artifactCount; count++) {
      const length = cursor.enter(FRAME.artifact, `artifact ${count}`);
      if (length < HASH_BYTES) cursor.fail(`artifact ${count} has an impossible length`);
      const hash = toHex(cursor.take(HASH_BYTES));
      if (hash <= before) cursor.fail(`artifact ${count} is out of order`);
      before = hash;
      yield { hash, cursor, length: length - HASH_BYTES };
    }
    if (!cursor.isAtEnd) cursor.fail('expected the end');
  }

  #artifactsOffset(): number {
    if (this.#artifactsAt === undefined) for (const _ of this.blocks(this.blockCount));
    return this.#artifactsAt!;
  }

  async checkContainer(): Promise<void> {
    const hash = sha256Stream();
    const covered = this.#file.size - HASH_BYTES;
    const window = new Uint8Array(4 * WINDOW_BYTES);
    for (let offset = 0; offset < covered; ) {
      const wanted = window.subarray(0, Math.min(window.length, covered - offset));
      const piece = this.#file.readInto(wanted, offset);
      if (piece.length < wanted.length) throw new ExportFileError('truncated', 'the file became shorter');
      hash.update(piece);
      offset += piece.length;
      if (offset % HASHED_PER_TURN_BYTES === 0) await nextTurn();
    }
    if (!equalBytes(hash.digest(), this.#end.checksum))
      throw new ExportFileError(
        'checksum_mismatch',
        'the bytes of the file are not the ones that were written',
      );
  }

  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function readHeader(cursor: FrameCursor): { groupId: Hex32; height: number } {
  const length = cursor.enter(FRAME.header, 'the header');
  try {
    return decode(exportHeader, cursor.take(length));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new ExportFileError('malformed', `the header cannot be read: ${error.message}`, error);
  }
}
