/** Words for what the rules of the group, its members and its money say no to. */
import { MAX_TOKEN } from '../../../events/fields.ts';
import { BASIS_POINTS } from '../../../events/limits.ts';
import type { PolicyKey } from '../../../events/operations/group.ts';
import { policyTakes } from '../policy.ts';
import { count, shortId, withArticle } from '../text.ts';
import { moment, type Say, type SomeWords, signer } from './say.ts';

const SHOW_POLICY = 'lb policy shows all keys and values';
const WHO_IS_WHO = 'lb members shows who is who';
const NEW_CODE = 'ask an admin for another one, made with: lb invite create';

export const groupWords = {
  genesis_misplaced: () => ['a group is founded once, in block 0', 'found another with: lb create-group'],
  role_insufficient: ({ needed, actual }, say) => [
    actual === 'none'
      ? `this takes ${withArticle(needed)}, and ${signer(say)} is no member of the group`
      : `this takes ${withArticle(needed)}, and ${signer(say)} is ${withArticle(actual)}`,
    `sign as somebody else with --as, or have an admin change the role with lb add-member; ${WHO_IS_WHO}`,
  ],
  amount_zero: () => ['the amount is 0', 'name at least one token'],
  rules_version_unsupported: ({ version }) => [
    `version ${version} of the rules is unknown to this program`,
    'install a newer version of it',
  ],
  policy_empty: () => ['no change of the policy was named', 'name one with --set KEY=VALUE'],
  policy_key_unknown: ({ key }) => [`the policy has no key "${key}"`, SHOW_POLICY],
  policy_value_invalid: ({ key, expected }) => [
    `the value does not fit ${key}`,
    `it takes ${policyTakes(key) ?? expected}`,
  ],
  supply_cap_below_supply: ({ cap, supply }, { tokens }) => [
    `there are ${tokens(supply)} already, more than a cap of ${tokens(cap)}`,
    `name at least ${tokens(supply)}, or "none" for no cap`,
  ],
  time_changed: ({ expectedMs, actualMs }, say) => [
    `the last block is of ${moment(expectedMs, say)}, and the correction was signed for ${moment(actualMs, say)}`,
    'give the command again, which signs anew',
  ],
  time_not_ahead: ({ groupMs }, say) => [
    `the time of the group is not ahead of the sealer's clock: its last block is of ${moment(groupMs, say)}`,
    'there is nothing to correct; look at the clock of the machine that seals',
  ],
} satisfies SomeWords;

export const membershipWords = {
  member_unknown: ({ member }, { name }) => [`${name(member)} is no member of the group`, WHO_IS_WHO],
  role_unchanged: ({ member, role }, { name }) => [
    `${name(member)} is ${withArticle(role)} already`,
    'there is nothing to change',
  ],
  last_admin: ({ member }, { name }) => [
    `${name(member)} is the last admin, and a group must have one`,
    'make somebody else an admin first with: lb add-member --role admin',
  ],
  member_is_sealer: ({ member }, { name }) => [
    `${name(member)} seals the group, and whoever seals must be an admin`,
    'propose another admin first with: lb sealer MEMBER; they take over with: lb sealer --accept',
  ],
  invite_exists: ({ invite }) => [
    `the invite ${shortId(invite)} is there already`,
    'lb invite list shows all of them',
  ],
  invite_unknown: ({ invite }) => [`the group has no invite ${shortId(invite)}`, NEW_CODE],
  invite_uses_invalid: ({ maxUses }) => [
    `an invite for ${count(maxUses, 'use')} lets nobody in`,
    'name at least one with --max-uses',
  ],
  invite_expired: ({ expiresMs }, say) => [`the invite ended at ${moment(expiresMs, say)}`, NEW_CODE],
  invite_revoked: () => ['the invite was closed by an admin', NEW_CODE],
  invite_used_up: ({ maxUses }) => [
    maxUses === 1
      ? 'the invite has been used'
      : `the invite has been used ${maxUses} times, as often as it may`,
    NEW_CODE,
  ],
  invite_orphaned: ({ createdBy }, { name }) => [
    `the invite is from ${name(createdBy)}, who is no admin of the group any more`,
    NEW_CODE,
  ],
  already_member: ({ member, role }, { name }) => [
    `${name(member)} is ${withArticle(role)} of the group already`,
    'there is nothing to join; sign as somebody else with --as',
  ],
  invite_proof_invalid: () => ['the code does not fit this group and identity', NEW_CODE],
  profile_unchanged: () => ['that is the present name', 'there is nothing to change'],
  sealer_count: ({ count, min, max }) => [
    `a group has ${min === max ? `exactly ${min}` : `${min} to ${max}`} to seal it, not ${count}`,
    'name one admin',
  ],
  sealer_not_admin: ({ sealer }, { name }) => [
    `${name(sealer)} is no admin, and whoever seals must be one`,
    'make them one first with: lb add-member --role admin',
  ],
  sealers_unchanged: () => [
    'that is who seals already, or who was proposed already',
    'lb sealer shows who seals, and who is to take over',
  ],
  hand_over_none: ({ sealer }, { name }) => [
    `nobody has proposed that ${name(sealer)} seals the group`,
    'an admin can, with: lb sealer MEMBER',
  ],
} satisfies SomeWords;

/** What fits under a cap, and who can raise it where it is not the end of all numbers. */
function room(left: bigint, cap: bigint, key: PolicyKey, tokens: Say['tokens']): string {
  const raise = `have an admin raise ${key} with: lb policy --set`;
  if (left <= 0n) return raise;
  return cap === MAX_TOKEN ? `name at most ${tokens(left)}` : `name at most ${tokens(left)}, or ${raise}`;
}

export const tokenWords = {
  transfer_to_self: () => ['a transfer to oneself moves nothing', 'name somebody else with --to'],
  fee_above_accepted: ({ fee, feeMax }, { tokens }) => [
    `the fee is ${tokens(fee)} by now, and the transfer was signed for ${tokens(feeMax)} at most`,
    'sign it again if that is fine; lb policy shows transfer_fee_bps',
  ],
  balance_too_low: ({ account, balance, needed }, { name, tokens }) => [
    `${name(account)} has ${tokens(balance)}, and this takes ${tokens(needed)} in all`,
    `name less than that, or get ${tokens(needed - balance)} more first; lb balance shows who has what`,
  ],
  treasury_too_low: ({ treasury, needed }, { tokens }) => [
    `the treasury holds ${tokens(treasury)}, and this takes ${tokens(needed)}`,
    'name less; lb balance shows the treasury',
  ],
  supply_cap_exceeded: ({ supply, amount, cap }, { tokens }) => [
    `there are ${tokens(supply)}, and ${tokens(amount)} more would exceed the cap of ${tokens(cap)}`,
    room(cap - supply, cap, 'max_total_supply', tokens),
  ],
  account_cap_exceeded: ({ account, balance, amount, cap }, { name, tokens }) => [
    `${name(account)} has ${tokens(balance)}, and ${tokens(amount)} more would exceed the cap of ${tokens(cap)} for one account`,
    room(cap - balance, cap, 'max_account_balance', tokens),
  ],
  split_sum: ({ sum }) => [`the shares sum to ${sum}`, `make them ${BASIS_POINTS} in all, which is 100 %`],
  royalty_sum: ({ sum, max }) => [
    `the royalties sum to ${sum}`,
    `make them at most ${max}, which is ${max / 100} %`,
  ],
} satisfies SomeWords;
