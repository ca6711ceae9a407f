/** What the rules of the group, of membership and of tokens refuse. */
import { MAX_TOKEN } from '../../../events/fields.ts';
import {
  genesis,
  inviteAccept,
  inviteCreate,
  inviteRevoke,
  memberAdd,
  memberRemove,
  mint,
  policyUpdate,
  profileSet,
  sealerAccept,
  sealerSet,
  timeCorrect,
  transfer,
  treasurySpend,
} from '../operations.ts';
import { alice, bob, carol, founder, person, stranger } from '../people.ts';
import { by, joined, later, opened } from '../rules.ts';
import { type Scripted, START_MS } from '../world.ts';
import { operations, type SomeScenarios } from './scenario.ts';

const invite = person('invite');
const key = invite.publicKey;
const accept: Scripted = (world) => inviteAccept(invite, alice, world.groupId);
const account = alice.publicKey;
/** No software will ever know it. */
const LAST_VERSION = 0xffff_ffff;

export const groupScenarios = {
  role_insufficient: operations([opened(), joined(alice)], alice, [mint(alice, 1n)], {
    needed: 'admin',
    actual: 'member',
  }),
  amount_zero: operations([opened()], founder, [mint(alice, 0n)], {}),
  rules_version_unsupported: operations([], founder, [genesis({}, { rulesVersion: LAST_VERSION })], {
    version: LAST_VERSION,
  }),
  policy_empty: operations([opened()], founder, [policyUpdate()], {}),
  policy_key_unknown: operations([opened()], founder, [policyUpdate(['toString', 1n])], { key: 'toString' }),
  policy_value_invalid: operations([opened()], founder, [policyUpdate(['transfer_fee_bps', 5_001n])], {
    key: 'transfer_fee_bps',
    expected: '0 to 5000',
  }),
  supply_cap_below_supply: operations(
    [opened(), by(founder, mint(alice, 10n))],
    founder,
    [policyUpdate(['max_total_supply', 9n])],
    { cap: 9n, supply: 10n },
  ),
  time_changed: operations([opened()], founder, [timeCorrect(START_MS + 1)], {
    expectedMs: START_MS,
    actualMs: START_MS + 1,
  }),
  time_not_ahead: operations([opened()], founder, [timeCorrect(START_MS)], {
    groupMs: START_MS,
    nowMs: START_MS,
  }),
} satisfies SomeScenarios;

export const membershipScenarios = {
  member_unknown: operations([opened()], founder, [memberRemove(stranger)], { member: stranger.publicKey }),
  role_unchanged: operations([opened(), joined(alice)], founder, [memberAdd(alice, 'member')], {
    member: account,
    role: 'member',
  }),
  member_is_sealer: operations([opened(), joined(alice, { role: 'admin' })], alice, [memberRemove(founder)], {
    member: founder.publicKey,
  }),
  last_admin: operations([opened()], founder, [memberRemove(founder)], { member: founder.publicKey }),
  invite_exists: operations([opened(), by(founder, inviteCreate(invite))], founder, [inviteCreate(invite)], {
    invite: key,
  }),
  invite_unknown: operations([opened()], alice, [accept], { invite: key }),
  invite_uses_invalid: operations([opened()], founder, [inviteCreate(invite, { maxUses: 0 })], {
    maxUses: 0,
  }),
  invite_expired: operations(
    [opened(), by(founder, inviteCreate(invite, { expiresMs: START_MS + 1_000 })), later(1_000)],
    alice,
    [accept],
    { invite: key, expiresMs: START_MS + 1_000 },
  ),
  invite_revoked: operations(
    [opened(), by(founder, inviteCreate(invite)), by(founder, inviteRevoke(invite))],
    alice,
    [accept],
    { invite: key },
  ),
  invite_used_up: operations(
    [
      opened(),
      by(founder, inviteCreate(invite)),
      by(bob, (world) => inviteAccept(invite, bob, world.groupId)),
    ],
    alice,
    [accept],
    { invite: key, maxUses: 1 },
  ),
  invite_orphaned: operations(
    [
      opened(),
      joined(carol, { role: 'admin' }),
      by(carol, inviteCreate(invite)),
      by(founder, memberAdd(carol, 'member')),
    ],
    alice,
    [accept],
    { invite: key, createdBy: carol.publicKey },
  ),
  already_member: operations([opened(), joined(alice), by(founder, inviteCreate(invite))], alice, [accept], {
    member: account,
    role: 'member',
  }),
  invite_proof_invalid: operations(
    [opened(), by(founder, inviteCreate(invite))],
    alice,
    [(world) => inviteAccept(invite, carol, world.groupId)],
    { invite: key },
  ),
  profile_unchanged: operations([opened(), by(founder, profileSet('F'))], founder, [profileSet('F')], {}),
  sealer_count: operations(
    [opened(), joined(alice, { role: 'admin' })],
    founder,
    [sealerSet(founder, alice)],
    { count: 2, min: 1, max: 1 },
  ),
  sealer_not_admin: operations([opened(), joined(alice)], founder, [sealerSet(alice)], { sealer: account }),
  sealers_unchanged: operations([opened()], founder, [sealerSet(founder)], {}),
  hand_over_none: operations([opened(), joined(alice, { role: 'admin' })], alice, [sealerAccept], {
    sealer: account,
  }),
} satisfies SomeScenarios;

export const tokenScenarios = {
  fee_above_accepted: operations(
    [opened({ transfer_fee_bps: 5_000 }), joined(alice, { balance: 5n })],
    alice,
    [transfer(founder, 3n, 1n)],
    { fee: 2n, feeMax: 1n },
  ),
  transfer_to_self: operations([opened(), joined(alice, { balance: 5n })], alice, [transfer(alice, 1n)], {}),
  // 100 fit, but not with the fee on top.
  balance_too_low: operations(
    [opened({ transfer_fee_bps: 100 }), joined(alice, { balance: 100n })],
    alice,
    [transfer(bob, 100n)],
    { account, balance: 100n, needed: 101n },
  ),
  treasury_too_low: operations([opened()], founder, [treasurySpend(alice, 1n)], { treasury: 0n, needed: 1n }),
  supply_cap_exceeded: operations(
    [opened(), by(founder, mint(bob, MAX_TOKEN - 1n))],
    founder,
    [mint(alice, 2n)],
    { supply: MAX_TOKEN - 1n, amount: 2n, cap: MAX_TOKEN },
  ),
  account_cap_exceeded: operations(
    [opened({ max_account_balance: 10n }), joined(alice, { balance: 9n })],
    founder,
    [mint(alice, 2n)],
    { account, balance: 9n, amount: 2n, cap: 10n },
  ),
} satisfies SomeScenarios;
