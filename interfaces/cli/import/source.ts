/**
 * A document on disk as UTF-8 that is read a piece at a time, whatever its size and its encoding.
 *
 * It is gone through once first: for its hash, and so that what is no text is known before anything is said of it.
 * UTF-8 is read where it lies. Any other encoding is written to a file without a name, and read from there.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHUNK_BYTES = 1024 * 1024;
const AHEAD_BYTES = 64 * 1024;
/** Enough to tell UTF-16 without a mark from UTF-8. */
const SAMPLE_BYTES = 4096;

/** Bytes of UTF-8 that are read by their place. */
export interface Source {
  readonly size: number;
  read(start: number, end: number): Buffer;
}

export interface OpenDocument extends Source {
  readonly contentHash: Buffer;
  readonly modifiedMs: number;
  close(): void;
}

export interface Unreadable {
  readonly reason: string;
}

/**
 * Opens a document. The last name of `path` must be no link: what was looked at is what is read.
 * @param encoding what a file is read as that is not UTF-8 and has no mark
 */
export function openDocument(path: Uint8Array, encoding?: string): OpenDocument | Unreadable {
  // Not blocking: a pipe that took the file's place would wait for a writer.
  const fd = openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return failed(fd, 'not a file any more');
    const modifiedMs = Math.max(0, Math.floor(stats.mtimeMs));
    const mark = markOf(readAt(fd, 0, SAMPLE_BYTES), stats.size);
    if (mark.encoding === 'utf-32') return failed(fd, 'UTF-32, which is not read; save it as UTF-8');
    const first = check(fd, mark.encoding ?? 'utf-8');
    if (first.problem === undefined && (mark.encoding ?? 'utf-8') === 'utf-8')
      return opened(fd, mark.bytes, { contentHash: first.contentHash, modifiedMs });
    if (first.problem === 'nul') return failed(fd, 'binary: it holds NUL bytes');
    const named = first.problem === undefined ? mark.encoding : mark.bytes === 0 ? encoding : undefined;
    if (named === undefined) return failed(fd, notValid(mark.encoding));
    const copy = transcoded(fd, named);
    closeSync(fd);
    if ('reason' in copy) return copy;
    return opened(copy.fd, 0, { contentHash: first.contentHash, modifiedMs });
  } catch (error) {
    closeQuietly(fd);
    throw error;
  }
}

function notValid(encoding: string | undefined): string {
  if (encoding !== undefined && encoding !== 'utf-8') return `not valid ${encoding.toUpperCase()}`;
  return 'not valid UTF-8; where it is another encoding, name it with --encoding';
}

function failed(fd: number, reason: string): Unreadable {
  closeSync(fd);
  return { reason };
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Closed already; the error that led here says more.
  }
}

function opened(
  fd: number,
  offset: number,
  what: Pick<OpenDocument, 'contentHash' | 'modifiedMs'>,
): OpenDocument {
  const size = fstatSync(fd).size - offset;
  return { ...what, size, read: reading(fd, offset, size), close: () => closeSync(fd) };
}

/** Sections are small and follow each other: one call to the system serves many. */
function reading(fd: number, offset: number, size: number): Source['read'] {
  let ahead: Buffer = Buffer.alloc(0);
  let aheadAt = 0;
  return (start, end) => {
    if (end - start > AHEAD_BYTES) return readAt(fd, start + offset, end - start);
    if (start < aheadAt || end > aheadAt + ahead.length) {
      ahead = readAt(fd, start + offset, Math.min(AHEAD_BYTES, size - start));
      aheadAt = start;
    }
    return ahead.subarray(start - aheadAt, end - aheadAt);
  };
}

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, bytes, filled, length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

interface Mark {
  /** Nothing: no mark, and nothing that looks like UTF-16. */
  readonly encoding: string | undefined;
  /** The length of the mark. */
  readonly bytes: number;
}

function markOf(head: Buffer, size: number): Mark {
  const hex = head.subarray(0, 4).toString('hex');
  if (hex === 'fffe0000' || hex === '0000feff') return { encoding: 'utf-32', bytes: 4 };
  if (hex.startsWith('efbbbf')) return { encoding: 'utf-8', bytes: 3 };
  if (hex.startsWith('fffe')) return { encoding: 'utf-16le', bytes: 2 };
  if (hex.startsWith('feff')) return { encoding: 'utf-16be', bytes: 2 };
  return { encoding: size % 2 === 0 ? withoutMark(head) : undefined, bytes: 0 };
}

/** Latin text in UTF-16 has a NUL in every other byte, always on the same side. */
function withoutMark(head: Buffer): string | undefined {
  const nuls = [0, 0];
  for (const [at, byte] of head.entries()) if (byte === 0) nuls[at % 2]!++;
  const [even, odd] = nuls as [number, number];
  const many = head.length / 8;
  if (odd > many && even === 0) return 'utf-16le';
  return even > many && odd === 0 ? 'utf-16be' : undefined;
}

function* chunks(fd: number): Generator<Buffer> {
  for (let at = 0; ; ) {
    const chunk = readAt(fd, at, CHUNK_BYTES);
    if (chunk.length === 0) return;
    yield chunk;
    at += chunk.length;
  }
}

function check(fd: number, encoding: string): { contentHash: Buffer; problem?: 'nul' | 'invalid' } {
  const hash = createHash('sha256');
  const decoder = new TextDecoder(encoding, { fatal: true });
  let problem: 'nul' | 'invalid' | undefined;
  for (const chunk of chunks(fd)) {
    hash.update(chunk);
    if (problem === undefined) problem = problemOf(decoder, chunk);
  }
  problem ??= problemOf(decoder);
  const contentHash = hash.digest();
  return problem === undefined ? { contentHash } : { contentHash, problem };
}

function problemOf(decoder: InstanceType<typeof TextDecoder>, chunk?: Buffer): 'nul' | 'invalid' | undefined {
  try {
    const text = chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    return text.includes('\0') ? 'nul' : undefined;
  } catch {
    return 'invalid';
  }
}

function transcoded(from: number, encoding: string): { fd: number } | Unreadable {
  const folder = mkdtempSync(join(tmpdir(), 'lb-import-'));
  const path = join(folder, 'text');
  const fd = openSync(path, 'wx+', 0o600);
  rmSync(folder, { recursive: true });
  const decoder = new TextDecoder(encoding, { fatal: true });
  const take = (text: string): void => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  };
  try {
    for (const chunk of chunks(from)) {
      const text = decoder.decode(chunk, { stream: true });
      if (text.includes('\0')) return failed(fd, 'binary: it holds NUL characters');
      take(text);
    }
    take(decoder.decode());
    return { fd };
  } catch (error) {
    closeSync(fd);
    if (error instanceof TypeError) return { reason: `not valid ${encoding.toUpperCase()}` };
    throw error;
  }
}
