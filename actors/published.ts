/** Claims as they were published, from the newest back: the log has their order, and no index knows it. */
import type { Hex32 } from '../events/bytes.ts';
import type { GroupReader } from '../storage/port.ts';
import { type CountedTime, countedTimes } from './block-times.ts';
import { eventsOfStoredBlock } from './chain/publish.ts';

/** A claim with its place in the log. */
export interface Published {
  readonly claim: Hex32;
  readonly height: number;
  readonly index: number;
  /** When it counts as published: see block-times.ts. */
  readonly countedMs: number;
}

/** A place of the log, or a time: what comes before it is meant. */
export type PlaceBefore = { readonly height: number; readonly index: number } | { readonly ms: number };

interface Wanted {
  readonly sinceMs?: number;
  readonly before?: PlaceBefore;
}

/** The claims of each block, newest first, from `highest` down to `sinceMs`. */
export function* publishedBackwards(
  store: GroupReader,
  highest: number,
  { sinceMs = 0, before }: Wanted,
): Generator<Published[]> {
  const counted = countedTimes(store, highest);
  const from =
    before !== undefined && 'ms' in before ? lastBefore(store, highest, before.ms, counted) : before;
  for (let height = Math.min(highest, from?.height ?? highest); height >= 0; height--) {
    const events = [...eventsOfStoredBlock(store, height)];
    // Behind a checkpoint the history may not be here yet.
    const [first] = events;
    if (first === undefined) return;
    const countedMs = counted(height, first.tsMs);
    if (countedMs < sinceMs) return;
    const indexMax = height === from?.height ? from.index : Number.MAX_SAFE_INTEGER;
    yield events
      .reverse()
      .flatMap(({ event, index }) =>
        event.kind === 'claim.published' && index < indexMax
          ? [{ claim: event.claim, height, index, countedMs }]
          : [],
      );
  }
}

/** The last block before a time, found by halves: counted times never go back. */
function lastBefore(
  store: GroupReader,
  highest: number,
  ms: number,
  counted: CountedTime,
): { height: number; index: number } {
  let low = -1;
  let high = highest;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const [first] = eventsOfStoredBlock(store, middle);
    // A block that is not here yet lies behind all that can be read.
    if (first === undefined || counted(middle, first.tsMs) < ms) low = middle;
    else high = middle - 1;
  }
  return { height: low, index: Number.MAX_SAFE_INTEGER };
}
