/**
 * Effects: the facts that judging an operation brought about, in the order in which they came about.
 *
 * They are what receipts list, what the bus carries and what subscribers see. They follow from the log alone,
 * so replay makes the same ones; they are kept beside the block so that a stream can resume without judging.
 * Every value is structured-cloneable, and absent fields are left out.
 */
import type { Hex32 } from './bytes.ts';
import type { Policy } from './operations/group.ts';

export type Role = 'viewer' | 'member' | 'admin';
export type PresenceStatus = 'active' | 'idle' | 'busy' | 'offline';
export type TaskStatus = 'pending' | 'assigned' | 'in_progress' | 'completed' | 'failed' | 'cancelled';
export type PurchaseStatus = 'escrowed' | 'granted' | 'settled' | 'refunded' | 'disputed';
export type RewardSource = 'faucet' | 'claim' | 'task';
/** Why a reward, or a part of it, was not made: a cap stood in the way, or who promised it is no admin any more. */
export type SkipReason = 'supply_cap' | 'account_cap' | 'promise_void';

export type Effect =
  | { kind: 'group.created'; name: string; currency: string; creator: Hex32; policy: Policy }
  | { kind: 'rules.upgraded'; version: number }
  | { kind: 'policy.changed'; policy: Policy }
  | { kind: 'time.corrected'; fromMs: number; toMs: number; by: Hex32 }
  | { kind: 'member.changed'; member: Hex32; role: Role | 'none'; invite?: Hex32 }
  | { kind: 'invite.changed'; invite: Hex32; status: 'open' | 'revoked' }
  | { kind: 'profile.changed'; member: Hex32; name: string }
  | { kind: 'sealers.proposed'; sealers: readonly Hex32[]; by: Hex32 }
  | { kind: 'sealers.changed'; sealers: readonly Hex32[] }
  | { kind: 'tokens.minted'; to: Hex32; amount: bigint }
  | { kind: 'tokens.transferred'; from: Hex32; to: Hex32; amount: bigint; fee: bigint }
  | { kind: 'treasury.spent'; to: Hex32; amount: bigint }
  | { kind: 'reward.paid'; source: RewardSource; to: Hex32; amount: bigint }
  | { kind: 'reward.skipped'; source: RewardSource; to: Hex32; amount: bigint; because: SkipReason }
  | { kind: 'reward.to_treasury'; task: string; to: Hex32; amount: bigint }
  | {
      kind: 'claim.published';
      claim: Hex32;
      author: Hex32;
      parent?: Hex32;
      evidence: readonly Hex32[];
      tags: readonly string[];
    }
  | { kind: 'claim.retracted'; claim: Hex32; by: Hex32; reason?: string }
  | { kind: 'claim.reinstated'; claim: Hex32; by: Hex32; reason?: string }
  | { kind: 'experience.recorded'; artifact: Hex32; author: Hex32 }
  | {
      kind: 'task.changed';
      task: string;
      event: 'create' | 'assign' | 'start' | 'progress' | 'complete' | 'fail' | 'release' | 'cancel';
      status: TaskStatus;
      attempt: number;
      by: Hex32;
      assignee?: Hex32;
      leaseUntilMs?: number;
      note?: string;
      result?: Hex32;
      reward?: bigint;
      rewardFrom?: 'mint' | 'escrow';
    }
  | { kind: 'reward.returned'; task: string; to: Hex32; amount: bigint }
  | { kind: 'presence.changed'; member: Hex32; status: PresenceStatus; metadata?: string }
  | { kind: 'offer.created'; offer: Hex32; seller: Hex32; title: string; price: bigint }
  | { kind: 'offer.revoked'; offer: Hex32; by: Hex32 }
  | {
      kind: 'purchase.changed';
      purchase: Hex32;
      offer: Hex32;
      buyer: Hex32;
      status: PurchaseStatus;
      amount: bigint;
    }
  | { kind: 'payout.made'; purchase: Hex32; to: Hex32; amount: bigint; as: 'royalty' | 'split' }
  | { kind: 'payout.to_treasury'; purchase: Hex32; amount: bigint; because: 'cap' | 'dust' }
  | { kind: 'seller.marked'; seller: Hex32; purchase: Hex32; disputesLost: number };

export type EffectKind = Effect['kind'];

/** An effect with the place of its cause: transaction and operation within the block. */
export interface PlacedEffect {
  readonly transaction: number;
  readonly operation: number;
  readonly effect: Effect;
}
