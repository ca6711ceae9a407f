/**
 * Refusals: what the rules say no to, and why. A closed list of codes, each with its payload and one line.
 *
 * A refusal is a value, never an exception. It crosses threads, processes and the network as its code and
 * payload. Checks are made in the order written here, so that every node gives the same reason. Two tables
 * are total by type, so that a code without a meaning or without a word on blame does not compile.
 */
import type { Hex32 } from './bytes.ts';

type Role = 'viewer' | 'member' | 'admin';

export interface RefusalPayloads {
  // A block, as a follower judges it.
  block_malformed: { what: string };
  block_wrong_group: { expected: Hex32; actual: Hex32 };
  block_height_gap: { expected: number; actual: number };
  block_previous_mismatch: { expected: Hex32; actual: Hex32 };
  block_time_backwards: { previousMs: number; tsMs: number };
  block_from_future: { tsMs: number; latestMs: number };
  block_wrong_sealer: { sealer: Hex32 };
  block_transaction_count: { declared: number; actual: number };
  block_history_root_mismatch: { expected: Hex32; actual: Hex32 };
  block_signature_invalid: { sealer: Hex32 };
  block_transaction_root_mismatch: { expected: Hex32; actual: Hex32 };
  block_transaction_refused: { index: number; txId: Hex32 | undefined; refusal: Refusal };
  block_too_heavy: { weight: number; weightMax: number };
  block_effects_mismatch: { expected: Hex32; actual: Hex32 };

  // A transaction, before its operations.
  transaction_too_large: { bytes: number; bytesMax: number };
  malformed: { what: string };
  wrong_group: { expected: Hex32; actual: Hex32 };
  transaction_expired: { tsMs: number; earliestMs: number };
  transaction_from_future: { tsMs: number; latestMs: number };
  transaction_duplicate: { txId: Hex32 };
  transaction_replaced: { txId: Hex32 };
  author_unknown: { author: Hex32 };
  artifact_missing: { artifact: Hex32 };
  signature_invalid: { author: Hex32 };

  // Any operation.
  genesis_misplaced: Record<never, never>;
  role_insufficient: { needed: Role; actual: Role | 'none' };
  amount_zero: Record<never, never>;

  // The group.
  rules_version_unsupported: { version: number };
  policy_empty: Record<never, never>;
  policy_key_unknown: { key: string };
  policy_value_invalid: { key: string; expected: string };
  supply_cap_below_supply: { cap: bigint; supply: bigint };
  time_changed: { expectedMs: number; actualMs: number };
  time_not_ahead: { groupMs: number; nowMs: number };

  // Membership.
  member_unknown: { member: Hex32 };
  role_unchanged: { member: Hex32; role: Role };
  last_admin: { member: Hex32 };
  member_is_sealer: { member: Hex32 };
  invite_exists: { invite: Hex32 };
  invite_unknown: { invite: Hex32 };
  invite_uses_invalid: { maxUses: number };
  invite_expired: { invite: Hex32; expiresMs: number };
  invite_revoked: { invite: Hex32 };
  invite_used_up: { invite: Hex32; maxUses: number };
  invite_orphaned: { invite: Hex32; createdBy: Hex32 };
  already_member: { member: Hex32; role: Role };
  invite_proof_invalid: { invite: Hex32 };
  profile_unchanged: Record<never, never>;
  sealer_count: { count: number; min: number; max: number };
  sealer_not_admin: { sealer: Hex32 };
  sealers_unchanged: Record<never, never>;
  hand_over_none: { sealer: Hex32 };

  // Tasks.
  task_exists: { task: string };
  task_unknown: { task: string };
  lease_out_of_range: { leaseMs: number; min: number; max: number };
  not_task_creator: { task: string; creator: Hex32 };
  task_attempt_stale: { task: string; attempt: number; current: number };
  task_state: { task: string; status: string; event: string };
  not_task_assignee: { task: string; assignee: Hex32 | undefined };
  assignee_unchanged: { task: string; assignee: Hex32 };
  assignee_unable: { assignee: Hex32 };
  assignee_overloaded: { assignee: Hex32; max: number };
  lease_running: { task: string; untilMs: number | undefined };

  // Knowledge.
  artifact_known: { artifact: Hex32 };
  claim_unknown: { claim: Hex32 };
  reference_unknown: { reference: Hex32 };
  not_claim_author: { claim: Hex32; author: Hex32 };
  claim_retracted: { claim: Hex32 };
  claim_not_retracted: { claim: Hex32 };

  // Presence.
  metadata_invalid: Record<never, never>;
  presence_unchanged: Record<never, never>;

  // Market.
  split_sum: { sum: number };
  royalty_sum: { sum: number; max: number };
  offer_expiry_past: { expiresMs: number; nowMs: number };
  offer_unknown: { offer: Hex32 };
  not_seller: { seller: Hex32 };
  offer_revoked: { offer: Hex32 };
  offer_expired: { offer: Hex32; expiresMs: number };
  own_offer: { offer: Hex32 };
  price_mismatch: { price: bigint; amount: bigint };
  terms_changed: { grantWindowMs: number; disputeWindowMs: number };
  purchase_open: { purchase: Hex32 };
  purchase_unknown: { purchase: Hex32 };
  not_buyer: { buyer: Hex32 };
  purchase_state: { purchase: Hex32; status: string; event: string };
  grant_window_closed: { purchase: Hex32; untilMs: number };
  grant_window_open: { purchase: Hex32; untilMs: number };
  dispute_window_open: { purchase: Hex32; untilMs: number };
  dispute_window_closed: { purchase: Hex32; untilMs: number };
  dispute_secret_mismatch: { purchase: Hex32 };
  dispute_unfounded: { purchase: Hex32 };

  // Tokens: last, since money is counted when all else fits.
  transfer_to_self: Record<never, never>;
  fee_above_accepted: { fee: bigint; feeMax: bigint };
  balance_too_low: { account: Hex32; balance: bigint; needed: bigint };
  treasury_too_low: { treasury: bigint; needed: bigint };
  supply_cap_exceeded: { supply: bigint; amount: bigint; cap: bigint };
  account_cap_exceeded: { account: Hex32; balance: bigint; amount: bigint; cap: bigint };

  // A transaction, after its operations.
  transaction_too_heavy: { weight: number; weightMax: number };
}

export type RefusalCode = keyof RefusalPayloads;
export type Refusal = {
  [C in RefusalCode]: { readonly code: C } & Readonly<RefusalPayloads[C]>;
}[RefusalCode];
export type RefusalOf<C extends RefusalCode> = Extract<Refusal, { code: C }>;

/** Makes a refusal. */
export function refuse<C extends RefusalCode>(code: C, payload: RefusalPayloads[C]): RefusalOf<C> {
  return { code, ...payload } as unknown as RefusalOf<C>;
}

/**
 * Whom a refusal blames when it comes from a peer: `sender`, when an honest node cannot have sent it (it had
 * all it needed to know better); `nobody`, when honest nodes may differ for a while (clocks, lag, races).
 */
type Blame = 'sender' | 'nobody';

/** One line per code: what it means, and whom it blames. */
export const REFUSALS: { readonly [C in RefusalCode]: readonly [meaning: string, blame: Blame] } = {
  block_malformed: ['The bytes are not a block in its one encoding, or the block is too large.', 'sender'],
  block_wrong_group: ['The block belongs to another group.', 'sender'],
  block_height_gap: ['The block is not the next one.', 'nobody'],
  block_previous_mismatch: ['The block does not follow the block before it.', 'sender'],
  block_time_backwards: ["The block's time lies before the previous block's.", 'sender'],
  block_from_future: ['A live block is ahead of the local clock and is held until its time.', 'nobody'],
  block_wrong_sealer: ['The block was sealed by a key that may not seal.', 'sender'],
  block_transaction_count: ['The header counts other transactions than the block holds.', 'sender'],
  block_history_root_mismatch: ['The header commits to another history.', 'sender'],
  block_signature_invalid: ["The sealer's signature does not hold.", 'sender'],
  block_transaction_root_mismatch: ['The header commits to other transactions.', 'sender'],
  block_transaction_refused: ['A transaction in the block is not valid.', 'sender'],
  block_too_heavy: ['The transactions of the block weigh more than allowed together.', 'sender'],
  block_effects_mismatch: ['Judging the block gives other state writes than its header says.', 'sender'],

  transaction_too_large: ['The transaction exceeds the size limit.', 'sender'],
  malformed: ['The bytes are not a transaction in its one encoding, or a field is out of bounds.', 'sender'],
  wrong_group: ['The transaction was signed for another group.', 'sender'],
  transaction_expired: ['The transaction is older than its window of 24 hours.', 'nobody'],
  transaction_from_future: ['The transaction is dated more than 5 minutes ahead.', 'nobody'],
  transaction_duplicate: ['The transaction has been accepted before.', 'nobody'],
  transaction_replaced: [
    'The transaction, or the one it replaces, was done by another one already.',
    'nobody',
  ],
  author_unknown: ['The author is neither member nor holder of a balance, and accepts no invite.', 'nobody'],
  artifact_missing: ['The bytes of the artifact did not come with the transaction.', 'nobody'],
  signature_invalid: ["The author's signature does not hold.", 'sender'],

  genesis_misplaced: ['Genesis stands alone in block 0 and nowhere else.', 'sender'],
  role_insufficient: ["The author's role does not allow this.", 'nobody'],
  amount_zero: ['The amount must be at least one token.', 'sender'],

  rules_version_unsupported: ['This software does not know that version of the rules.', 'nobody'],
  policy_empty: ['A policy change must change something.', 'sender'],
  policy_key_unknown: ['The policy has no such key.', 'sender'],
  policy_value_invalid: ['The value does not fit the policy key.', 'sender'],
  supply_cap_below_supply: ['The supply cap would lie below the supply.', 'nobody'],
  time_changed: ["The correction names another time than the last block's.", 'nobody'],
  time_not_ahead: ["The group's time is not ahead, or the correction does not stand alone.", 'nobody'],

  member_unknown: ['There is no such member.', 'nobody'],
  role_unchanged: ['The member has this role already.', 'nobody'],
  last_admin: ['The last admin cannot be removed or demoted.', 'nobody'],
  member_is_sealer: ['The sealer must stay an admin; hand the sealing over first.', 'nobody'],
  invite_exists: ['The invite key has been used for an invite before.', 'nobody'],
  invite_unknown: ['There is no such invite.', 'nobody'],
  invite_uses_invalid: ['An invite must be usable at least once.', 'sender'],
  invite_expired: ['The invite has expired.', 'nobody'],
  invite_revoked: ['The invite was revoked.', 'nobody'],
  invite_used_up: ['The invite has been used as often as it may be.', 'nobody'],
  invite_orphaned: ['Whoever opened the invite is no admin any more.', 'nobody'],
  already_member: ['The author is a member already.', 'nobody'],
  invite_proof_invalid: ['The proof was not made with the invite key for this group and joiner.', 'sender'],
  profile_unchanged: ['The name is the present one.', 'nobody'],
  sealer_count: ['The number of sealers is not allowed.', 'sender'],
  sealer_not_admin: ['A sealer must be an admin.', 'nobody'],
  sealers_unchanged: ['The sealers are the present ones, or those who are proposed already.', 'nobody'],
  hand_over_none: ['Nobody has proposed the author as the sealer.', 'nobody'],

  task_exists: ['The task id is taken.', 'nobody'],
  task_unknown: ['There is no such task.', 'nobody'],
  lease_out_of_range: ['The lease is too short or too long.', 'sender'],
  not_task_creator: ["Only the task's creator or an admin may do this.", 'nobody'],
  task_attempt_stale: ['The operation belongs to an earlier attempt.', 'nobody'],
  task_state: ["The task's state does not allow this.", 'nobody'],
  not_task_assignee: ["Only the task's assignee may do this.", 'nobody'],
  assignee_unchanged: ['The task is assigned to this member already.', 'nobody'],
  assignee_unable: ['The assignee is not a member who may act.', 'nobody'],
  assignee_overloaded: ['The assignee holds as many open tasks as allowed.', 'nobody'],
  lease_running: ['The task is not the author’s, and it has no lease that has run out.', 'nobody'],

  artifact_known: ['The artifact is in the group already.', 'nobody'],
  claim_unknown: ['There is no such claim.', 'nobody'],
  reference_unknown: ['There is no such claim or artifact in the group.', 'nobody'],
  not_claim_author: ["Only the claim's author or an admin may do this.", 'nobody'],
  claim_retracted: ['The claim is retracted already.', 'nobody'],
  claim_not_retracted: ['The claim is not retracted.', 'nobody'],

  metadata_invalid: ['The metadata is not a JSON object.', 'sender'],
  presence_unchanged: ['Status and metadata are the present ones.', 'nobody'],

  split_sum: ['The splits must sum to exactly 10,000 basis points.', 'sender'],
  royalty_sum: ['The royalties sum to more than allowed.', 'sender'],
  offer_expiry_past: ['The offer would expire at once.', 'nobody'],
  offer_unknown: ['There is no such offer.', 'nobody'],
  not_seller: ['Only the seller may do this.', 'nobody'],
  offer_revoked: ['The offer was revoked.', 'nobody'],
  offer_expired: ['The offer has expired.', 'nobody'],
  own_offer: ['Sellers cannot buy their own offers.', 'sender'],
  price_mismatch: ['The amount is not the price.', 'nobody'],
  terms_changed: ['The windows are not those that the buyer agreed to.', 'nobody'],
  purchase_open: ['The buyer has an open purchase of this offer.', 'nobody'],
  purchase_unknown: ['There is no such purchase.', 'nobody'],
  not_buyer: ['Only the buyer may do this.', 'nobody'],
  purchase_state: ["The purchase's state does not allow this.", 'nobody'],
  grant_window_closed: ['The time for granting is over.', 'nobody'],
  grant_window_open: ['The seller still has time to grant.', 'nobody'],
  dispute_window_open: ['The buyer still has time to dispute.', 'nobody'],
  dispute_window_closed: ['The time for a dispute is over.', 'nobody'],
  dispute_secret_mismatch: ["The secret does not belong to the purchase's key.", 'sender'],
  dispute_unfounded: ['The sealed key opens and is the right one.', 'nobody'],

  transfer_to_self: ['A transfer to oneself is not allowed.', 'sender'],
  fee_above_accepted: ['The fee is higher than the author agreed to.', 'nobody'],
  balance_too_low: ['The balance is too low.', 'nobody'],
  treasury_too_low: ['The treasury holds too little.', 'nobody'],
  supply_cap_exceeded: ['The total supply would exceed its cap.', 'nobody'],
  account_cap_exceeded: ["The account's balance would exceed the cap.", 'nobody'],

  transaction_too_heavy: ['Judging the transaction costs more than one may cost.', 'nobody'],
};

/** All codes in the order in which they are checked. */
export const REFUSAL_CODES = Object.keys(REFUSALS) as readonly RefusalCode[];

/** Whether an honest peer cannot have sent what was refused with this. */
export function blamesSender(refusal: Refusal): boolean {
  // An honest peer may follow rules that this software is too old to know.
  if (refusal.code === 'block_transaction_refused' && refusal.refusal.code === 'rules_version_unsupported')
    return false;
  return REFUSALS[refusal.code][1] === 'sender';
}

/** A line for people: the meaning, then the payload. */
export function describeRefusal(refusal: Refusal): string {
  const { code, ...payload } = refusal;
  const meaning = REFUSALS[code][0];
  const details = Object.entries(payload)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${describeValue(value)}`);
  return details.length === 0 ? meaning : `${meaning} (${details.join(', ')})`;
}

function describeValue(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'code' in value)
    return describeRefusal(value as Refusal);
  return String(value);
}
