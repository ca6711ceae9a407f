/** Signing: a transaction made here, whose id and signature need no second check. */
import { randomBytes } from 'node:crypto';
import { sha256 } from '../../crypto/hash.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { toHex } from '../../events/bytes.ts';
import { NONCE_BYTES, TRANSACTION_BYTES_MAX } from '../../events/limits.ts';
import { MalformedError } from '../../events/reader.ts';
import { type Refusal, refuse } from '../../events/refusals.ts';
import { checkOperations, type Operation } from '../../events/registry.ts';
import {
  decodeTransaction,
  encodePayload,
  encodeTransaction,
  markVerified,
  TRANSACTION_PREFIX,
  type VerifiedTransaction,
} from '../../events/transaction.ts';
import type { BlockSigner } from './judge.ts';

export interface TransactionRequest {
  readonly groupId: Hex32;
  readonly operations: readonly Operation[];
  readonly tsMs: number;
  readonly replaces?: Hex32;
}

/** Nonces are drawn a page at a time, because a call into the kernel costs more than 16 bytes are worth. */
const NONCES_PER_PAGE = 256;
let page: Uint8Array = new Uint8Array(0);
let used = 0;

function nextNonce(): Uint8Array {
  if (used >= page.length) {
    page = randomBytes(NONCES_PER_PAGE * NONCE_BYTES);
    used = 0;
  }
  used += NONCE_BYTES;
  return page.subarray(used - NONCE_BYTES, used);
}

/** Signs a transaction, or refuses operations whose fields are out of bounds. */
export function signTransaction(
  signer: BlockSigner,
  request: TransactionRequest,
): VerifiedTransaction | Refusal {
  const { groupId, operations, tsMs, replaces } = request;
  try {
    checkOperations(operations);
  } catch (error) {
    if (error instanceof MalformedError) return refuse('malformed', { what: error.message });
    throw error;
  }
  const payload = encodePayload({
    groupId,
    author: signer.publicKey,
    nonce: nextNonce(),
    tsMs,
    replaces,
    operations,
  });
  const bytes = encodeTransaction(payload, signer.sign(TRANSACTION_PREFIX, payload));
  if (bytes.length > TRANSACTION_BYTES_MAX)
    return refuse('transaction_too_large', { bytes: bytes.length, bytesMax: TRANSACTION_BYTES_MAX });
  // What is judged is what the bytes say, not the objects they were made from.
  const txIdBytes = sha256(payload);
  return markVerified(decodeTransaction(bytes), toHex(txIdBytes), txIdBytes);
}
