/**
 * Blocks that somebody else sealed, in order from the next height on: verified and judged batch by batch, and each on
 * its way to disk as soon as it is judged. Two batches may be on their way, so that judging does not wait for the disk.
 */
import type { Verifier } from '../../crypto/verifier.ts';
import type { Refusal } from '../../events/refusals.ts';
import type { ChainCore } from './core.ts';
import type { FinalBlock } from './judge.ts';
import { validate } from './validate.ts';

export interface Following {
  readonly core: ChainCore;
  readonly verifier: Verifier;
  /** Told of each block that is on disk, in order. */
  publish(final: FinalBlock): void;
}

/**
 * Takes blocks from `source` until it ends or one is not valid. What was judged before has been stored when this
 * settles, whichever way.
 * @returns the refusal of the first block that is not valid, or nothing
 * @throws SourceFailedError when the source throws, VerifierError, CoreDiscardedError, StorageError
 */
export async function followBlocks(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { core, verifier, publish }: Following,
): Promise<Refusal | undefined> {
  let before: Promise<void>[] = [];
  let storing: Promise<void>[] = [];
  const stage = (final: FinalBlock): void => {
    // Staged and issued in one step, so that no other block can come between in storage.
    core.stage(final);
    const stored = core.commit([final]).then(() => publish(final));
    stored.catch(noop);
    storing.push(stored);
  };
  const blocks = validate(source, { verifier, judge: core.judge, stage });
  try {
    for (;;) {
      const next = await blocks.next();
      await Promise.all(before);
      before = storing;
      storing = [];
      if (!next.done) continue;
      await Promise.all(before);
      return next.value;
    }
  } catch (error) {
    const ends = await Promise.allSettled([...before, ...storing]);
    // What could not be stored weighs more than why nothing more came: memory is ahead of the disk then.
    const lost = ends.find((end) => end.status === 'rejected');
    throw lost === undefined ? error : lost.reason;
  } finally {
    await blocks.return(undefined);
  }
}

const noop = (): void => {};
