/**
 * Making receipts and consistency proofs from a store; how they are checked is in `events/proof.ts`.
 *
 * A proof needs two or three blocks and some 60 nodes of the stored history tree, however long the history is.
 */
import { sha256 } from '../../crypto/hash.ts';
import { type Block, decodeBlock } from '../../events/block.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import {
  consistencyProofFromNodes,
  inclusionProof,
  inclusionProofFromNodes,
  type NodeLookup,
} from '../../events/merkle.ts';
import { encodeConsistencyProof, encodeProof } from '../../events/proof.ts';
import { MalformedError } from '../../events/reader.ts';
import { decodeTransaction } from '../../events/transaction.ts';
import { StorageError } from '../../storage/errors.ts';
import type { GroupReader } from '../../storage/port.ts';

const missing = (what: string): StorageError =>
  new StorageError('corrupt', `${what} is missing or damaged; an audit tells more`);

function storedBlock(reader: GroupReader, height: number): Block {
  const bytes = reader.block(height);
  if (bytes === undefined) throw missing(`block ${height}`);
  return intact(() => decodeBlock(bytes), `block ${height}`);
}

/** Our own block was checked when it was stored: one that cannot be decoded now is damage. */
function intact<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof MalformedError ? missing(what) : error;
  }
}

function nodesOf(reader: GroupReader): NodeLookup {
  return (level, index) => {
    const node = reader.node(level, index);
    if (node === undefined) throw missing(`node ${index} of level ${level} of the history tree`);
    return node;
  };
}

/** The path of block `height` in the history of the head at `headHeight`; empty for the head itself. */
function historyPath(reader: GroupReader, height: number, headHeight: number): Uint8Array[] {
  if (height === headHeight) return [];
  return inclusionProofFromNodes(height, headHeight, nodesOf(reader), sha256);
}

/** The height of the head to prove against. Throws `RangeError` for one that is not there, or below `least`. */
function headHeightOf(reader: GroupReader, asked: number | undefined, least: number): number {
  const last = reader.head()?.height ?? -1;
  const height = asked ?? last;
  if (!Number.isSafeInteger(height) || height < least || height > last)
    throw new RangeError(`there is no head at height ${height} from ${least} to ${last}`);
  return height;
}

/**
 * A receipt for a sealed transaction, for strangers.
 * @param options.headHeight prove against this earlier head, which the stranger may have already
 * @returns nothing when the group has not sealed such a transaction
 * @throws StorageError `corrupt` when the store cannot give what is needed
 * @throws RangeError for a head that is not there or lies before the transaction
 */
export function prove(
  reader: GroupReader,
  txId: Hex32,
  options: { readonly headHeight?: number } = {},
): Uint8Array | undefined {
  const location = reader.txLocation(txId);
  if (location === undefined) return undefined;
  const { height, index } = location;
  const headHeight = headHeightOf(reader, options.headHeight, height);
  const block = storedBlock(reader, height);
  const head = storedBlock(reader, headHeight);
  const txIds = intact(
    () => block.transactions.map((bytes) => sha256(decodeTransaction(bytes).payload)),
    `block ${height}`,
  );
  const own = txIds[index];
  if (own === undefined || toHex(own) !== txId) throw missing(`the place of transaction ${txId}`);
  return encodeProof({
    groupId: reader.groupId,
    transaction: block.transactions[index]!,
    index,
    txPath: inclusionProof(txIds, index, sha256),
    header: block.headerBytes,
    signature: block.signature,
    headHeader: head.headerBytes,
    headSignature: head.signature,
    historyPath: historyPath(reader, height, headHeight),
    genesisHeader: storedBlock(reader, 0).headerBytes,
    genesisPath: historyPath(reader, 0, headHeight),
  });
}

/**
 * A proof that the history of the present head (or the one at `headHeight`) extends that of the head at `oldHeight`.
 * @throws StorageError `corrupt`
 * @throws RangeError for heads that are not there or stand in the other order
 */
export function proveConsistency(
  reader: GroupReader,
  oldHeight: number,
  options: { readonly headHeight?: number } = {},
): Uint8Array {
  if (!Number.isSafeInteger(oldHeight) || oldHeight < 0)
    throw new RangeError(`there is no head at height ${oldHeight}`);
  const headHeight = headHeightOf(reader, options.headHeight, oldHeight);
  const old = storedBlock(reader, oldHeight);
  const head = storedBlock(reader, headHeight);
  const grows = oldHeight > 0 && oldHeight < headHeight;
  return encodeConsistencyProof({
    groupId: reader.groupId,
    oldHeader: old.headerBytes,
    oldSignature: old.signature,
    headHeader: head.headerBytes,
    headSignature: head.signature,
    historyPath: grows ? consistencyProofFromNodes(oldHeight, headHeight, nodesOf(reader), sha256) : [],
    oldPath: historyPath(reader, oldHeight, headHeight),
  });
}
