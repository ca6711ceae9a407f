/**
 * Blocks by their time. Block times only grow, except where a correction set them back: a group is a row of stretches
 * within which a look into some twenty headers finds a time, and nearly always there is one.
 */
import { decodeBlock } from '../events/block.ts';
import { decode } from '../events/codec.ts';
import { correctionTable } from '../machines/tables.ts';
import type { GroupReader } from '../storage/port.ts';

/** A group that begins at a checkpoint may lack its oldest blocks: those count as older than anything. */
function timeOf(reader: GroupReader, height: number): number {
  const block = reader.block(height);
  return block === undefined ? -1 : decodeBlock(block).header.tsMs;
}

/** The heights at which the stretches begin, in order, and the height after the last one. */
function stretches(reader: GroupReader): number[] {
  const { prefix } = correctionTable;
  const corrected = Array.from(reader.stateRange(prefix), ([key]) => Number(key.slice(prefix.length)));
  return [0, ...corrected.sort((a, b) => a - b), reader.head()!.height + 1];
}

/** The first height of a stretch whose block is not older than `tsMs`; its end, if there is none. */
function firstSince(reader: GroupReader, start: number, end: number, tsMs: number): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeOf(reader, middle) < tsMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The heights of the blocks that are not older than `tsMs`, in order. */
export function* heightsSince(reader: GroupReader, tsMs: number): Generator<number> {
  const bounds = stretches(reader);
  for (let at = 0; at + 1 < bounds.length; at++) {
    const end = bounds[at + 1]!;
    for (let height = firstSince(reader, bounds[at]!, end, tsMs); height < end; height++) yield height;
  }
}

/** The heights of the blocks of exactly this time, in order. */
export function* heightsAt(reader: GroupReader, tsMs: number): Generator<number> {
  const bounds = stretches(reader);
  for (let at = 0; at + 1 < bounds.length; at++) {
    const end = bounds[at + 1]!;
    for (let height = firstSince(reader, bounds[at]!, end, tsMs); height < end; height++) {
      if (timeOf(reader, height) !== tsMs) break;
      yield height;
    }
  }
}

/**
 * When a block of a time counts as sealed, where blocks are put into one order by time: a clock that was ahead says
 * nothing about when it was, and what it stamped came before the time was set back. So these times never go back.
 */
export type CountedTime = (height: number, tsMs: number) => number;

/** @param highest corrections above it are passed over */
export function countedTimes(reader: Pick<GroupReader, 'stateRange'>, highest: number): CountedTime {
  const { prefix, codec } = correctionTable;
  const corrections = Array.from(reader.stateRange(prefix), ([key, value]) => ({
    height: Number(key.slice(prefix.length)),
    toMs: decode(codec, value).toMs,
  })).filter(({ height }) => height <= highest);
  return (height, tsMs) =>
    corrections.reduce((ms, one) => (one.height > height ? Math.min(ms, one.toMs) : ms), tsMs);
}
