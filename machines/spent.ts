/**
 * What a transaction spends, so that nothing is done twice: its own id, and the replaced id of what it stands in for.
 *
 * A replaced id is made of the author and the transaction that is replaced. So `replaces` speaks about transactions
 * of its own author alone: whoever names somebody else's spends an id that the other never asks for. It is a hash
 * and not a pair, so that one flat index of ids holds all that is spent.
 */
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../events/bytes.ts';
import type { Sha256 } from '../events/merkle.ts';
import type { TransactionPayload } from '../events/transaction.ts';

const REPLACED_PREFIX = utf8('lb/replaced/1\0');

/** What is spent when a transaction of `author` replaces the one with this id. */
export function replacedId(author: Hex32, txId: Hex32 | Uint8Array, sha256: Sha256): Hex32 {
  const bytes = typeof txId === 'string' ? fromHex(txId) : txId;
  return toHex(sha256(concatBytes(REPLACED_PREFIX, fromHex(author), bytes)));
}

/** Ids that are spent, by what spent them. */
export interface SpentIds {
  /** @param bytes the same id in bytes, where they are at hand */
  isSealed(txId: Hex32, bytes?: Uint8Array): boolean;
  isReplaced(replacedId: Hex32): boolean;
  /** Whether there are replaced ids at all. Where there are none, nobody needs to work one out: a hash for each transaction. */
  hasReplaced(): boolean;
}

/** Spent ids in memory. */
export class SpentSet implements SpentIds {
  readonly #sha256: Sha256;
  readonly #sealed = new Set<Hex32>();
  readonly #replaced = new Set<Hex32>();

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  add(transaction: Pick<TransactionPayload, 'author' | 'replaces'> & { readonly txId: Hex32 }): void {
    this.#sealed.add(transaction.txId);
    const replaced = replacedBy(transaction, this.#sha256);
    if (replaced !== undefined) this.#replaced.add(replaced);
  }

  clear(): void {
    this.#sealed.clear();
    this.#replaced.clear();
  }

  isSealed(txId: Hex32): boolean {
    return this.#sealed.has(txId);
  }

  isReplaced(replacedId: Hex32): boolean {
    return this.#replaced.has(replacedId);
  }

  hasReplaced(): boolean {
    return this.#replaced.size > 0;
  }
}

/** The replaced id that a transaction spends, where it replaces one. */
export function replacedBy(
  { author, replaces }: Pick<TransactionPayload, 'author' | 'replaces'>,
  sha256: Sha256,
): Hex32 | undefined {
  return replaces === undefined ? undefined : replacedId(author, replaces, sha256);
}
