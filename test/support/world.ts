/**
 * A group under test: the real judge over a state in memory, with a clock that tests move and nonces that
 * count, so that the same script gives the same bytes in every run.
 */
import { ChainJudge, type FinalBlock } from '../../actors/chain/judge.ts';
import { MemoryState } from '../../actors/chain/state-cache.ts';
import { sha256 } from '../../crypto/hash.ts';
import { verifySignature } from '../../crypto/verify.ts';
import { x25519 } from '../../crypto/x25519.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import type { Effect } from '../../events/effects.ts';
import type { Refusal } from '../../events/refusals.ts';
import type { Operation } from '../../events/registry.ts';
import {
  decodeTransaction,
  encodePayload,
  encodeTransaction,
  markVerified,
  TRANSACTION_PREFIX,
  type TransactionPayload,
  type VerifiedTransaction,
} from '../../events/transaction.ts';
import { isCorrection } from '../../machines/chain.ts';
import type { RuleCrypto } from '../../machines/domain.ts';
import { SpentSet } from '../../machines/spent.ts';
import type { Table } from '../../machines/state.ts';
import { founder, type Person, personOf } from './people.ts';

export const crypto: RuleCrypto = { sha256, verifySignature, x25519 };

/** 2026-01-01, the time at which every test group is founded. */
export const START_MS = 1_767_225_600_000;

/** One chain in memory: what a node is without its disk. Seals, follows and replays. */
export class MemoryChain {
  readonly state = new MemoryState();
  readonly judge: ChainJudge;
  readonly finals: FinalBlock[] = [];
  readonly spent = new SpentSet(sha256);

  constructor(groupId?: Hex32) {
    this.judge = new ChainJudge({
      groupId,
      tip: undefined,
      base: this.state,
      crypto,
      spent: this.spent,
    });
  }

  /** Keeps a judged block, as storage would. */
  stage(final: FinalBlock): void {
    this.state.apply(final.judged.writes);
    for (const transaction of final.judged.accepted) this.spent.add(transaction);
    this.finals.push(final);
  }

  get blocks(): Uint8Array[] {
    return this.finals.map(({ bytes }) => bytes);
  }

  /** Every key with its value in hex, ascending: equal for equal states. */
  dump(): [key: string, value: string][] {
    return [...this.state.entries()]
      .map(([key, value]): [string, string] => [key, toHex(value)])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

export type Outcome =
  | { readonly refusal: Refusal; readonly effects?: undefined }
  | { readonly refusal?: undefined; readonly effects: readonly Effect[] };

/** An operation, or a function of the world for one that names an id which the script brings about. */
export type Scripted = Operation | ((world: World) => Operation);
/** A step of a script. */
export type Step = (world: World) => void;

export class World {
  readonly chain = new MemoryChain();
  nowMs = START_MS;
  sealer: Person = founder;
  /** The offers and purchases that came about, oldest first. */
  readonly offers: Hex32[] = [];
  readonly purchases: Hex32[] = [];
  private nonces = 0;

  get groupId(): Hex32 {
    return this.chain.judge.groupId;
  }

  /** The record under `id`, as the last block left it. */
  read<T>(table: Table<T>, id = ''): T | undefined {
    return this.chain.state.get(table, id);
  }

  /** A signed transaction dated now; `overrides` for the ones that must be wrong. */
  transaction(
    author: Person,
    operations: readonly Operation[],
    overrides: Partial<TransactionPayload> = {},
  ): VerifiedTransaction {
    const nonce = new Uint8Array(16);
    new DataView(nonce.buffer).setUint32(12, ++this.nonces);
    const payload = encodePayload({
      groupId: this.groupId,
      author: author.publicKey,
      nonce,
      tsMs: this.nowMs,
      replaces: undefined,
      operations,
      ...overrides,
    });
    return this.verified(encodeTransaction(payload, author.sign(TRANSACTION_PREFIX, payload)));
  }

  /** A transaction from its bytes, on the word of the test that its signature holds. */
  verified(bytes: Uint8Array): VerifiedTransaction {
    const transaction = decodeTransaction(bytes);
    const txId = sha256(transaction.payload);
    return markVerified(transaction, toHex(txId), txId);
  }

  /** Seals the transactions that the rules accept as one block (none: no block), at the world's time. */
  seal(transactions: readonly VerifiedTransaction[]): {
    refusals: (Refusal | undefined)[];
    final: FinalBlock | undefined;
  } {
    const { judge } = this.chain;
    judge.openBlock(this.nowMs, isCorrection(transactions));
    const refusals = transactions.map((transaction) => judge.add(transaction));
    const final = judge.sealBlock(this.sealer);
    if (final !== undefined) {
      this.chain.stage(final);
      for (const { effect } of final.judged.effects) this.note(effect);
    }
    return { refusals, final };
  }

  private note(effect: Effect): void {
    if (effect.kind === 'sealers.changed') this.sealer = personOf(effect.sealers[0]!);
    if (effect.kind === 'offer.created') this.offers.push(effect.offer);
    if (effect.kind === 'purchase.changed' && effect.status === 'escrowed')
      this.purchases.push(effect.purchase);
  }

  /** Seals one transaction as a block of its own. */
  submit(transaction: VerifiedTransaction): Outcome {
    const { refusals, final } = this.seal([transaction]);
    const refusal = refusals[0];
    if (refusal !== undefined) return { refusal };
    return { effects: final!.judged.effects.map(({ effect }) => effect) };
  }

  /** Signs and seals these operations as one transaction. */
  act(author: Person, ...operations: Scripted[]): Outcome {
    const made = operations.map((one) => (typeof one === 'function' ? one(this) : one));
    return this.submit(this.transaction(author, made));
  }
}
