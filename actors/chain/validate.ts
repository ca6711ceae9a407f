/**
 * Blocks from elsewhere, as a pipeline: while one batch is judged on this thread, the signatures of the next
 * ones are checked in the pool.
 *
 * A batch is counted in signatures, not in blocks, so that many small blocks fill the pool as well as few large
 * ones. The depth keeps the pool busy while this thread judges; memory is bounded by depth times batch.
 */

import type { Verifier } from '../../crypto/verifier.ts';
import type { Refusal } from '../../events/refusals.ts';
import type { ChainJudge, FinalBlock, ForgedBlock, VerifiedBlock } from './judge.ts';
import { type ReadBlock, readBlock, verifyBlocks } from './verify.ts';

/** Signatures per batch: large enough to fill both workers, small enough that judging starts soon. */
const BATCH_SIGNATURES = 1_024;
/** Batches whose signatures are being checked at once. */
const PIPELINE_DEPTH = 3;

export interface Validation {
  readonly verifier: Verifier;
  readonly judge: ChainJudge;
  /** Called with each block as soon as it is judged, before the next one is. */
  readonly stage: (final: FinalBlock) => void;
}

interface Batch {
  readonly verified: Promise<(VerifiedBlock | ForgedBlock)[]>;
  /** The first undecodable block ends the batch and, once all before it are judged, the whole. */
  readonly unreadable: Refusal | undefined;
}

/**
 * Verifies and judges blocks in order, and yields them batch by batch.
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
      while (!exhausted && underWay.length < PIPELINE_DEPTH) {
        const next = await batches.next();
        if (next.done) exhausted = true;
        else underWay.push(next.value);
      }
      const batch = underWay.shift();
      if (batch === undefined) return undefined;
      const { finals, refusal } = judgeBatch(await batch.verified, validation);
      if (finals.length > 0) yield finals;
      if (refusal !== undefined) return refusal;
      if (batch.unreadable !== undefined) return batch.unreadable;
    }
  } finally {
    // Whatever is still being checked has an owner: nobody waits for it, so its failure must not be unhandled.
    for (const batch of underWay) batch.verified.catch(() => {});
    await batches.return(undefined);
  }
}

function judgeBatch(
  candidates: readonly (VerifiedBlock | ForgedBlock)[],
  { judge, stage }: Validation,
): { finals: FinalBlock[]; refusal: Refusal | undefined } {
  const finals: FinalBlock[] = [];
  for (const candidate of candidates) {
    const judged = judge.judgeBlock(candidate);
    if ('code' in judged) return { finals, refusal: judged };
    stage(judged);
    finals.push(judged);
  }
  return { finals, refusal: undefined };
}

async function* readBatches(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  verifier: Verifier,
): AsyncGenerator<Batch, undefined> {
  let blocks: ReadBlock[] = [];
  let signatures = 0;
  const batchOf = (unreadable?: Refusal): Batch => {
    const batch = { verified: verifyBlocks(verifier, blocks), unreadable };
    blocks = [];
    signatures = 0;
    return batch;
  };
  for await (const bytes of source) {
    const block = readBlock(bytes);
    if ('code' in block) {
      yield batchOf(block);
      return undefined;
    }
    blocks.push(block);
    signatures += block.transactions.length + 1;
    if (signatures >= BATCH_SIGNATURES) yield batchOf();
  }
  if (blocks.length > 0) yield batchOf();
  return undefined;
}
