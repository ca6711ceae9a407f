/**
 * What a domain is: a rule for each of its operations. A rule looks at the operation and the state, and either
 * refuses or writes; what it wrote before a refusal is dropped with the transaction, but rules check first and
 * write last all the same, because it reads better.
 */
import type { Hex32 } from '../events/bytes.ts';
import type { Effect } from '../events/effects.ts';
import type { Refusal } from '../events/refusals.ts';
import type { Operation, OperationOf, OperationType } from '../events/registry.ts';
import type { X25519 } from './sealed-key.ts';
import type { StateView } from './state.ts';

/** Deterministic functions that may be faster on one machine than on another, but never differ. */
export interface RuleCrypto {
  sha256(bytes: Uint8Array): Uint8Array;
  /** Ed25519 by ZIP 215; false for keys and signatures of a wrong length. */
  verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  readonly x25519: X25519;
}

/** Everything a rule may know. Time is the block's. */
export interface RuleContext {
  readonly state: StateView;
  readonly crypto: RuleCrypto;
  readonly groupId: Hex32;
  readonly author: Hex32;
  readonly nowMs: number;
  /** The time of the block before: later than `nowMs` only where this block corrects it. */
  readonly previousMs: number;
  readonly height: number;
  readonly txIdBytes: Uint8Array;
  /** Position of the operation in its transaction. */
  readonly operationIndex: number;
  emit(effect: Effect): void;
  /** Counts work that shows neither in writes nor in effects, before it is done. */
  weigh(units: number): void;
}

export type Rule<O extends Operation> = (operation: O, context: RuleContext) => Refusal | undefined;

/** One rule per operation of the domain; total, so that an operation without a rule does not compile. */
export type Rules<O extends Operation> = {
  readonly [T in O['type'] & OperationType]: Rule<OperationOf<T>>;
};
