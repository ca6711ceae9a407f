/**
 * What a caller can do next, in the terms of its own surface. Who reads it holds some of the operations and no shell:
 * a tool that was not offered, or a flag of the command line, would send an agent looking for what is not there.
 *
 * A step names operations in braces. Of the steps of one failure the first is said whose operations are all offered;
 * the last names none, so that there always is one.
 */
import type { RefusalCode } from '../../events/refusals.ts';
import type { ExitKind } from '../cli/exit-codes.ts';

/** Steps from the best to the one that is always there. */
export type Steps = readonly [string, ...string[]];
/** What an operation is called where the caller is; nothing where it is not offered. */
export type Names = (operation: string) => string | undefined;

/** All of them, under their own names. */
export const everyName: Names = (operation) => operation;

/** The first step that can be taken with what is offered. */
export function stepOf(steps: Steps, names: Names): string {
  const found = steps.find((step) => operationsIn(step).every((one) => names(one) !== undefined));
  return inNames(found ?? steps[steps.length - 1]!, names);
}

/** Of sentences those whose operations are all offered. */
export function sayable(sentences: readonly string[], names: Names): string[] {
  return sentences
    .filter((one) => operationsIn(one).every((operation) => names(operation) !== undefined))
    .map((one) => inNames(one, names));
}

function operationsIn(step: string): string[] {
  return Array.from(step.matchAll(/\{([a-z_]+)\}/g), ([, name]) => name!);
}

function inNames(step: string, names: Names): string {
  return step.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => names(name) ?? name);
}

const OTHER_COPY = 'ask the operator of the node to take the group from another copy of it';
const SIGN_ANEW = 'repeat the same call, which signs anew';
const REPORT = 'tell the operator of the node: its log says what happened';
const NOTHING_LEFT = 'there is nothing left to do';
const CLOCK = 'ask the operator of the node to set its clock right';
export const TRUST_CLOCK: Steps = [
  "look at the clock of the node's machine; if it is right, confirm it with {trust_clock} and try again",
  'ask the operator of the node to look at the clock of its machine, and to confirm it if it is right',
];
const MEMBERS: Steps = ['{list_members} shows who is a member', 'name somebody who is a member, by the key'];
const OTHER_CODE: Steps = ['ask an admin of the group for another code'];
const JOIN: Steps = [
  'ask an admin of the group to add your key, or join with {join_group} and a code',
  'ask an admin of the group to add your key',
];
const ADMIN: Steps = ['ask an admin of the group to do it'];
const POLICY: Steps = ['{group_info} shows the keys and values of the policy', 'leave that key out'];
const TASKS: Steps = ['{list_tasks} shows all tasks', 'name a task that is there'];
const FREE_TASKS: Steps = [
  '{next_task} takes a task that is free',
  '{list_tasks} with status pending shows the tasks that are free',
  'choose another task',
];
const CLAIMS: Steps = [
  '{get_recent_claims} and {compile_context} name claims',
  '{list_claims} shows the latest claims',
  'name a claim that is there',
];
const OFFERS: Steps = ['{list_offers} shows what is for sale', 'choose another offer'];
const PURCHASES: Steps = [
  '{list_purchases} shows the purchases, and what can be done with each',
  'name a purchase that is there',
];
const DELIVERED: Steps = ['{open_purchase} shows what was delivered', 'look at what was delivered'];

/** What to do about each refusal. Total: a new code does not compile without its steps. */
export const STEPS: Readonly<Record<RefusalCode, Steps>> = {
  block_malformed: [OTHER_COPY],
  block_wrong_group: [OTHER_COPY],
  block_height_gap: [OTHER_COPY],
  block_previous_mismatch: [OTHER_COPY],
  block_time_backwards: [OTHER_COPY],
  block_from_future: [CLOCK],
  block_wrong_sealer: [OTHER_COPY],
  block_transaction_count: [OTHER_COPY],
  block_history_root_mismatch: [OTHER_COPY],
  block_signature_invalid: [OTHER_COPY],
  block_transaction_root_mismatch: [OTHER_COPY],
  block_transaction_refused: [OTHER_COPY],
  block_effects_mismatch: [OTHER_COPY],
  block_too_heavy: [OTHER_COPY],

  transaction_too_large: ['shorten the texts, or split them into several calls'],
  transaction_too_heavy: ['split it into several calls, each of which changes less'],
  malformed: ['nothing was signed: correct it and try again'],
  wrong_group: ['name the group that is meant in group_id'],
  transaction_expired: [SIGN_ANEW],
  transaction_from_future: [CLOCK],
  transaction_duplicate: [NOTHING_LEFT],
  transaction_replaced: [NOTHING_LEFT],
  author_unknown: JOIN,
  artifact_missing: [SIGN_ANEW],
  signature_invalid: [REPORT],

  time_changed: ['look at the time of the group, and repeat the call with that'],
  time_not_ahead: [NOTHING_LEFT],

  fee_above_accepted: [
    '{group_info} shows the fee; repeat the call, which accepts the present one',
    'repeat the call, which accepts the present fee',
  ],
  hand_over_none: ['nobody was asked to take the sealing over: ask an admin of the group'],
  invite_orphaned: ['ask an admin of the group for another code'],
  terms_changed: [
    '{list_offers} and {group_info} show the present terms; repeat the call, which accepts them',
    'the terms of the group have changed: look at them, and repeat the call, which accepts them',
  ],

  genesis_misplaced: ['found another group with {create_group}', 'a group is founded once'],
  role_insufficient: ADMIN,
  amount_zero: ['name at least one token'],

  rules_version_unsupported: ['ask the operator of the node to install a newer version'],
  policy_empty: ['name at least one key to change', ...POLICY] as Steps,
  policy_key_unknown: POLICY,
  policy_value_invalid: POLICY,
  supply_cap_below_supply: ['name a cap that is at least the supply, or null for none'],

  member_unknown: MEMBERS,
  role_unchanged: [NOTHING_LEFT],
  last_admin: [
    'make somebody else an admin first with {add_member}',
    'have somebody else made an admin first',
  ],
  member_is_sealer: ['ask an admin to hand the sealing over to another admin first'],
  invite_exists: ['make another invite with {create_invite}', ...OTHER_CODE] as Steps,
  invite_unknown: OTHER_CODE,
  invite_uses_invalid: ['give max_uses at least 1'],
  invite_expired: OTHER_CODE,
  invite_revoked: OTHER_CODE,
  invite_used_up: OTHER_CODE,
  already_member: ['there is nothing to join: you are a member'],
  invite_proof_invalid: OTHER_CODE,
  profile_unchanged: [NOTHING_LEFT],
  sealer_count: ['name one admin'],
  sealer_not_admin: ['name somebody who is an admin'],
  sealers_unchanged: [NOTHING_LEFT],

  task_exists: ['choose another task_id, or leave it out'],
  task_unknown: TASKS,
  lease_out_of_range: ['give lease_ms from 1000 (a second) to 2592000000 (30 days), or leave it out'],
  not_task_creator: ['ask the creator of the task, or an admin of the group'],
  task_attempt_stale: [
    'somebody else has the task by now, and this work does not count; {next_task} finds another',
    'somebody else has the task by now, and this work does not count',
  ],
  task_state: FREE_TASKS,
  not_task_assignee: [
    'only its assignee may do this; {next_task} finds you another task',
    'only its assignee may do this',
  ],
  assignee_unchanged: [
    'it goes on with {start_task}, called by the assignee',
    'it goes on when the assignee starts it',
  ],
  assignee_unable: MEMBERS,
  assignee_overloaded: ['end some of the open tasks first, or choose somebody else'],
  lease_running: ['wait until the lease has run out, or ask the assignee to release it'],

  artifact_known: ['the group knows exactly this already, so there is nothing to publish'],
  claim_unknown: CLAIMS,
  reference_unknown: CLAIMS,
  not_claim_author: ['ask the author of the claim, or an admin of the group'],
  claim_retracted: [NOTHING_LEFT],
  claim_not_retracted: ['there is nothing to take back'],

  metadata_invalid: ['give metadata as a JSON object, such as {"task": "t-1"}'],
  presence_unchanged: [NOTHING_LEFT],

  split_sum: ['make the shares 10000 in all, which is 100 %'],
  royalty_sum: ['lower the royalties to the parents'],
  offer_expiry_past: ['give expires_ms a time to come, or leave it out'],
  offer_unknown: OFFERS,
  not_seller: ['only the seller of the offer may do this'],
  offer_revoked: OFFERS,
  offer_expired: OFFERS,
  own_offer: OFFERS,
  price_mismatch: OFFERS,
  purchase_open: [
    '{purchase_offer} goes on with the purchase, and never pays twice',
    'the purchase goes on by itself; wait for its end',
  ],
  purchase_unknown: PURCHASES,
  not_buyer: ['only the buyer may do this'],
  purchase_state: PURCHASES,
  grant_window_closed: [
    'the buyer may take the money back with {refund_purchase}, and buy again',
    'the buyer may take the money back, and buy again',
  ],
  grant_window_open: ['wait for the seller, or until that time is over'],
  dispute_window_open: ['wait until that time is over, or for the buyer to accept'],
  dispute_window_closed: [
    'it can only be paid out now, with {accept_purchase} or {settle_purchase}',
    'it can only be paid out now',
  ],
  dispute_secret_mismatch: ['dispute it from the node that bought it, which keeps the secret'],
  dispute_unfounded: DELIVERED,

  transfer_to_self: ['name somebody else in to'],
  balance_too_low: [
    'name less, or earn more first: tasks and claims are rewarded; {get_balance} shows what you have',
    'name less, or earn more first: tasks and claims are rewarded',
  ],
  treasury_too_low: ['name less; {get_balance} shows the treasury', 'name a smaller amount'],
  supply_cap_exceeded: ['name less, or ask an admin to raise max_total_supply'],
  account_cap_exceeded: ['name less, or ask an admin to raise max_account_balance'],
};

/** What to do where something that was named is not there, by the parameter that names it. */
const STEPS_OF_PARAMETER: Readonly<Record<string, Steps>> = {
  task_id: TASKS,
  claim_id: CLAIMS,
  parent_hash: CLAIMS,
  artifact: CLAIMS,
  evidence: CLAIMS,
  result: CLAIMS,
  offer_id: OFFERS,
  purchase_id: PURCHASES,
  member: MEMBERS,
  assignee: MEMBERS,
  to: MEMBERS,
  invite_id: ['ask the admin who made the invite for its id'],
  tx_id: ['{list_events} reads the log', 'name a transaction that is there'],
  code: OTHER_CODE,
  group_id: ['{list_groups} shows the groups', 'leave group_id out, or name a group of this node'],
};

/** What to do about failures that are no refusals of the rules, where the code alone says it. */
const STEPS_OF_CODE: Readonly<Partial<Record<string, Steps>>> = {
  ambiguous_id: ['give more digits of the id: details.candidates has those that fit'],
  identity_required: ['ask the operator of the node for a token or an identity that may write'],
  idempotency_key_reused: ['send this call under another key'],
  already_done: ['look at what came of it; it is not done again under this key'],
  outcome_unknown: ['look whether it was done; if not, send the call under another key'],
  pending: ['do not repeat it: the node keeps it, and sends it as soon as the sealer is reached'],
  clock_jumped: TRUST_CLOCK,
  clock_uncertain: TRUST_CLOCK,
  network_stopped: ['ask the operator of the node to start it with its network'],
  history_incomplete: ['ask again later: the history of the group is still being fetched'],
  views_busy: ['ask again in a moment'],
  cancelled: ['call it again if the result is still wanted'],
  node_locked: ['ask the operator of the node to start it with the password of its keys'],
};

const STEPS_OF_KIND: Readonly<Record<ExitKind, Steps>> = {
  ok: [NOTHING_LEFT],
  bug: ['try once more; the log of the node says what happened'],
  usage: ['correct the parameters and call it again'],
  notFound: ['name something that is there'],
  refused: ['look at the state it is in, and try again when that has changed'],
  forbidden: ['ask the operator of the node'],
  unreachable: ['try again later: a peer cannot be reached'],
  environment: ['try again later, and tell the operator of the node if it stays like this'],
  interrupted: ['call it again if the result is still wanted'],
};

/** What to do about a failure that is no refusal. @param parameters those of the operation that failed */
export function stepsOf(
  { code, kind }: { readonly code: string; readonly kind: ExitKind },
  parameters: readonly string[],
): Steps {
  const known = Object.hasOwn(STEPS_OF_CODE, code) ? STEPS_OF_CODE[code] : undefined;
  if (known !== undefined) return known;
  const named = parameters.find((one) => Object.hasOwn(STEPS_OF_PARAMETER, one) && one !== 'group_id');
  if (kind === 'notFound') return STEPS_OF_PARAMETER[named ?? 'group_id']!;
  return STEPS_OF_KIND[kind];
}

/** Operations that go by another name than the verb of the command line that does the same. */
const OPERATION_OF_VERB: Readonly<Record<string, string>> = {
  'add-member': 'add_member',
  balance: 'get_balance',
  grant: 'grant_purchase',
  join: 'join_group',
  members: 'list_members',
  'progress-task': 'report_progress',
  purchases: 'list_purchases',
  'recent-claims': 'get_recent_claims',
  'show-task': 'get_task',
  'take-task': 'start_task',
};

/** A verb of `lb` as an operation, where there is one. */
export function operationOfVerb(verb: string, isOperation: (name: string) => boolean): string | undefined {
  const name = OPERATION_OF_VERB[verb] ?? verb.replaceAll('-', '_');
  return isOperation(name) ? name : undefined;
}

/**
 * A sentence that was written for the command line, in the terms of the caller. What speaks of flags, of verbs that no
 * operation does, or of operations that are not offered is left out, clause by clause.
 */
export function inTermsOf(text: string, names: Names, isOperation: (name: string) => boolean): string {
  const clauses = text.split(/; (?=\S)/).flatMap((clause, at) => {
    const said = clauseInTermsOf(clause, names, isOperation);
    // What happened is always said, if need be without the advice in it.
    return said === undefined && at === 0 ? [withoutAdvice(clause)] : said === undefined ? [] : [said];
  });
  return clauses.join('; ');
}

const VERB = /\blb ([a-z]+(?:-[a-z]+)*)/g;
const FLAG = /(?<=^|[\s(])--[a-z]+/;

function clauseInTermsOf(
  clause: string,
  names: Names,
  isOperation: (name: string) => boolean,
): string | undefined {
  if (FLAG.test(clause)) return undefined;
  let isOffered = true;
  const named = (operation: string | undefined): string => {
    const name = operation === undefined ? undefined : names(operation);
    if (name === undefined) isOffered = false;
    return name ?? '';
  };
  const said = clause
    .replaceAll(/\b[a-z]+(?:_[a-z]+)+\b/g, (word) => (isOperation(word) ? named(word) : word))
    .replaceAll(VERB, (_, verb: string) => named(operationOfVerb(verb, isOperation)));
  return isOffered ? said : undefined;
}

/** A clause without the verbs and flags in it, and what leads to them. */
function withoutAdvice(clause: string): string {
  return clause
    .replaceAll(/,? \([^()]*(?:\blb [a-z]|--[a-z])[^()]*\)/g, '')
    .replaceAll(/(?:,? (?:or|and))? [a-z]+(?: it)? with:? lb [a-z-]+.*$/g, '')
    .replaceAll(/\blb ([a-z]+(?:-[a-z]+)*)/g, 'the verb $1 of the node')
    .replaceAll(/(?<=^|[\s(])--([a-z]+(?:-[a-z]+)*)/g, (_, flag: string) => flag.replaceAll('-', '_'));
}
