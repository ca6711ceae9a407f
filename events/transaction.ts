/**
 * A transaction: a signed, atomic list of operations.
 *
 *   payload     = [1, groupId, author, nonce, tsMs, replaces | nil, [operation, …]]
 *   transaction = [payload, signature]
 *   txId        = SHA-256(payload)      signature = Ed25519("lb/tx/1\0" || payload)
 *
 * The payload's bytes are hashed, signed, stored and forwarded as they are; a decoded transaction keeps them.
 * The types say how far a transaction has come: `Transaction` has been decoded, `VerifiedTransaction` carries
 * its id and can be had only from who checked (or just made) the signature.
 */
import type { Hex32 } from './bytes.ts';
import { bytesOf, id, list, optional, timestamp } from './fields.ts';
import { NONCE_BYTES, OPERATIONS_PER_TRANSACTION_MAX, TRANSACTION_BYTES_MAX } from './limits.ts';
import { MalformedError, Reader } from './reader.ts';
import { type Operation, operationCodec } from './registry.ts';
import { Writer } from './writer.ts';

export const TRANSACTION_VERSION = 1;
export const TRANSACTION_PREFIX = new TextEncoder().encode('lb/tx/1\0');
const PAYLOAD_FIELDS = 7;
const SIGNATURE_BYTES = 64;

export interface TransactionPayload {
  readonly groupId: Hex32;
  readonly author: Hex32;
  /** 16 bytes that make two equal requests two transactions. */
  readonly nonce: Uint8Array;
  readonly tsMs: number;
  /** The id of an earlier transaction that this one stands in for; at most one of the two is accepted. */
  readonly replaces: Hex32 | undefined;
  readonly operations: readonly Operation[];
}

/** A decoded transaction with the bytes it came from. */
export interface Transaction extends TransactionPayload {
  /** The whole record, verbatim. */
  readonly bytes: Uint8Array;
  /** The signed part of it, verbatim. */
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

declare const verified: unique symbol;
/** A transaction whose signature holds, with its id. */
export interface VerifiedTransaction extends Transaction {
  readonly txId: Hex32;
  readonly txIdBytes: Uint8Array;
  readonly [verified]: true;
}

/** Encoding never yields, so one buffer serves all; what is returned is a copy. */
const scratch = new Writer(4_096);

const nonceCodec = bytesOf(NONCE_BYTES);
const signatureCodec = bytesOf(SIGNATURE_BYTES);
const replacesCodec = optional(id);
const operationsCodec = list(operationCodec, { max: OPERATIONS_PER_TRANSACTION_MAX, min: 1 });

/** The bytes to hash and sign. The operations must have passed `checkOperations`. */
export function encodePayload(value: TransactionPayload): Uint8Array {
  const writer = scratch;
  writer.reset();
  writer.arrayHeader(PAYLOAD_FIELDS);
  writer.uint(TRANSACTION_VERSION);
  id.write(writer, value.groupId);
  id.write(writer, value.author);
  nonceCodec.write(writer, value.nonce);
  timestamp.write(writer, value.tsMs);
  replacesCodec.write(writer, value.replaces);
  operationsCodec.write(writer, value.operations);
  return writer.finish();
}

/** `[payload, signature]`. */
export function encodeTransaction(payload: Uint8Array, signature: Uint8Array): Uint8Array {
  const writer = scratch;
  writer.reset();
  writer.arrayHeader(2);
  writer.bin(payload);
  writer.bin(signature);
  return writer.finish();
}

/**
 * Decodes a transaction; its payload and signature are views into `bytes`.
 * @throws MalformedError on anything but a transaction in its one encoding.
 */
export function decodeTransaction(bytes: Uint8Array): Transaction {
  if (bytes.length > TRANSACTION_BYTES_MAX)
    throw new MalformedError(`a transaction has at most ${TRANSACTION_BYTES_MAX} bytes`);
  const outer = new Reader(bytes);
  outer.expectArray(2);
  const payload = outer.bin(TRANSACTION_BYTES_MAX);
  const signature = signatureCodec.read(outer);
  outer.done();
  const reader = new Reader(payload);
  reader.expectArray(PAYLOAD_FIELDS);
  if (reader.uint(0xff) !== TRANSACTION_VERSION) reader.fail('expected a transaction of version 1');
  const groupId = id.read(reader);
  const author = id.read(reader);
  const nonce = nonceCodec.read(reader);
  const tsMs = timestamp.read(reader);
  const replaces = replacesCodec.read(reader);
  const operations = operationsCodec.read(reader);
  reader.done();
  return { groupId, author, nonce, tsMs, replaces, operations, bytes, payload, signature };
}

/**
 * Marks a transaction as verified. Only code that has just checked or made its signature may call it: the
 * verification stage, the signer, and the replay of a log whose signatures were checked before.
 */
export function markVerified(
  transaction: Transaction,
  txId: Hex32,
  txIdBytes: Uint8Array,
): VerifiedTransaction {
  return Object.assign(transaction as VerifiedTransaction, { txId, txIdBytes });
}
