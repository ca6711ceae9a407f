/**
 * Second stage, verify: signatures are checked in the pool, ids come back with the verdicts.
 *
 * Only this stage (and a signer, for what it has just signed) makes verified values, so that nobody can skip it.
 * Many blocks go to the pool as one batch, because small blocks would otherwise cost a thread hop each.
 */

import type { SignatureJob, Verifier } from '../../crypto/verifier.ts';
import { BLOCK_PREFIX, type Block, decodeBlock } from '../../events/block.ts';
import { fromHex, type Hex32, toHex } from '../../events/bytes.ts';
import { TRANSACTION_BYTES_MAX } from '../../events/limits.ts';
import { MalformedError } from '../../events/reader.ts';
import { type Refusal, refuse } from '../../events/refusals.ts';
import {
  decodeTransaction,
  markVerified,
  TRANSACTION_PREFIX,
  type Transaction,
  type VerifiedTransaction,
} from '../../events/transaction.ts';
import type { ForgedBlock, VerifiedBlock } from './judge.ts';

/** Decodes a transaction from outside, or says why it is none. */
export function readTransaction(bytes: Uint8Array): Transaction | Refusal {
  if (bytes.length > TRANSACTION_BYTES_MAX)
    return refuse('transaction_too_large', { bytes: bytes.length, bytesMax: TRANSACTION_BYTES_MAX });
  try {
    return decodeTransaction(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return refuse('malformed', { what: error.message });
    throw error;
  }
}

const jobOf = (transaction: Transaction): SignatureJob => ({
  payload: transaction.payload,
  signature: transaction.signature,
  publicKey: fromHex(transaction.author),
});

/** Checks the signatures of transactions; the answers come in the same order. */
export async function verifyTransactions(
  verifier: Verifier,
  transactions: readonly Transaction[],
): Promise<(VerifiedTransaction | Refusal)[]> {
  const { ids, valid } = await verifier.verify(TRANSACTION_PREFIX, transactions.map(jobOf));
  return transactions.map((transaction, at) =>
    valid[at]
      ? markVerified(transaction, toHex(ids[at]!), ids[at]!)
      : refuse('signature_invalid', { author: transaction.author }),
  );
}

/** A block that has been decoded with all its transactions; its signatures are still open. */
export interface ReadBlock {
  readonly block: Block;
  readonly transactions: readonly Transaction[];
}

/** Decodes a block and its transactions, or says what is wrong with which. */
export function readBlock(bytes: Uint8Array): ReadBlock | Refusal {
  let block: Block;
  try {
    block = decodeBlock(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return refuse('block_malformed', { what: error.message });
    throw error;
  }
  const transactions: Transaction[] = [];
  for (const [index, encoded] of block.transactions.entries()) {
    const transaction = readTransaction(encoded);
    if ('code' in transaction)
      return refuse('block_transaction_refused', { index, txId: undefined, refusal: transaction });
    transactions.push(transaction);
  }
  return { block, transactions };
}

/** Checks all signatures of several blocks at once: the sealers' and the transactions'. */
export async function verifyBlocks(
  verifier: Verifier,
  blocks: readonly ReadBlock[],
): Promise<(VerifiedBlock | ForgedBlock)[]> {
  const [seals, signatures] = await Promise.all([
    verifier.verify(
      BLOCK_PREFIX,
      blocks.map(({ block }) => ({
        payload: block.headerBytes,
        signature: block.signature,
        publicKey: fromHex(block.header.sealer),
      })),
    ),
    verifier.verify(
      TRANSACTION_PREFIX,
      blocks.flatMap(({ transactions }) => transactions.map(jobOf)),
    ),
  ]);
  let offset = 0;
  return blocks.map(({ block, transactions }, at) => {
    const start = offset;
    offset += transactions.length;
    const mark = <T>(as: (transaction: Transaction, txId: Hex32, txIdBytes: Uint8Array) => T): T[] =>
      transactions.map((transaction, index) => {
        const txIdBytes = signatures.ids[start + index]!;
        return as(transaction, toHex(txIdBytes), txIdBytes);
      });
    const blockIdBytes = seals.ids[at]!;
    if (!seals.valid[at])
      return { forged: 'header', block, blockIdBytes, transactions: mark(markIdentified) };
    const forgedAt = signatures.valid.indexOf(false, start);
    if (forgedAt >= 0 && forgedAt < offset)
      return { forged: forgedAt - start, block, blockIdBytes, transactions: mark(markIdentified) };
    return { block, blockIdBytes, transactions: mark(markVerified) };
  });
}

type Identified = Transaction & { txId: Hex32; txIdBytes: Uint8Array };

function markIdentified(transaction: Transaction, txId: Hex32, txIdBytes: Uint8Array): Identified {
  return Object.assign(transaction, { txId, txIdBytes });
}
