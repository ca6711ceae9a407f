/**
 * Transactions that were signed elsewhere arrive one by one; what arrives in one turn of the event loop is verified
 * as one batch, because a hop to a thread costs as much as several signatures.
 */
import type { Verifier } from '../../crypto/verifier.ts';
import type { Refusal } from '../../events/refusals.ts';
import type { Transaction, VerifiedTransaction } from '../../events/transaction.ts';
import { verifyTransactions } from './verify.ts';

interface Unverified {
  readonly transaction: Transaction;
  readonly settle: (answer: VerifiedTransaction | Refusal) => void;
  readonly fail: (error: Error) => void;
}

export class GatheringVerifier {
  private readonly verifier: Verifier;
  private unverified: Unverified[] = [];

  constructor(verifier: Verifier) {
    this.verifier = verifier;
  }

  /** Whether the signature holds. @throws VerifierError (as a rejection) */
  verify(transaction: Transaction): Promise<VerifiedTransaction | Refusal> {
    return new Promise((settle, fail) => {
      this.unverified.push({ transaction, settle, fail });
      if (this.unverified.length === 1) setImmediate(() => void this.verifyGathered());
    });
  }

  private async verifyGathered(): Promise<void> {
    const gathered = this.unverified;
    this.unverified = [];
    try {
      const transactions = gathered.map(({ transaction }) => transaction);
      const answers = await verifyTransactions(this.verifier, transactions);
      for (const [at, one] of gathered.entries()) one.settle(answers[at]!);
    } catch (error) {
      for (const one of gathered) one.fail(error as Error);
    }
  }
}
