/**
 * Taking a checkpoint in: everything that can be known of it without the history behind it is checked.
 *
 * Who may seal at that height follows from block 0, whose sealer is the founder, and from the blocks that handed the
 * sealing over, each sealed by who could before. What stays to be believed until the history has been filled in is
 * that this sealer told the truth about the state; a lie is found then, and bears the sealer's signature.
 */
import { sha256 } from '../../crypto/hash.ts';
import { verifySignature } from '../../crypto/verify.ts';
import { BLOCK_PREFIX, type Block, decodeBlock } from '../../events/block.ts';
import { concatBytes, equalBytes, fromHex, type Hex32, toHex } from '../../events/bytes.ts';
import { decode } from '../../events/codec.ts';
import { merkleRoot } from '../../events/merkle.ts';
import { Frontier } from '../../events/merkle-frontier.ts';
import { MalformedError } from '../../events/reader.ts';
import { decodeTransaction } from '../../events/transaction.ts';
import { advance, nextHistoryRoot } from '../../machines/chain.ts';
import { TABLES } from '../../machines/tables.ts';
import type { CommitBatch } from '../../storage/port.ts';
import {
  CHECKPOINT_PREFIX,
  type SealedStatement,
  type SpentEntry,
  SpentHash,
  type StateEntry,
  StateHash,
  type Statement,
  statementCodec,
} from './format.ts';
import { headAfterCheckpoint, nodesOfPeaks } from './head.ts';

/** A checkpoint as it comes from a peer. */
export interface Checkpoint {
  /** Blocks that handed the sealing over, in order, up to the checkpoint's own. */
  readonly handOvers: readonly Uint8Array[];
  /** The block that the state belongs to. */
  readonly block: Uint8Array;
  /** The history tree over the blocks before it. */
  readonly peaks: readonly Uint8Array[];
  readonly entries: readonly StateEntry[];
  readonly spent: readonly SpentEntry[];
  readonly sealed: SealedStatement;
}

/** A checkpoint does not hold: whoever gave it made it up, or the sealer did. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
  readonly code = 'checkpoint_invalid';
}

/**
 * What to store of a checkpoint, as the first commit of its group.
 * @param founding block 0, whose id is the group's
 * @throws CheckpointError
 */
export function takeCheckpoint(groupId: Hex32, founding: Uint8Array, checkpoint: Checkpoint): CommitBatch {
  try {
    return take(groupId, decodeBlock(founding), checkpoint);
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError)
      throw new CheckpointError(`a part of the checkpoint is malformed: ${error.message}`);
    throw error;
  }
}

function take(groupId: Hex32, founding: Block, checkpoint: Checkpoint): CommitBatch {
  const { peaks, entries, spent, sealed } = checkpoint;
  const block = decodeBlock(checkpoint.block);
  const { header } = block;
  const statement = decode(statementCodec, sealed.statement);
  const blockIdBytes = sha256(block.headerBytes);
  assert(header.groupId === groupId && header.height > 0, 'its block is of another group');
  assert(statement.groupId === groupId && statement.height === header.height, 'it is of another place');
  assert(statement.blockId === toHex(blockIdBytes), 'it is of another block');
  assertSealed(block, sealersAt(groupId, founding, checkpoint.handOvers, header.height));
  const message = concatBytes(CHECKPOINT_PREFIX, sealed.statement);
  assert(verifySignature(fromHex(header.sealer), message, sealed.signature), 'its sealer has not signed it');
  assertContents(statement, entries, spent);
  const frontier = new Frontier(sha256, header.height, peaks);
  const before = { height: header.height - 1, blockId: header.prev, tsMs: header.tsMs, frontier };
  assert(toHex(nextHistoryRoot(before, sha256)) === header.historyRoot, 'its history is another one');
  const { tip, nodes } = advance(before, header, blockIdBytes, sha256);
  return {
    isCheckpoint: true,
    blocks: [
      { height: 0, id: fromHex(groupId), bytes: founding.bytes },
      { height: header.height, id: blockIdBytes, bytes: block.bytes },
    ],
    head: headAfterCheckpoint(tip, statement),
    state: entries.map(({ key, value }) => [key, value] as const),
    txs: spent,
    nodes: [
      ...nodesOfPeaks(header.height, peaks),
      ...nodes.map(({ level, index, hash }) => [level, index, hash] as const),
    ],
  };
}

function assert(holds: boolean, what: string): asserts holds {
  if (!holds) throw new CheckpointError(`the checkpoint does not hold: ${what}`);
}

/** The keys that may seal at a height, from the founder on. */
function sealersAt(
  groupId: Hex32,
  founding: Block,
  handOvers: readonly Uint8Array[],
  height: number,
): readonly Hex32[] {
  let sealers: readonly Hex32[] = [founding.header.sealer];
  let last = 0;
  for (const bytes of handOvers) {
    const block = decodeBlock(bytes);
    const { header } = block;
    assert(header.groupId === groupId, 'a block that hands over is of another group');
    assert(header.height > last && header.height < height, 'the blocks that hand over are out of order');
    assertSealed(block, sealers);
    const next = block.transactions
      .map(decodeTransaction)
      .findLast(({ operations }) => operations.some(({ type }) => type === 'sealer_accept'));
    assert(next !== undefined, 'a block that hands over holds no acceptance');
    sealers = [next.author];
    last = header.height;
  }
  return sealers;
}

/** That a block has been sealed by one of these keys, with the transactions that it holds. */
function assertSealed(
  { header, headerBytes, signature, transactions }: Block,
  sealers: readonly Hex32[],
): void {
  assert(sealers.includes(header.sealer), 'a block was sealed by somebody who may not');
  const message = concatBytes(BLOCK_PREFIX, headerBytes);
  assert(verifySignature(fromHex(header.sealer), message, signature), 'the seal of a block is forged');
  const txIds = transactions.map((bytes) => sha256(decodeTransaction(bytes).payload));
  assert(toHex(merkleRoot(txIds, sha256)) === header.txRoot, 'a block holds other transactions than it says');
}

function assertContents(
  statement: Statement,
  entries: readonly StateEntry[],
  spent: readonly SpentEntry[],
): void {
  const state = new StateHash();
  for (const { key, value } of entries) {
    // What is stored must be readable later: a record that is none would stop the group.
    const table = TABLES.find(({ prefix }) =>
      prefix.endsWith('/') ? key.startsWith(prefix) : key === prefix,
    );
    assert(table !== undefined, `the state has an unknown key ${key.slice(0, 40)}`);
    decode(table!.codec, value);
    state.add(key, value);
  }
  assert(equalBytes(state.digest(), statement.stateHash), 'the state is another one than was signed');
  const ids = new SpentHash();
  for (const entry of spent) ids.add(entry.txId, entry);
  assert(equalBytes(ids.digest(), statement.recentHash), 'the spent ids are others than were signed');
}
