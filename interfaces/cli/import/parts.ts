/**
 * Cutting a text that is longer than a claim may be: between blocks where that is enough, else between the items of
 * a list, else between lines, and only inside a line that is itself too long between characters.
 */
import { CLAIM_TEXT_BYTES_MAX } from '../../../events/limits.ts';
import type { ParsedMarkdown } from './sections.ts';

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The places where a text may be cut, from the best kind to the worst; the last kind always suffices. */
type CutLevel = (text: string, range: Range) => number[];

const within = (offsets: readonly number[], { start, end }: Range): number[] =>
  offsets.filter((offset) => offset > start && offset < end);

function lineStarts(text: string, { start, end }: Range): number[] {
  const starts: number[] = [];
  for (let at = text.indexOf('\n', start); at !== -1 && at + 1 < end; at = text.indexOf('\n', at + 1))
    starts.push(at + 1);
  return starts;
}

function characterStarts(text: string, { start, end }: Range): number[] {
  const starts: number[] = [];
  for (let at = start; at < end; at += text.codePointAt(at)! > 0xffff ? 2 : 1)
    if (at > start) starts.push(at);
  return starts;
}

/**
 * The ranges that a section's own text is cut into, in order and without gaps, each at most `bytesMax` bytes of
 * UTF-8.
 */
export function cutIntoParts(
  text: string,
  range: Range,
  places: Pick<ParsedMarkdown, 'blockStarts' | 'itemStarts'>,
  bytesMax = CLAIM_TEXT_BYTES_MAX,
): Range[] {
  const levels: CutLevel[] = [
    (_, part) => within(places.blockStarts, part),
    (_, part) => within(places.itemStarts, part),
    lineStarts,
    characterStarts,
  ];
  return cut(text, range, levels, bytesMax);
}

function cut(text: string, range: Range, levels: readonly CutLevel[], bytesMax: number): Range[] {
  const size = (start: number, end: number): number => Buffer.byteLength(text.slice(start, end));
  if (size(range.start, range.end) <= bytesMax) return [range];
  const [level, ...deeper] = levels;
  const parts: Range[] = [];
  let start = range.start;
  let bytes = 0;
  let from = start;
  for (const to of [...level!(text, range), range.end]) {
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
