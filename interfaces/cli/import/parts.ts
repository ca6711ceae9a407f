/**
 * Cutting a text that is longer than a claim may be: between blocks where that is enough, else between the items of
 * a list, else between lines, and only inside a line that is itself too long between characters.
 */
import { blocksOf } from './blocks.ts';
import { wholeCharacters } from './scan.ts';
import type { Source } from './source.ts';

/** How many parts are cut at a time; their text is in memory. */
const PARTS_PER_CUT = 8;

interface Places {
  /** Where blocks begin, and one level deeper, where the items of lists do. */
  readonly blockStarts: readonly number[];
  readonly itemStarts: readonly number[];
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The places where a text may be cut, from the best kind to the worst; where none suffices, it is cut anywhere. */
type CutLevel = (text: string, range: Range) => number[];

const within = (offsets: readonly number[], { start, end }: Range): number[] =>
  offsets.filter((offset) => offset > start && offset < end);

function lineStarts(text: string, { start, end }: Range): number[] {
  const starts: number[] = [];
  for (let at = text.indexOf('\n', start); at !== -1 && at + 1 < end; at = text.indexOf('\n', at + 1))
    starts.push(at + 1);
  return starts;
}

/** As many whole characters as fit, again and again: a line of megabytes has too many to look at each. */
function cutCharacters(text: string, { start, end }: Range, bytesMax: number): Range[] {
  const encoder = new TextEncoder();
  const room = new Uint8Array(bytesMax);
  const parts: Range[] = [];
  for (let from = start; from < end; ) {
    const { read } = encoder.encodeInto(text.slice(from, Math.min(from + bytesMax, end)), room);
    parts.push({ start: from, end: from + read });
    from += read;
  }
  return parts;
}

/** The parts of `range`, which is in bytes of the document, each at most `bytesMax` bytes: a few in memory at a time. */
export function* partsOf(source: Source, { start, end }: Range, bytesMax: number): Generator<string> {
  for (let at = start; at < end; ) {
    let bytes = source.read(at, Math.min(at + bytesMax * PARTS_PER_CUT, end));
    const isLast = at + bytes.length >= end;
    if (!isLast) bytes = bytes.subarray(0, wholeCharacters(bytes));
    const text = bytes.toString('utf8');
    if (isLast && bytes.length <= bytesMax) return yield text;
    const blocks = blocksOf(text);
    const places = {
      blockStarts: blocks.map((block) => block.start),
      itemStarts: blocks.flatMap(({ items = [] }) => items),
    };
    const parts = cutIntoParts(text, { start: 0, end: text.length }, places, bytesMax);
    // What the last part ends with may go on behind what was read.
    for (const part of isLast ? parts : parts.slice(0, -1)) {
      const piece = text.slice(part.start, part.end);
      at += Buffer.byteLength(piece);
      yield piece;
    }
    if (isLast || bytes.length === 0) return;
  }
}

/**
 * The ranges that a section's own text is cut into, in order and without gaps, each at most `bytesMax` bytes of
 * UTF-8.
 */
export function cutIntoParts(text: string, range: Range, places: Places, bytesMax: number): Range[] {
  const levels: CutLevel[] = [
    (_, part) => within(places.blockStarts, part),
    (_, part) => within(places.itemStarts, part),
    lineStarts,
  ];
  return cut(text, range, levels, bytesMax);
}

function cut(text: string, range: Range, levels: readonly CutLevel[], bytesMax: number): Range[] {
  const size = (start: number, end: number): number => Buffer.byteLength(text.slice(start, end));
  if (size(range.start, range.end) <= bytesMax) return [range];
  const [level, ...deeper] = levels;
  if (level === undefined) return cutCharacters(text, range, bytesMax);
  const parts: Range[] = [];
  let start = range.start;
  let bytes = 0;
  let from = start;
  for (const to of [...level(text, range), range.end]) {
    const added = size(from, to);
    if (bytes > 0 && bytes + added > bytesMax) {
      parts.push({ start, end: from });
      start = from;
      bytes = 0;
    }
    if (added > bytesMax) {
      const pieces = cut(text, { start, end: to }, deeper, bytesMax);
      parts.push(...pieces.slice(0, -1));
      // What is left of a block that was cut may be followed by the next one.
      start = pieces.at(-1)!.start;
      bytes = size(start, to);
    } else bytes += added;
    from = to;
  }
  parts.push({ start, end: range.end });
  return parts;
}
