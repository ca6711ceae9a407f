/**
 * Refusals on the wire: `[code, payload record]`, so that a refusal crosses the network as its code and payload.
 *
 * The code travels as its text, which never changes. The table is total by type: a code without its fields does
 * not compile. Whoever meets a code that it does not know (a newer node's) gets a `MalformedError`.
 */
import type { Codec } from './codec.ts';
import { id, MAX_TOKEN, milliseconds, oneOf, optional, record, text } from './fields.ts';
import { MalformedError, type Reader } from './reader.ts';
import type { Refusal, RefusalCode, RefusalPayloads } from './refusals.ts';
import type { Writer } from './writer.ts';

const CODE_BYTES_MAX = 64;
/** A refused transaction in a refused block; deeper does not exist. */
const DEPTH_MAX = 2;

const count = milliseconds;
const words = text({ maxBytes: 4_096 });
const role = oneOf('viewer', 'member', 'admin');
const roleOrNone = oneOf('viewer', 'member', 'admin', 'none');

/** What a sum would have been: it may lie above the greatest amount that an account can hold. */
const tokens: Codec<bigint> = {
  describe: { kind: 'amount' },
  write: (writer, value) => writer.bigUint(value),
  read: (reader) => reader.bigUint(2n * MAX_TOKEN),
  check: () => {},
};

let depth = 0;
const nested: Codec<Refusal> = {
  describe: { kind: 'record', fields: [] },
  write: (writer, value) => writeRefusal(writer, value),
  read: (reader) => {
    if (depth >= DEPTH_MAX) reader.fail('expected a refusal that is not nested again');
    depth++;
    try {
      return readRefusal(reader);
    } finally {
      depth--;
    }
  },
  check: () => {},
};

const FIELDS: { readonly [C in RefusalCode]: Readonly<Record<keyof RefusalPayloads[C], Codec<unknown>>> } = {
  block_malformed: { what: words },
  block_wrong_group: { expected: id, actual: id },
  block_height_gap: { expected: count, actual: count },
  block_previous_mismatch: { expected: id, actual: id },
  block_time_backwards: { previousMs: count, tsMs: count },
  block_from_future: { tsMs: count, latestMs: count },
  block_wrong_sealer: { sealer: id },
  block_transaction_count: { declared: count, actual: count },
  block_history_root_mismatch: { expected: id, actual: id },
  block_signature_invalid: { sealer: id },
  block_transaction_root_mismatch: { expected: id, actual: id },
  block_transaction_refused: { index: count, txId: optional(id), refusal: nested },
  block_too_heavy: { weight: count, weightMax: count },
  block_effects_mismatch: { expected: id, actual: id },
  transaction_too_large: { bytes: count, bytesMax: count },
  malformed: { what: words },
  wrong_group: { expected: id, actual: id },
  transaction_expired: { tsMs: count, earliestMs: count },
  transaction_from_future: { tsMs: count, latestMs: count },
  transaction_duplicate: { txId: id },
  transaction_replaced: { txId: id },
  author_unknown: { author: id },
  artifact_missing: { artifact: id },
  signature_invalid: { author: id },
  genesis_misplaced: {},
  role_insufficient: { needed: role, actual: roleOrNone },
  amount_zero: {},
  rules_version_unsupported: { version: count },
  time_changed: { expectedMs: count, actualMs: count },
  time_not_ahead: { groupMs: count, nowMs: count },
  policy_empty: {},
  policy_key_unknown: { key: words },
  policy_value_invalid: { key: words, expected: words },
  supply_cap_below_supply: { cap: tokens, supply: tokens },
  member_unknown: { member: id },
  role_unchanged: { member: id, role },
  last_admin: { member: id },
  member_is_sealer: { member: id },
  invite_exists: { invite: id },
  invite_unknown: { invite: id },
  invite_uses_invalid: { maxUses: count },
  invite_expired: { invite: id, expiresMs: count },
  invite_revoked: { invite: id },
  invite_used_up: { invite: id, maxUses: count },
  invite_orphaned: { invite: id, createdBy: id },
  already_member: { member: id, role },
  invite_proof_invalid: { invite: id },
  profile_unchanged: {},
  sealer_count: { count, min: count, max: count },
  sealer_not_admin: { sealer: id },
  sealers_unchanged: {},
  hand_over_none: { sealer: id },
  task_exists: { task: words },
  task_unknown: { task: words },
  lease_out_of_range: { leaseMs: count, min: count, max: count },
  not_task_creator: { task: words, creator: id },
  task_attempt_stale: { task: words, attempt: count, current: count },
  task_state: { task: words, status: words, event: words },
  not_task_assignee: { task: words, assignee: optional(id) },
  assignee_unchanged: { task: words, assignee: id },
  assignee_unable: { assignee: id },
  assignee_overloaded: { assignee: id, max: count },
  lease_running: { task: words, untilMs: optional(count) },
  artifact_known: { artifact: id },
  claim_unknown: { claim: id },
  reference_unknown: { reference: id },
  not_claim_author: { claim: id, author: id },
  claim_retracted: { claim: id },
  claim_not_retracted: { claim: id },
  metadata_invalid: {},
  presence_unchanged: {},
  split_sum: { sum: count },
  royalty_sum: { sum: count, max: count },
  offer_expiry_past: { expiresMs: count, nowMs: count },
  offer_unknown: { offer: id },
  not_seller: { seller: id },
  offer_revoked: { offer: id },
  offer_expired: { offer: id, expiresMs: count },
  own_offer: { offer: id },
  price_mismatch: { price: tokens, amount: tokens },
  terms_changed: { grantWindowMs: count, disputeWindowMs: count },
  purchase_open: { purchase: id },
  purchase_unknown: { purchase: id },
  not_buyer: { buyer: id },
  purchase_state: { purchase: id, status: words, event: words },
  grant_window_closed: { purchase: id, untilMs: count },
  grant_window_open: { purchase: id, untilMs: count },
  dispute_window_open: { purchase: id, untilMs: count },
  dispute_window_closed: { purchase: id, untilMs: count },
  dispute_secret_mismatch: { purchase: id },
  dispute_unfounded: { purchase: id },
  transfer_to_self: {},
  fee_above_accepted: { fee: tokens, feeMax: tokens },
  balance_too_low: { account: id, balance: tokens, needed: tokens },
  treasury_too_low: { treasury: tokens, needed: tokens },
  supply_cap_exceeded: { supply: tokens, amount: tokens, cap: tokens },
  account_cap_exceeded: { account: id, balance: tokens, amount: tokens, cap: tokens },
  transaction_too_heavy: { weight: count, weightMax: count },
};

const CODECS = new Map(Object.entries(FIELDS).map(([code, fields]) => [code, record(fields)]));

function writeRefusal(writer: Writer, refusal: Refusal): void {
  const { code, ...payload } = refusal;
  writer.arrayHeader(2);
  writer.text(code);
  CODECS.get(code)!.write(writer, payload);
}

function readRefusal(reader: Reader): Refusal {
  reader.expectArray(2);
  const code = reader.text(CODE_BYTES_MAX);
  const codec = CODECS.get(code);
  if (codec === undefined) throw new MalformedError(`there is no refusal "${code}" in this version`);
  return { code, ...codec.read(reader) } as unknown as Refusal;
}

/** A refusal as `[code, payload]`. */
export const refusalCodec: Codec<Refusal> = nested;
