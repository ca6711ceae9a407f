/**
 * The chain: how a block must follow the one before it.
 *
 * Cheap checks come first and each names what it expected. The signature, the roots that need hashing and the
 * transactions themselves follow in `actors/chain` and `BlockJudge`; the order of all of them is the order of
 * the codes in refusals.ts.
 */

import type { BlockHeader } from '../events/block.ts';
import { type Hex32, toHex, ZERO_ID } from '../events/bytes.ts';
import { BLOCK_LEAD_MS_MAX } from '../events/limits.ts';
import { merkleRoot, type Sha256 } from '../events/merkle.ts';
import { Frontier } from '../events/merkle-frontier.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { Operation } from '../events/registry.ts';

/** Where a chain ends: all that is needed to make or check the next block. */
export interface Tip {
  readonly height: number;
  readonly blockId: Hex32;
  readonly tsMs: number;
  /** The history tree over the blockIds up to and including this height. */
  readonly frontier: Frontier;
}

/** What the group id is while block 0 is made and checked. */
export const GENESIS_GROUP_ID = ZERO_ID;

/** The height that comes next. */
export const nextHeight = (tip: Tip | undefined): number => (tip === undefined ? 0 : tip.height + 1);

/** The root that the next header must carry. */
export function nextHistoryRoot(tip: Tip | undefined, sha256: Sha256): Uint8Array {
  return (tip?.frontier ?? new Frontier(sha256)).root();
}

/**
 * Checks a header against the tip; signature, transaction root and effects are checked elsewhere.
 * @param sealers who may seal at this point; nothing at block 0, where the author of genesis does
 */
export function checkHeader(
  header: BlockHeader,
  tip: Tip | undefined,
  groupId: Hex32,
  sealers: readonly Hex32[] | undefined,
  transactions: readonly { readonly operations: readonly Operation[] }[],
  sha256: Sha256,
): Refusal | undefined {
  const transactionCount = transactions.length;
  return (
    checkPlace(header, tip, groupId, isCorrection(transactions)) ??
    (sealers === undefined || sealers.includes(header.sealer)
      ? undefined
      : refuse('block_wrong_sealer', { sealer: header.sealer })) ??
    (header.txCount === transactionCount
      ? undefined
      : refuse('block_transaction_count', { declared: header.txCount, actual: transactionCount })) ??
    checkHistory(header, tip, sha256)
  );
}

/**
 * Whether a block may carry an earlier time than the one before: one that holds a correction of the time and nothing
 * else. The rule of that operation says who may, and from which time.
 */
export function isCorrection(
  transactions: readonly { readonly operations: readonly Operation[] }[],
): boolean {
  return transactions.length === 1 && isTimeCorrection(transactions[0]!.operations);
}

/** Whether operations are a correction of the time and nothing else. */
export function isTimeCorrection(operations: readonly Operation[]): boolean {
  return operations.length === 1 && operations[0]!.type === 'time_correct';
}

function checkPlace(
  header: BlockHeader,
  tip: Tip | undefined,
  groupId: Hex32,
  mayGoBack: boolean,
): Refusal | undefined {
  // Only block 0 carries the zero id, wherever it turns up.
  const expectedGroup = header.height === 0 ? GENESIS_GROUP_ID : groupId;
  if (header.groupId !== expectedGroup)
    return refuse('block_wrong_group', { expected: expectedGroup, actual: header.groupId });
  const height = nextHeight(tip);
  if (header.height !== height)
    return refuse('block_height_gap', { expected: height, actual: header.height });
  const prev = tip?.blockId ?? ZERO_ID;
  if (header.prev !== prev) return refuse('block_previous_mismatch', { expected: prev, actual: header.prev });
  const previousMs = tip?.tsMs ?? 0;
  if (header.tsMs < previousMs && !mayGoBack)
    return refuse('block_time_backwards', { previousMs, tsMs: header.tsMs });
  return undefined;
}

function checkHistory(header: BlockHeader, tip: Tip | undefined, sha256: Sha256): Refusal | undefined {
  const expected = toHex(nextHistoryRoot(tip, sha256));
  return header.historyRoot === expected
    ? undefined
    : refuse('block_history_root_mismatch', { expected, actual: header.historyRoot });
}

/** Refuses a header that commits to other transactions. */
export function checkTransactionRoot(
  header: BlockHeader,
  txIds: readonly Uint8Array[],
  sha256: Sha256,
): Refusal | undefined {
  const expected = toHex(merkleRoot(txIds, sha256));
  return header.txRoot === expected
    ? undefined
    : refuse('block_transaction_root_mismatch', { expected, actual: header.txRoot });
}

/** Whether a live block must wait: it is further ahead of `clockMs` than honest clocks differ. Never validity. */
export function isFromFuture(header: BlockHeader, clockMs: number): Refusal | undefined {
  const latestMs = clockMs + BLOCK_LEAD_MS_MAX;
  return header.tsMs > latestMs ? refuse('block_from_future', { tsMs: header.tsMs, latestMs }) : undefined;
}

/** The tip after a block; the old tip's frontier is consumed. Returns the history nodes that came about too. */
export function advance(
  tip: Tip | undefined,
  header: BlockHeader,
  blockId: Uint8Array,
  sha256: Sha256,
): { tip: Tip; nodes: { level: number; index: number; hash: Uint8Array }[] } {
  const frontier = tip?.frontier ?? new Frontier(sha256);
  const nodes = frontier.append(blockId);
  return { tip: { height: header.height, blockId: toHex(blockId), tsMs: header.tsMs, frontier }, nodes };
}
