/**
 * Making a checkpoint of a group that stands still: its state and the ids that were spent in the last day, in parts
 * of bounded size, and at the end the sealer's word for both.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { sha256 } from '../../crypto/hash.ts';
import { decodeBlock, decodeHeader } from '../../events/block.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import { encode } from '../../events/codec.ts';
import { decodeTransaction } from '../../events/transaction.ts';
import { replacedBy } from '../../machines/spent.ts';
import type { GroupReader } from '../../storage/port.ts';
import { heightsSince } from '../block-times.ts';
import type { BlockSigner } from '../chain/judge.ts';
import {
  CHECKPOINT_PREFIX,
  recentSinceMs,
  type SealedStatement,
  type SpentEntry,
  SpentHash,
  type StateEntry,
  StateHash,
  statementCodec,
} from './format.ts';

/** Bytes of one part: several fit into what a stream may buffer. */
const PART_BYTES = 256 * 1024;
const SPENT_PER_PART = 4_096;
const BLOCKS_PER_TURN = 256;

export type CheckpointPart =
  | { readonly kind: 'state'; readonly entries: readonly StateEntry[] }
  | { readonly kind: 'spent'; readonly spent: readonly SpentEntry[] }
  | { readonly kind: 'end'; readonly sealed: SealedStatement };

/**
 * The parts of a checkpoint at the head of a group.
 * @param reader a snapshot: nothing may change meanwhile
 * @param signer the key that sealed the head
 */
export async function* makeCheckpoint(
  reader: GroupReader,
  signer: BlockSigner,
): AsyncGenerator<CheckpointPart> {
  const { groupId } = reader;
  const { height, blockId, tsMs, operations, transactions } = reader.head()!;
  const state = new StateHash();
  for (const entries of stateParts(reader, state)) {
    yield { kind: 'state', entries };
    await turn();
  }
  const spent = new SpentHash();
  yield* spentParts(reader, recentSinceMs(tsMs), spent);
  const statement = encode(statementCodec, {
    version: 1,
    groupId,
    height,
    blockId,
    operations,
    transactions,
    stateHash: state.digest(),
    recentHash: spent.digest(),
  });
  yield { kind: 'end', sealed: { statement, signature: signer.sign(CHECKPOINT_PREFIX, statement) } };
}

function* stateParts(reader: GroupReader, hash: StateHash): Generator<StateEntry[]> {
  let part: StateEntry[] = [];
  let size = 0;
  for (const [key, value] of reader.stateRange('')) {
    hash.add(key, value);
    part.push({ key, value });
    size += key.length + value.length + 8;
    if (size < PART_BYTES) continue;
    yield part;
    part = [];
    size = 0;
  }
  if (part.length > 0) yield part;
}

async function* spentParts(
  reader: GroupReader,
  sinceMs: number,
  hash: SpentHash,
): AsyncGenerator<CheckpointPart> {
  let spent: SpentEntry[] = [];
  for (const height of heightsSince(reader, sinceMs)) {
    for (const entry of spentIn(reader.block(height)!, height)) {
      hash.add(entry.txId, entry);
      spent.push(entry);
    }
    if (spent.length >= SPENT_PER_PART) {
      yield { kind: 'spent', spent };
      spent = [];
    }
    if (height % BLOCKS_PER_TURN === 0) await turn();
  }
  if (spent.length > 0) yield { kind: 'spent', spent };
}

/** The ids that a block spent, in order. */
function* spentIn(bytes: Uint8Array, height: number): Generator<SpentEntry> {
  for (const [index, encoded] of decodeBlock(bytes).transactions.entries()) {
    const transaction = decodeTransaction(encoded);
    yield { txId: toHex(sha256(transaction.payload)), height, index, replaced: false };
    const replaced = replacedBy(transaction, sha256);
    if (replaced !== undefined) yield { txId: replaced, height, index, replaced: true };
  }
}

/** The roots of the perfect subtrees over the ids of the first `size` blocks, largest first. */
export function peaksOf(reader: GroupReader, size: number): Uint8Array[] {
  const peaks: Uint8Array[] = [];
  for (let level = 47, at = 0; level >= 0; level--) {
    const width = 2 ** level;
    if (size - at < width) continue;
    peaks.push(reader.node(level, at / width)!);
    at += width;
  }
  return peaks;
}

/** Who sealed the head of a group. */
export function sealerOfHead(reader: GroupReader): Hex32 {
  return decodeHeader(decodeBlock(reader.block(reader.head()!.height)!).headerBytes).sealer;
}
