/**
 * From a commit batch to packed writes, and the rule for which batch may follow which.
 */

import { writeArtifact } from './artifact-format.ts';
import { StorageError } from './errors.ts';
import { encodeHead } from './head.ts';
import {
  checkStateKey,
  groupIdKey,
  groupKey,
  heightKey,
  nodeKey,
  stateKey,
  uint48,
  uint48At,
} from './keys.ts';
import { PackedWrites } from './packed-writes.ts';
import type { CommitBatch, CommitBlock, CommitTx, TxLocation } from './port.ts';

const HASH_BYTES = 32;

/**
 * Checks that `batch` may follow a chain that ends at `height` (undefined: there is none), and gives the height
 * at which the chain ends after it.
 * @throws StorageError `out_of_order`
 * @throws RangeError when the batch contradicts itself
 */
export function heightAfter(height: number | undefined, batch: CommitBatch): number | undefined {
  const { blocks = [], head } = batch;
  const first = blocks[0];
  const isCheckpoint = batch.isCheckpoint === true && height === undefined && blocks.length === 2;
  blocks.forEach((block, at) => {
    if (block.height !== first!.height + at && !isCheckpoint)
      throw new RangeError('the blocks of a commit ascend without gaps');
  });
  const last = blocks.at(-1);
  if (!head) {
    if (last && (height === undefined || last.height > height)) {
      throw outOfOrder(
        `block ${last.height} is above the head (${height ?? 'none'}) and no new head is given`,
      );
    }
    return height;
  }
  if (last && last.height !== head.height) throw new RangeError('a commit with a head ends at that head');
  if (height === undefined) return head.height;
  if (!first && head.height !== height) throw outOfOrder(`a head at ${head.height} without its block`);
  if (first && first.height !== height + 1) {
    throw outOfOrder(`block ${first.height} does not follow the head at ${height}`);
  }
  return head.height;
}

function outOfOrder(detail: string): StorageError {
  return new StorageError('out_of_order', `the commit does not continue the chain: ${detail}`);
}

/** Throws `RangeError` for what no store can hold. Shared by the adapters, so that they refuse alike. */
export function checkState(key: string): void {
  if (key === '') throw new RangeError('a state key is not empty');
  checkStateKey(key);
}

/** Throws `RangeError` unless `hash` is one. */
export function checkHash(hash: Uint8Array): void {
  if (hash.length !== HASH_BYTES) throw new RangeError(`a hash has 32 bytes, not ${hash.length}`);
}

/** All writes of `batch` for the group with this number. */
export function packBatch(group: number, batch: CommitBatch): PackedWrites {
  const { blocks = [], head, state = [], txs = [], nodes = [], artifacts = [] } = batch;
  const writes = new PackedWrites(sizeOf(blocks));
  for (const block of blocks) packBlock(writes, group, block);
  if (head) writes.put('heads', groupKey(group), encodeHead(head));
  for (const [key, value] of state) {
    checkState(key);
    if (value) writes.put('state', stateKey(group, key), value);
    else writes.delete('state', stateKey(group, key));
  }
  for (const tx of txs)
    writes.put(tx.replaced ? 'replacements' : 'transactions', groupIdKey(group, tx.txId), txValue(tx));
  for (const [level, index, hash] of nodes) {
    checkHash(hash);
    writes.put('history-nodes', nodeKey(group, level, index), hash);
  }
  for (const { hash, bytes } of artifacts) {
    writeArtifact(writes, hash, bytes);
    writes.put('artifact-members', groupIdKey(group, hash), uint48(bytes.length));
  }
  return writes;
}

/** What the writes will take, roughly: blocks are most of it, and their indexes about as much again. */
function sizeOf(blocks: readonly CommitBlock[]): number {
  return blocks.reduce(
    (bytes, block) => bytes + 2 * (block.bytes.length + (block.effects?.length ?? 0)),
    4096,
  );
}

function packBlock(writes: PackedWrites, group: number, block: CommitBlock): void {
  const { height, id, bytes, effects } = block;
  const idBytes = Uint8Array.from(groupIdKey(group, id).subarray(4));
  writes.put('blocks', heightKey(group, height), bytes);
  writes.put('block-ids', heightKey(group, height), idBytes);
  writes.put('heights', groupIdKey(group, idBytes), uint48(height));
  if (effects) writes.put('effects', heightKey(group, height), effects);
}

const TX_VALUE_BYTES = 8;
const txScratch = Buffer.alloc(TX_VALUE_BYTES);

/** The value of an index entry: height u48, index u16. */
function txValue({ height, index }: CommitTx): Uint8Array {
  txScratch.writeUIntBE(height, 0, 6);
  txScratch.writeUInt16BE(index, 6);
  return txScratch;
}

/**
 * The transaction's place in an index entry.
 * @throws StorageError `corrupt`
 */
export function readTxValue(value: Uint8Array): TxLocation {
  if (value.length !== TX_VALUE_BYTES)
    throw new StorageError('corrupt', 'an entry of the transaction index has a wrong length');
  return { height: uint48At(value, 0), index: (value[6]! << 8) | value[7]! };
}
