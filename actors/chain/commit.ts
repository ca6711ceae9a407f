/**
 * Fourth stage, commit: everything that judged blocks brought about goes to storage as one batch.
 *
 * Crash order of a block:
 *   1. block, state, indexes and artifacts are committed in one transaction and flushed to disk;
 *   2. the committed head in memory advances, and receipts are given;
 *   3. events go on the bus;
 *   4. peers are told.
 * A crash after any step loses nothing: before 1 is done the block does not exist and nobody has a receipt for
 * it; after 1 everything else is made again from the log.
 */
import { sha256 } from '../../crypto/hash.ts';
import { replacedBy } from '../../machines/spent.ts';
import { encodeEffects } from '../../storage/effects.ts';
import type { CommitBatch, CommitTx, Head } from '../../storage/port.ts';
import type { FinalBlock } from './judge.ts';

/** Bytes to keep with the block that refers to them. */
export interface Artifact {
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
}

/** The head after `block`, counted on from `before`. */
export function headAfter(before: Head | undefined, final: FinalBlock): Head {
  const { tip, judged } = final;
  return {
    height: tip.height,
    blockId: tip.blockId,
    tsMs: tip.tsMs,
    frontier: tip.frontier.peaks(),
    operations: (before?.operations ?? 0) + judged.operationCount,
    transactions: (before?.transactions ?? 0) + judged.accepted.length,
  };
}

/** What to store for consecutive blocks; later writes of a key win. */
export function commitBatchOf(
  blocks: readonly FinalBlock[],
  head: Head,
  artifacts: Iterable<Artifact>,
): CommitBatch {
  return {
    blocks: blocks.map(({ header, blockIdBytes, bytes, judged }) => ({
      height: header.height,
      id: blockIdBytes,
      bytes,
      effects: encodeEffects(judged.effects),
    })),
    head,
    state: stateWrites(blocks),
    txs: spentIds(blocks),
    nodes: blocks.flatMap(({ nodes }) =>
      nodes.map(({ level, index, hash }) => [level, index, hash] as const),
    ),
    artifacts,
  };
}

function* stateWrites(
  blocks: readonly FinalBlock[],
): Generator<readonly [key: string, value: Uint8Array | undefined]> {
  if (blocks.length === 1) {
    for (const [key, write] of blocks[0]!.judged.writes) yield [key, write.bytes];
    return;
  }
  const last = new Map<string, Uint8Array | undefined>();
  for (const { judged } of blocks) for (const [key, write] of judged.writes) last.set(key, write.bytes);
  yield* last;
}

function* spentIds(blocks: readonly FinalBlock[]): Generator<CommitTx> {
  for (const { header, judged } of blocks) {
    const { height } = header;
    for (let index = 0; index < judged.accepted.length; index++) {
      const transaction = judged.accepted[index]!;
      yield { txId: transaction.txIdBytes, height, index };
      const replaced = replacedBy(transaction, sha256);
      if (replaced !== undefined) yield { txId: replaced, height, index, replaced: true };
    }
  }
}
