/**
 * A document on disk as UTF-8 that is read a piece at a time, whatever its size and its encoding.
 *
 * It is gone through once first: for its hash, and so that what is no text is known before anything is said of it.
 * UTF-8 is read where it lies. Any other encoding is written to a file without a name, and read from there. What it is
 * has to be known: by its mark, by its bytes where they can be only one thing, or because whoever imports it says so.
 * Nothing is guessed that could come out mangled.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHUNK_BYTES = 1024 * 1024;
const AHEAD_BYTES = 64 * 1024;
/** Enough to tell UTF-16 without a mark from bytes that are no text. */
const SAMPLE_BYTES = 4096;
/** Text of this encoding is ASCII between what switches to Japanese and back, so it passes for UTF-8. */
const ISO_2022_JP = ['\x1b$@', '\x1b$B'];

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
 * @param encoding what a file is read as that is not UTF-8 and does not say what it is
 */
export function openDocument(path: Uint8Array, encoding?: string): OpenDocument | Unreadable {
  // Not blocking: a pipe that took the file's place would wait for a writer.
  const fd = openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return failed(fd, 'not a file any more');
    const modifiedMs = Math.max(0, Math.floor(stats.mtimeMs));
    const head = readAt(fd, 0, SAMPLE_BYTES);
    const mark = markOf(head);
    if (mark.encoding === 'utf-32') return failed(fd, 'UTF-32, which is not read; save it as UTF-8');
    const first = check(fd, mark.encoding ?? 'utf-8');
    const isEscaped = mark.bytes === 0 && ISO_2022_JP.some((sign) => head.includes(sign));
    if (first.problem === undefined && (mark.encoding ?? 'utf-8') === 'utf-8' && !isEscaped)
      return opened(fd, mark.bytes, { contentHash: first.contentHash, modifiedMs });
    const reading =
      mark.encoding === undefined ? unmarked(head, stats.size, first.problem, encoding) : marked(mark, first);
    if ('reason' in reading) return failed(fd, reading.reason);
    const copy = transcoded(fd, reading.encoding);
    closeSync(fd);
    if ('reason' in copy) return copy;
    return opened(copy.fd, 0, { contentHash: first.contentHash, modifiedMs });
  } catch (error) {
    closeQuietly(fd);
    throw error;
  }
}

type Problem = 'nul' | 'invalid' | undefined;
type Reading = { readonly encoding: string } | Unreadable;

const BINARY = 'binary: it holds NUL bytes';

function marked({ encoding }: Mark, { problem }: { problem?: Problem }): Reading {
  if (problem === 'nul') return { reason: BINARY };
  return problem === undefined ? { encoding: encoding! } : { reason: `not valid ${encoding!.toUpperCase()}` };
}

/** What a document without a mark is that is not simply UTF-8. Whoever imports it knows better than a guess. */
function unmarked(head: Buffer, size: number, problem: Problem, asked: string | undefined): Reading {
  if (problem === undefined) {
    if (asked === 'iso-2022-jp') return { encoding: asked };
    return { reason: 'ISO-2022-JP, by its escape sequences; read it with --encoding iso-2022-jp' };
  }
  if (asked !== undefined && (problem === 'invalid' || asked.startsWith('utf-16')))
    return { encoding: asked };
  if (problem === 'invalid')
    return { reason: 'not valid UTF-8; where it is another encoding, name it with --encoding' };
  const sides = size % 2 === 0 ? ['utf-16le', 'utf-16be'].filter((side) => isText(head, side)) : [];
  if (sides.length === 1) return { encoding: sides[0]! };
  return { reason: sides.length === 0 ? BINARY : `${BINARY}; where it is UTF-16, name it with --encoding` };
}

/** Whether all of it is characters that people write. Bytes in the wrong order, or of a picture, are not. */
function isText(head: Buffer, encoding: string): boolean {
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(head, { stream: true });
    return !/[\p{Cn}\p{Co}]|(?![\t\n\f\r])\p{Cc}/u.test(text);
  } catch {
    return false;
  }
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
  /** Nothing: no mark. */
  readonly encoding: string | undefined;
  /** The length of the mark. */
  readonly bytes: number;
}

function markOf(head: Buffer): Mark {
  const hex = head.subarray(0, 4).toString('hex');
  if (hex === 'fffe0000' || hex === '0000feff') return { encoding: 'utf-32', bytes: 4 };
  if (hex.startsWith('efbbbf')) return { encoding: 'utf-8', bytes: 3 };
  if (hex.startsWith('fffe')) return { encoding: 'utf-16le', bytes: 2 };
  if (hex.startsWith('feff')) return { encoding: 'utf-16be', bytes: 2 };
  return { encoding: undefined, bytes: 0 };
}

function* chunks(fd: number): Generator<Buffer> {
  for (let at = 0; ; ) {
    const chunk = readAt(fd, at, CHUNK_BYTES);
    if (chunk.length === 0) return;
    yield chunk;
    at += chunk.length;
  }
}

/** Gone through to the end, for the hash. NUL bytes say more than bytes that are no UTF-8: they come first. */
function check(fd: number, encoding: string): { contentHash: Buffer; problem?: Problem } {
  const hash = createHash('sha256');
  const decoder = new TextDecoder(encoding, { fatal: true });
  let problem: Problem;
  for (const chunk of chunks(fd)) {
    hash.update(chunk);
    if (encoding === 'utf-8' && chunk.includes(0)) problem = 'nul';
    problem ??= problemOf(decoder, chunk);
  }
  problem ??= problemOf(decoder);
  const contentHash = hash.digest();
  return problem === undefined ? { contentHash } : { contentHash, problem };
}

function problemOf(decoder: InstanceType<typeof TextDecoder>, chunk?: Buffer): Problem {
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
