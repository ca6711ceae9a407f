/**
 * The group: all domains composed into one judge of transactions.
 *
 * A `BlockJudge` takes verified transactions one by one, in order, over one overlay. It decides nothing that
 * the log does not determine: not the clock, not the machine, not how transactions arrived. The sealer uses it
 * to build a block, the follower to check one, and replay to do it all again.
 */
import type { Hex32 } from '../events/bytes.ts';
import { ZERO_ID } from '../events/bytes.ts';
import type { Effect, PlacedEffect } from '../events/effects.ts';
import {
  BLOCK_WEIGHT_MAX,
  ITEM_WEIGHT,
  TRANSACTION_AGE_MS_MAX,
  TRANSACTION_LEAD_MS_MAX,
  TRANSACTION_WEIGHT_MAX,
} from '../events/limits.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { Operation, OperationType } from '../events/registry.ts';
import type { VerifiedTransaction } from '../events/transaction.ts';
import { Writer } from '../events/writer.ts';
import type { Rule, RuleContext, RuleCrypto, Rules } from './domain.ts';
import { governanceRules } from './governance.ts';
import { knowledgeRules } from './knowledge.ts';
import { assertMoneyConserved } from './ledger.ts';
import { marketRules } from './market.ts';
import { membershipRules } from './membership.ts';
import { presenceRules } from './presence.ts';
import { replacedId, type SpentIds, SpentSet } from './spent.ts';
import { Overlay, type StateBase, type WriteSet } from './state.ts';
import { balanceTable, memberTable } from './tables.ts';
import { taskRules } from './tasks.ts';
import { tokenRules } from './tokens.ts';

const RULES: Rules<Operation> = {
  ...governanceRules,
  ...membershipRules,
  ...tokenRules,
  ...knowledgeRules,
  ...taskRules,
  ...presenceRules,
  ...marketRules,
};

/** What of a transaction can be checked without its signature. */
type Identified = Pick<
  VerifiedTransaction,
  'groupId' | 'author' | 'tsMs' | 'txId' | 'txIdBytes' | 'replaces'
>;

/** What a judge needs to know beyond the state. */
export interface JudgeEnvironment {
  readonly base: StateBase;
  readonly crypto: RuleCrypto;
  /** What earlier blocks have spent. */
  readonly spent: SpentIds;
}

/** What judging a block brought about. */
export interface JudgedBlock {
  readonly writes: WriteSet;
  readonly effectsHash: Uint8Array;
  readonly effects: readonly PlacedEffect[];
  readonly accepted: readonly VerifiedTransaction[];
  readonly operationCount: number;
  /** What judging it cost: at most `BLOCK_WEIGHT_MAX`. */
  readonly weight: number;
}

/** The context that rules see; one object a judge, refilled for every operation. */
class Context implements RuleContext {
  readonly state: Overlay;
  readonly crypto: RuleCrypto;
  groupId = ZERO_ID;
  author = ZERO_ID;
  nowMs = 0;
  previousMs = 0;
  height = 0;
  txIdBytes: Uint8Array = new Uint8Array(32);
  operationIndex = 0;
  effects: PlacedEffect[] = [];
  transactionIndex = 0;
  /** What operations of the open transaction weigh by themselves. */
  weighed = 0;

  constructor(state: Overlay, crypto: RuleCrypto) {
    this.state = state;
    this.crypto = crypto;
  }

  emit(effect: Effect): void {
    this.effects.push({ transaction: this.transactionIndex, operation: this.operationIndex, effect });
  }

  weigh(units: number): void {
    this.weighed += units;
  }
}

export class BlockJudge {
  private readonly environment: JudgeEnvironment;
  private readonly overlay: Overlay;
  private readonly context: Context;
  private effectsWriter = new Writer();
  private accepted: VerifiedTransaction[] = [];
  /** Ids that this block spends, so that it cannot spend them twice. */
  private readonly spentHere: SpentSet;
  private mayBeReplaced = false;
  private operationCount = 0;
  private weight = 0;
  private refusedWeight = 0;
  private isOpen = false;

  constructor(environment: JudgeEnvironment) {
    this.environment = environment;
    this.overlay = new Overlay(environment.base);
    this.context = new Context(this.overlay, environment.crypto);
    this.spentHere = new SpentSet(environment.crypto.sha256);
  }

  /**
   * Begins a block. `groupId` is the zero id in block 0, which has no id yet.
   * @param previousMs the time of the block before; 0 where there is none
   */
  open(groupId: Hex32, height: number, tsMs: number, previousMs: number): void {
    const fresh = { effects: [], transactionIndex: 0 };
    Object.assign(this.context, { groupId, height, nowMs: tsMs, previousMs, ...fresh });
    this.overlay.takeBlock();
    this.overlay.dropTransaction();
    // A new writer, not a reset one: the last block's value bytes live in it until they are stored. Blocks come in
    // similar sizes, so the last one's is a good guess.
    this.effectsWriter = new Writer(Math.max(1_024, this.effectsWriter.length));
    this.accepted = [];
    this.spentHere.clear();
    this.mayBeReplaced = this.environment.spent.hasReplaced();
    this.operationCount = 0;
    this.weight = 0;
    this.refusedWeight = 0;
    this.isOpen = true;
  }

  private assertOpen(): void {
    if (!this.isOpen) throw new Error('no block is open');
  }

  /**
   * Judges the next transaction; it becomes part of the block unless it is refused. `block_too_heavy` says that the
   * block has no room for it, though another one may.
   */
  judgeTransaction(transaction: VerifiedTransaction): Refusal | undefined {
    this.assertOpen();
    const { context, overlay } = this;
    const effectsBefore = context.effects.length;
    const bytesBefore = this.effectsWriter.length;
    context.weighed = 0;
    const refusal =
      this.precheck(transaction) ??
      this.applyOperations(transaction, effectsBefore) ??
      this.encodeWrites(effectsBefore, bytesBefore);
    if (refusal !== undefined) {
      this.refusedWeight += this.weightSince(effectsBefore);
      overlay.dropTransaction();
      context.effects.length = effectsBefore;
      this.effectsWriter.length = bytesBefore;
      return refusal;
    }
    overlay.keepTransaction();
    this.spentHere.add(transaction);
    this.mayBeReplaced ||= this.spentHere.hasReplaced();
    this.accepted.push(transaction);
    this.operationCount += transaction.operations.length;
    context.transactionIndex++;
    return undefined;
  }

  /** What the open transaction weighs so far, the bytes of its writes not counted. */
  private weightSince(effectsBefore: number): number {
    const { context, overlay } = this;
    const items = overlay.openWrites().length + context.effects.length - effectsBefore;
    return context.weighed + ITEM_WEIGHT * items;
  }

  /** Encodes what the transaction writes, and weighs it whole. */
  private encodeWrites(effectsBefore: number, bytesBefore: number): Refusal | undefined {
    const { overlay, effectsWriter } = this;
    assertMoneyConserved(overlay);
    const light = this.weightSince(effectsBefore);
    overlay.encodeTransaction(effectsWriter);
    const weight = light + effectsWriter.length - bytesBefore;
    if (weight > TRANSACTION_WEIGHT_MAX) return tooHeavy(weight);
    if (this.weight + weight > BLOCK_WEIGHT_MAX)
      return refuse('block_too_heavy', { weight: this.weight + weight, weightMax: BLOCK_WEIGHT_MAX });
    this.weight += weight;
    return undefined;
  }

  /** Everything about a transaction but its operations. */
  precheck(transaction: Identified): Refusal | undefined {
    const { groupId, nowMs } = this.context;
    return (
      wrongGroup(transaction, groupId) ??
      outsideWindow(transaction, nowMs) ??
      this.alreadyDone(transaction) ??
      this.alreadyReplaced(transaction)
    );
  }

  private isSealed(txId: Hex32, bytes?: Uint8Array): boolean {
    return this.spentHere.isSealed(txId) || this.environment.spent.isSealed(txId, bytes);
  }

  /** Whether a sealed transaction replaces this one of the same author. */
  private isReplaced(author: Hex32, txId: Hex32 | Uint8Array): boolean {
    if (!this.mayBeReplaced) return false;
    const id = replacedId(author, txId, this.environment.crypto.sha256);
    return this.spentHere.isReplaced(id) || this.environment.spent.isReplaced(id);
  }

  private alreadyDone({ author, txId, txIdBytes }: Identified): Refusal | undefined {
    if (this.isSealed(txId, txIdBytes)) return refuse('transaction_duplicate', { txId });
    return this.isReplaced(author, txIdBytes) ? refuse('transaction_replaced', { txId }) : undefined;
  }

  /** Whether the work of a transaction was done already, by the one that it replaces or by another that did. */
  private alreadyReplaced(transaction: Identified): Refusal | undefined {
    const { author, replaces } = transaction;
    if (replaces === undefined) return undefined;
    return this.isSealed(replaces) || this.isReplaced(author, replaces)
      ? refuse('transaction_replaced', { txId: replaces })
      : undefined;
  }

  private applyOperations(transaction: VerifiedTransaction, effectsBefore: number): Refusal | undefined {
    const { context } = this;
    const { operations } = transaction;
    context.author = transaction.author;
    context.txIdBytes = transaction.txIdBytes;
    let refusal = misplacedGenesis(operations, context.height);
    for (let at = 0; at < operations.length && refusal === undefined; at++) {
      const operation = operations[at]!;
      context.operationIndex = at;
      context.weighed += ITEM_WEIGHT;
      refusal = (RULES[operation.type] as Rule<Operation>)(operation, context);
      // Looked at after each, so that what is too heavy costs little more than what is not.
      const weight = this.weightSince(effectsBefore);
      if (weight > TRANSACTION_WEIGHT_MAX) refusal ??= tooHeavy(weight);
    }
    return refusal;
  }

  /** Ends the block and hands out everything it brought about. */
  close(): JudgedBlock {
    this.assertOpen();
    this.isOpen = false;
    return {
      writes: this.overlay.takeBlock(),
      effectsHash: this.environment.crypto.sha256(this.effectsWriter.bytesSince(0)),
      effects: this.context.effects,
      accepted: this.accepted,
      operationCount: this.operationCount,
      weight: this.weight,
    };
  }

  get transactionCount(): number {
    return this.accepted.length;
  }

  /** What has been done for this block so far, for what was refused as well. */
  get workDone(): number {
    return this.weight + this.refusedWeight;
  }
}

function tooHeavy(weight: number): Refusal {
  return refuse('transaction_too_heavy', { weight, weightMax: TRANSACTION_WEIGHT_MAX });
}

function wrongGroup(transaction: Identified, groupId: Hex32): Refusal | undefined {
  return transaction.groupId === groupId
    ? undefined
    : refuse('wrong_group', { expected: groupId, actual: transaction.groupId });
}

function outsideWindow(transaction: Identified, nowMs: number): Refusal | undefined {
  const { tsMs } = transaction;
  const earliestMs = nowMs - TRANSACTION_AGE_MS_MAX;
  if (tsMs < earliestMs) return refuse('transaction_expired', { tsMs, earliestMs });
  const latestMs = nowMs + TRANSACTION_LEAD_MS_MAX;
  return tsMs > latestMs ? refuse('transaction_from_future', { tsMs, latestMs }) : undefined;
}

/** Block 0 is one transaction with one operation, genesis; genesis is nowhere else. */
function misplacedGenesis(operations: readonly Operation[], height: number): Refusal | undefined {
  const isFounding = operations.length === 1 && operations[0]!.type === 'genesis';
  const hasGenesis = isFounding || operations.some((operation) => operation.type === 'genesis');
  return (height === 0) === isFounding && hasGenesis === isFounding
    ? undefined
    : refuse('genesis_misplaced', {});
}

/** Operations that a key without role and balance may have good reason to send. */
const OPEN_TO_STRANGERS: ReadonlySet<OperationType> = new Set<OperationType>([
  'genesis',
  'invite_accept',
  'task_release',
  'offer_revoke',
  'grant',
  'purchase_accept',
  'purchase_settle',
  'purchase_refund',
  'purchase_dispute',
]);

/**
 * Refuses a transaction whose author has nothing to do with the group: a cheap check before the dear one of
 * the signature. It is admission, not validity, since every rule checks roles by itself.
 */
export function unknownAuthor(
  base: StateBase,
  author: Hex32,
  operations: readonly Operation[],
): Refusal | undefined {
  if (base.get(memberTable, author)?.role !== undefined || base.get(balanceTable, author) !== undefined)
    return undefined;
  if (operations.some((operation) => OPEN_TO_STRANGERS.has(operation.type))) return undefined;
  return refuse('author_unknown', { author });
}
