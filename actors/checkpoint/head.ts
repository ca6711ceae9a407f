/** From the history tree of a checkpoint to what is stored of it. */
import type { Tip } from '../../machines/chain.ts';
import type { Head } from '../../storage/port.ts';
import type { Statement } from './format.ts';

/** The head of a group that begins at a checkpoint. */
export function headAfterCheckpoint(tip: Tip, { operations, transactions }: Statement): Head {
  const { height, blockId, tsMs, frontier } = tip;
  return { height, blockId, tsMs, frontier: frontier.peaks(), operations, transactions };
}

/** The roots of the perfect subtrees over `size` leaves, each with its place in the tree. */
export function* nodesOfPeaks(
  size: number,
  peaks: readonly Uint8Array[],
): Generator<readonly [level: number, index: number, hash: Uint8Array]> {
  let at = 0;
  for (const hash of peaks) {
    let level = 0;
    while (2 ** (level + 1) <= size - at) level++;
    yield [level, at / 2 ** level, hash];
    at += 2 ** level;
  }
}
