/**
 * Blocks from elsewhere, as a pipeline: while one batch is judged on this thread, the signatures of the next
 * ones are checked in the pool.
 *
 * A batch is counted in signatures, not in blocks, so that many small blocks fill the pool as well as few large
 * ones. The depth keeps the pool busy while this thread judges; memory is bounded by depth times batch.
 */

import type { Verifier } from '../../crypto/verifier.ts';
import { BLOCK_WEIGHT_MAX } from '../../events/limits.ts';
import type { Refusal } from '../../events/refusals.ts';
import { FOLLOW_BATCHES_MAX } from '../bounds.ts';
import type { ChainJudge, FinalBlock, ForgedBlock, VerifiedBlock } from './judge.ts';
import { type ReadBlock, readBlock, verifyBlocks } from './verify.ts';

/** Signatures per batch: large enough to fill both workers, small enough that judging starts soon. */
const BATCH_SIGNATURES = 1_024;
/** Bytes per batch, so that blocks of few large transactions do not fill the memory. */
const BATCH_BYTES = 8 * 1024 * 1024;
/**
 * Blocks are judged in parts of about this weight, with a turn of the event loop between them and the earlier parts
 * on their way to disk: few bytes may weigh much, and neither the thread nor the memory is theirs alone.
 */
const PART_WEIGHT = BLOCK_WEIGHT_MAX / 4;

export interface Validation {
  readonly verifier: Verifier;
  readonly judge: ChainJudge;
  /** Called with each block as soon as it is judged, before the next one is. */
  readonly stage: (final: FinalBlock) => void;
}

interface Batch {
  readonly verified: Promise<(VerifiedBlock | ForgedBlock)[]>;
  /** Why nothing comes after this batch: an undecodable block, or an error of the source. */
  readonly end: End | undefined;
}

type End = { readonly unreadable: Refusal } | { readonly failure: unknown };

/** The source of the blocks failed; what it gave before was judged. `cause` is its error. */
export class SourceFailedError extends Error {
  override readonly name = 'SourceFailedError';

  constructor(cause: unknown) {
    super('the source of the blocks failed', { cause });
  }
}

/**
 * Verifies and judges blocks in order, and yields them batch by batch. Made for sources that end: a block is
 * judged when its batch is full or the source is at its end.
 * @throws SourceFailedError when the source throws, VerifierError
 * @returns the refusal of the first block that is not valid (nothing after it is looked at), or nothing
 */
export async function* validate(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  validation: Validation,
): AsyncGenerator<FinalBlock[], Refusal | undefined> {
  const batches = readBatches(source, validation.verifier);
  const underWay: Batch[] = [];
  let exhausted = false;
  try {
    for (;;) {
      while (!exhausted && underWay.length < FOLLOW_BATCHES_MAX) {
        const next = await batches.next();
        if (next.done) exhausted = true;
        else underWay.push(next.value);
      }
      const batch = underWay.shift();
      if (batch === undefined) return undefined;
      for (const { finals, refusal } of judgeInParts(await batch.verified, validation)) {
        if (finals.length > 0) yield finals;
        if (refusal !== undefined) return refusal;
        await turn();
      }
      if (batch.end === undefined) continue;
      if ('failure' in batch.end) throw new SourceFailedError(batch.end.failure);
      return batch.end.unreadable;
    }
  } finally {
    await batches.return(undefined);
  }
}

/** Judges blocks in order; the last part may hold none. */
function* judgeInParts(
  candidates: readonly (VerifiedBlock | ForgedBlock)[],
  { judge, stage }: Validation,
): Generator<{ finals: FinalBlock[]; refusal: Refusal | undefined }> {
  let finals: FinalBlock[] = [];
  let weight = 0;
  for (const candidate of candidates) {
    const judged = judge.judgeBlock(candidate);
    if ('code' in judged) {
      yield { finals, refusal: judged };
      return;
    }
    stage(judged);
    finals.push(judged);
    weight += judged.judged.weight;
    if (weight < PART_WEIGHT) continue;
    yield { finals, refusal: undefined };
    finals = [];
    weight = 0;
  }
  yield { finals, refusal: undefined };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function* readBatches(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  verifier: Verifier,
): AsyncGenerator<Batch, undefined> {
  let blocks: ReadBlock[] = [];
  let signatures = 0;
  let bytesRead = 0;
  const batchOf = (end?: End): Batch => {
    const verified = verifyBlocks(verifier, blocks);
    // Its owner looks at it when its turn comes, or never when an earlier batch ends it all.
    verified.catch(() => {});
    blocks = [];
    signatures = 0;
    bytesRead = 0;
    return { verified, end };
  };
  try {
    for await (const bytes of source) {
      // Our own copy: sources may read into the same buffer again.
      const block = readBlock(bytes.slice());
      if ('code' in block) {
        yield batchOf({ unreadable: block });
        return undefined;
      }
      blocks.push(block);
      signatures += block.transactions.length + 1;
      bytesRead += bytes.length;
      if (signatures >= BATCH_SIGNATURES || bytesRead >= BATCH_BYTES) yield batchOf();
    }
  } catch (failure) {
    yield batchOf({ failure });
    return undefined;
  }
  if (blocks.length > 0) yield batchOf();
  return undefined;
}
