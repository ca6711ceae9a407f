/**
 * A block: an ordered batch of transactions, sealed by one signature over its header.
 *
 *   header  = [1, groupId, height, prev, tsMs, sealer, txCount, txRoot, historyRoot, effectsHash]
 *   block   = [header, signature, [transaction, …]]
 *   blockId = SHA-256(header)           signature = Ed25519("lb/block/1\0" || header)
 *
 * `groupId` is the blockId of block 0; in block 0 and in its transaction 32 zero bytes stand in its place.
 */
import type { Hex32 } from './bytes.ts';
import { bytesOf, id, timestamp, uint } from './fields.ts';
import { BLOCK_BYTES_MAX, TRANSACTION_BYTES_MAX, TRANSACTIONS_PER_BLOCK_MAX } from './limits.ts';
import { MalformedError, Reader } from './reader.ts';
import { Writer } from './writer.ts';

export const BLOCK_VERSION = 1;
export const BLOCK_PREFIX = new TextEncoder().encode('lb/block/1\0');
const HEADER_FIELDS = 10;
/** More than the longest header: version, five ids, and four integers. */
const HEADER_BYTES_MAX = 320;

export interface BlockHeader {
  readonly groupId: Hex32;
  readonly height: number;
  readonly prev: Hex32;
  readonly tsMs: number;
  readonly sealer: Hex32;
  readonly txCount: number;
  /** RFC 6962 Merkle tree hash over the txIds. */
  readonly txRoot: Hex32;
  /** RFC 6962 Merkle tree hash over the blockIds of heights 0 … height−1. */
  readonly historyRoot: Hex32;
  /** SHA-256 over the state writes that the block made. */
  readonly effectsHash: Hex32;
}

/** A decoded block with the bytes it came from; its transactions are still bytes. */
export interface Block {
  readonly header: BlockHeader;
  /** The whole record, verbatim. */
  readonly bytes: Uint8Array;
  /** The hashed and signed part, verbatim. */
  readonly headerBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly transactions: readonly Uint8Array[];
}

const signatureCodec = bytesOf(64);
const height = uint(Number.MAX_SAFE_INTEGER);
const txCount = uint(TRANSACTIONS_PER_BLOCK_MAX);

/** The bytes to hash and sign. */
export function encodeHeader(header: BlockHeader): Uint8Array {
  const writer = new Writer(HEADER_BYTES_MAX);
  writer.arrayHeader(HEADER_FIELDS);
  writer.uint(BLOCK_VERSION);
  id.write(writer, header.groupId);
  height.write(writer, header.height);
  id.write(writer, header.prev);
  timestamp.write(writer, header.tsMs);
  id.write(writer, header.sealer);
  txCount.write(writer, header.txCount);
  id.write(writer, header.txRoot);
  id.write(writer, header.historyRoot);
  id.write(writer, header.effectsHash);
  return writer.finish();
}

/** @throws MalformedError on anything but a header in its one encoding. */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  const reader = new Reader(bytes);
  reader.expectArray(HEADER_FIELDS);
  if (reader.uint(0xff) !== BLOCK_VERSION) reader.fail('expected a block of version 1');
  const header: BlockHeader = {
    groupId: id.read(reader),
    height: height.read(reader),
    prev: id.read(reader),
    tsMs: timestamp.read(reader),
    sealer: id.read(reader),
    txCount: txCount.read(reader),
    txRoot: id.read(reader),
    historyRoot: id.read(reader),
    effectsHash: id.read(reader),
  };
  reader.done();
  return header;
}

/** `[header, signature, [transaction, …]]` from its parts, verbatim. */
export function encodeBlock(
  headerBytes: Uint8Array,
  signature: Uint8Array,
  transactions: readonly Uint8Array[],
): Uint8Array {
  let size = headerBytes.length + signature.length + 32;
  for (const transaction of transactions) size += transaction.length + 5;
  const writer = new Writer(size);
  writer.arrayHeader(3);
  writer.bin(headerBytes);
  writer.bin(signature);
  writer.arrayHeader(transactions.length);
  for (const transaction of transactions) writer.bin(transaction);
  return writer.bytesSince(0);
}

/**
 * Decodes a block's frame and header; transactions stay bytes (views into `bytes`) for the next stage.
 * @throws MalformedError on anything but a block in its one encoding and within its size.
 */
export function decodeBlock(bytes: Uint8Array): Block {
  if (bytes.length > BLOCK_BYTES_MAX)
    throw new MalformedError(`a block has at most ${BLOCK_BYTES_MAX} bytes`);
  const reader = new Reader(bytes);
  reader.expectArray(3);
  const headerBytes = reader.bin(HEADER_BYTES_MAX);
  const signature = signatureCodec.read(reader);
  const count = reader.arrayHeader();
  if (count < 1 || count > TRANSACTIONS_PER_BLOCK_MAX)
    reader.fail(`expected 1 to ${TRANSACTIONS_PER_BLOCK_MAX} transactions`);
  const transactions: Uint8Array[] = [];
  for (let at = 0; at < count; at++) transactions.push(reader.bin(TRANSACTION_BYTES_MAX));
  reader.done();
  return { header: decodeHeader(headerBytes), bytes, headerBytes, signature, transactions };
}
