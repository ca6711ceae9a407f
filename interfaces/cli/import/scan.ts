/**
 * The blocks of a document of any size, with a bounded part of it in memory.
 *
 * A window is parsed, all its blocks but the last are taken, and the next window begins where the last one began: a
 * block that begins at the first level is read the same whatever stood before it. Only where a single block is larger
 * than the largest window is it passed over by what ends it.
 */
import { type Block, blocksOf } from './blocks.ts';
import type { Source } from './source.ts';

const WINDOW_BYTES = 256 * 1024;
/** A window that holds one block is doubled up to here. */
const WINDOW_BYTES_MAX = 4 * 1024 * 1024;
const LOOK_BYTES = 1024 * 1024;
/** What may end a block is found though it lies across two looks. */
const OVERLAP_BYTES = 1024;

export interface ScanOptions {
  readonly window?: number;
  readonly windowMax?: number;
}

/** The blocks from `start` on; their places are in bytes. */
export function* scan(source: Source, start: number, options: ScanOptions = {}): Generator<Block> {
  const { window = WINDOW_BYTES, windowMax = WINDOW_BYTES_MAX } = options;
  let at = start;
  let size = window;
  while (at < source.size) {
    const { bytes, text } = windowAt(source, at, size);
    const blocks = inBytes(text, bytes.length, blocksOf(text), at);
    if (at + bytes.length >= source.size) {
      yield* blocks;
      return;
    }
    if (blocks.length === 0) at += bytes.length;
    else if (blocks.length > 1) {
      yield* blocks.slice(0, -1);
      at = blocks.at(-1)!.start;
      size = window;
    } else if (size < windowMax) size *= 2;
    else {
      yield blocks[0]!;
      at = passOver(source, blocks[0]!, text, at + bytes.length);
      size = window;
    }
  }
}

/** About `size` bytes from `at` on, up to the end of a line where there is one. */
function windowAt(source: Source, at: number, size: number): { bytes: Buffer; text: string } {
  let bytes = source.read(at, Math.min(at + size, source.size));
  if (at + bytes.length < source.size) {
    const line = Math.max(bytes.lastIndexOf(0x0a), bytes.lastIndexOf(0x0d, -2));
    bytes = bytes.subarray(0, line > 0 ? line + 1 : wholeCharacters(bytes));
  }
  return { bytes, text: bytes.toString('utf8') };
}

/** How many bytes make up whole characters of UTF-8. */
export function wholeCharacters(bytes: Buffer): number {
  let end = bytes.length - 1;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return end > 0 ? end : bytes.length;
}

/** Blocks with their places in bytes of the document instead of code units of the window. */
function inBytes(text: string, length: number, blocks: readonly Block[], offset: number): Block[] {
  let unit = 0;
  let byte = 0;
  const place = (to: number): number => {
    byte = text.length === length ? to : byte + Buffer.byteLength(text.slice(unit, to));
    unit = to;
    return offset + byte;
  };
  return blocks.map(({ items, ...block }) => {
    const start = place(block.start);
    return items === undefined ? { ...block, start } : { ...block, start, items: items.map(place) };
  });
}

/** Where to go on behind a block that fills a window to its end. */
function passOver(source: Source, { start, items }: Block, text: string, windowEnd: number): number {
  const lastItem = items?.at(-1);
  // The last item begins a list of its own.
  if (lastItem !== undefined && lastItem > start) return lastItem;
  const fence = /^ {0,3}(`{3,}|~{3,})/.exec(text)?.[1];
  if (fence !== undefined)
    return lookFor(source, start, new RegExp(`[\\r\\n] {0,3}${fence}${fence[0]}*[ \\t]*(?=[\\r\\n])`));
  if (/^ {0,3}<!--/.test(text)) return lookFor(source, start, /-->/);
  return lookFor(source, windowEnd - 1, /[\r\n]/);
}

/** The beginning of the line after the first match at or after `from`, or the end. */
function lookFor(source: Source, from: number, pattern: RegExp): number {
  const at = endOfMatch(source, from, pattern);
  if (at === source.size || pattern.source === '[\\r\\n]') return at;
  return endOfMatch(source, at, /[\r\n]/);
}

function endOfMatch(source: Source, from: number, pattern: RegExp): number {
  for (let at = from; at < source.size; at += LOOK_BYTES) {
    const bytes = source.read(at, Math.min(at + LOOK_BYTES + OVERLAP_BYTES, source.size));
    // A character per byte, so that places stay what they are.
    const match = pattern.exec(bytes.toString('latin1'));
    if (match !== null) return at + match.index + match[0].length;
  }
  return source.size;
}
