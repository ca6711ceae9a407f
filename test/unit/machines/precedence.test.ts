/**
 * Where two refusals apply, the one that is earlier in the list is given, so that every node says the same.
 * Each case is tried twice: with both defects, and with the first one mended, to show that the second was there.
 */
import { describe, expect, it } from 'vitest';
import { REFUSAL_CODES, type RefusalCode } from '../../../events/refusals.ts';
import type { Operation } from '../../../events/registry.ts';
import * as market from '../../support/market.ts';
import * as op from '../../support/operations.ts';
import { alice, bob, founder, hashOf, type Person, person, stranger } from '../../support/people.ts';
import { by, given, joined, opened, refused } from '../../support/rules.ts';
import { type Scripted, START_MS, type Step, type World } from '../../support/world.ts';

interface Case {
  readonly given: readonly Step[];
  readonly both: readonly [Person, Scripted];
  readonly mended: readonly [Person, Scripted];
}
type Pair = readonly [earlier: RefusalCode, later: RefusalCode, what: Case];

const invite = person('invite');
const key = (who: Person) => who.publicKey;
const people = [opened(), joined(alice, { balance: 5n }), joined(bob)];
const taken = [...people, by(alice, op.taskCreate('t')), by(bob, op.taskAssign('t', bob))];
const granted = [
  ...people,
  by(alice, market.offerCreate(alice, 1n)),
  by(founder, op.mint(bob, 2n)),
  by(bob, market.purchase(bob, 1n)),
  by(alice, market.grant(bob)),
];
const offer = (rest: Parameters<typeof market.offerCreate>[2]) => market.offerCreate(alice, 1n, rest);
const badSplits = { splits: [{ to: key(alice), bps: 1 }] };
const badParents = { parents: [{ offer: hashOf('nowhere'), bps: 9_001 }] };
const accept =
  (joiner: Person) =>
  (world: World): Operation =>
    op.inviteAccept(invite, joiner, world.groupId);

const PAIRS: readonly Pair[] = [
  [
    'role_insufficient',
    'amount_zero',
    { given: people, both: [alice, op.mint(bob, 0n)], mended: [founder, op.mint(bob, 0n)] },
  ],
  [
    'amount_zero',
    'transfer_to_self',
    { given: people, both: [alice, op.transfer(alice, 0n)], mended: [alice, op.transfer(alice, 1n)] },
  ],
  [
    'transfer_to_self',
    'balance_too_low',
    { given: people, both: [alice, op.transfer(alice, 6n)], mended: [alice, op.transfer(bob, 6n)] },
  ],
  [
    'fee_above_accepted',
    'balance_too_low',
    {
      given: [...people, by(founder, op.policyUpdate(['transfer_fee_bps', 1n]))],
      both: [alice, op.transfer(bob, 6n, 0n)],
      mended: [alice, op.transfer(bob, 6n, 1n)],
    },
  ],
  [
    'balance_too_low',
    'account_cap_exceeded',
    {
      given: [...people, by(founder, op.policyUpdate(['max_account_balance', 5n]), op.mint(bob, 5n))],
      both: [alice, op.transfer(bob, 6n)],
      mended: [alice, op.transfer(bob, 5n)],
    },
  ],
  [
    'supply_cap_exceeded',
    'account_cap_exceeded',
    {
      given: [opened({ max_total_supply: 10n, max_account_balance: 5n })],
      both: [founder, op.mint(bob, 11n)],
      mended: [founder, op.mint(bob, 6n)],
    },
  ],
  [
    'policy_key_unknown',
    'policy_value_invalid',
    {
      given: [opened()],
      both: [founder, op.policyUpdate(['discoverable', 1n], ['colour', 1n])],
      mended: [founder, op.policyUpdate(['discoverable', 1n])],
    },
  ],
  [
    'policy_value_invalid',
    'supply_cap_below_supply',
    {
      given: people,
      both: [founder, op.policyUpdate(['max_total_supply', 1n], ['grant_window_ms', 1n])],
      mended: [founder, op.policyUpdate(['max_total_supply', 1n])],
    },
  ],
  [
    'last_admin',
    'member_is_sealer',
    {
      given: [opened(), joined(alice)],
      both: [founder, op.memberRemove(founder)],
      mended: [
        founder,
        (world) => {
          by(founder, op.memberAdd(alice, 'admin'))(world);
          return op.memberRemove(founder);
        },
      ],
    },
  ],
  [
    'invite_exists',
    'invite_uses_invalid',
    {
      given: [opened(), by(founder, op.inviteCreate(invite))],
      both: [founder, op.inviteCreate(invite, { maxUses: 0 })],
      mended: [founder, op.inviteCreate(person('another invite'), { maxUses: 0 })],
    },
  ],
  [
    'invite_uses_invalid',
    'invite_expired',
    {
      given: [opened()],
      both: [founder, op.inviteCreate(invite, { maxUses: 0, expiresMs: START_MS })],
      mended: [founder, op.inviteCreate(invite, { expiresMs: START_MS })],
    },
  ],
  [
    'invite_used_up',
    'already_member',
    {
      given: [opened(), by(founder, op.inviteCreate(invite)), by(bob, accept(bob))],
      both: [bob, accept(bob)],
      mended: [
        bob,
        (world) => {
          const more = person('invite for many');
          by(founder, op.inviteCreate(more))(world);
          return op.inviteAccept(more, bob, world.groupId);
        },
      ],
    },
  ],
  [
    'already_member',
    'invite_proof_invalid',
    {
      given: [opened(), joined(alice), by(founder, op.inviteCreate(invite))],
      both: [alice, accept(bob)],
      mended: [stranger, accept(bob)],
    },
  ],
  [
    'invite_orphaned',
    'already_member',
    {
      given: [
        ...people,
        by(founder, op.memberAdd(bob, 'admin')),
        by(bob, op.inviteCreate(invite)),
        by(founder, op.memberRemove(bob)),
      ],
      both: [alice, accept(alice)],
      mended: [
        alice,
        (world) => {
          by(founder, op.memberAdd(bob, 'admin'))(world);
          return accept(alice)(world);
        },
      ],
    },
  ],
  [
    'sealer_count',
    'sealer_not_admin',
    { given: people, both: [founder, op.sealerSet(alice, bob)], mended: [founder, op.sealerSet(alice)] },
  ],
  [
    'artifact_known',
    'claim_unknown',
    {
      given: [...people, by(alice, op.claim('c'))],
      both: [bob, op.claim('c', { parent: hashOf('nowhere') })],
      mended: [bob, op.claim('d', { parent: hashOf('nowhere') })],
    },
  ],
  [
    'claim_unknown',
    'reference_unknown',
    {
      given: people,
      both: [bob, op.claim('c', { parent: hashOf('nowhere'), evidence: [hashOf('nowhere')] })],
      mended: [bob, op.claim('c', { evidence: [hashOf('nowhere')] })],
    },
  ],
  [
    'not_claim_author',
    'claim_retracted',
    {
      given: [...people, by(alice, op.claim('c')), by(alice, op.retract('c'))],
      both: [bob, op.retract('c')],
      mended: [alice, op.retract('c')],
    },
  ],
  [
    'task_exists',
    'lease_out_of_range',
    {
      given: taken,
      both: [alice, op.taskCreate('t', { leaseMs: 1 })],
      mended: [alice, op.taskCreate('u', { leaseMs: 1 })],
    },
  ],
  [
    'lease_out_of_range',
    'assignee_unable',
    {
      given: people,
      both: [alice, op.taskCreate('t', { leaseMs: 1, assignee: key(stranger) })],
      mended: [alice, op.taskCreate('t', { assignee: key(stranger) })],
    },
  ],
  [
    'task_exists',
    'balance_too_low',
    {
      given: taken,
      both: [alice, op.taskCreate('t', { reward: 6n })],
      mended: [alice, op.taskCreate('u', { reward: 6n })],
    },
  ],
  [
    'not_task_creator',
    'task_state',
    {
      given: [...taken, by(alice, op.taskCancel('t'))],
      both: [bob, op.taskCancel('t')],
      mended: [alice, op.taskCancel('t')],
    },
  ],
  [
    'task_attempt_stale',
    'task_state',
    { given: taken, both: [bob, op.taskComplete('t', 2)], mended: [bob, op.taskComplete('t', 1)] },
  ],
  [
    'task_attempt_stale',
    'not_task_assignee',
    { given: taken, both: [alice, op.taskStart('t', 2)], mended: [alice, op.taskStart('t', 1)] },
  ],
  [
    'task_state',
    'not_task_assignee',
    { given: taken, both: [alice, op.taskComplete('t')], mended: [alice, op.taskStart('t')] },
  ],
  [
    'task_state',
    'reference_unknown',
    {
      given: taken,
      both: [bob, op.taskComplete('t', 1, hashOf('nowhere'))],
      mended: [
        bob,
        (world) => {
          by(bob, op.taskStart('t'))(world);
          return op.taskComplete('t', 1, hashOf('nowhere'));
        },
      ],
    },
  ],
  [
    'task_attempt_stale',
    'lease_running',
    { given: taken, both: [stranger, op.taskRelease('t', 2)], mended: [stranger, op.taskRelease('t', 1)] },
  ],
  [
    'metadata_invalid',
    'presence_unchanged',
    {
      given: [...people, by(alice, op.presence('idle', '{}'))],
      both: [alice, op.presence('idle', 'no JSON')],
      mended: [alice, op.presence('idle', '{}')],
    },
  ],
  [
    'split_sum',
    'royalty_sum',
    {
      given: people,
      both: [alice, offer({ ...badSplits, ...badParents })],
      mended: [alice, offer(badParents)],
    },
  ],
  [
    'royalty_sum',
    'offer_expiry_past',
    {
      given: people,
      both: [alice, offer({ ...badParents, expiresMs: START_MS })],
      mended: [alice, offer({ expiresMs: START_MS })],
    },
  ],
  [
    'offer_revoked',
    'own_offer',
    {
      given: [...people, by(alice, market.offerCreate(alice, 1n)), by(alice, market.offerRevoke)],
      both: [alice, market.purchase(alice, 1n)],
      mended: [
        alice,
        (world) => {
          by(alice, market.offerCreate(alice, 1n))(world);
          return {
            type: 'purchase',
            offer: world.offers[1]!,
            amount: 1n,
            buyerKey: market.oneTimeKey(alice),
            ...op.WINDOWS,
          };
        },
      ],
    },
  ],
  [
    'price_mismatch',
    'terms_changed',
    {
      given: [...people, by(alice, market.offerCreate(alice, 1n))],
      both: [bob, (world) => ({ ...market.purchase(bob, 2n)(world), grantWindowMs: 1 }) as Operation],
      mended: [bob, (world) => ({ ...market.purchase(bob, 1n)(world), grantWindowMs: 1 }) as Operation],
    },
  ],
  [
    'terms_changed',
    'balance_too_low',
    {
      given: [...people, by(alice, market.offerCreate(alice, 50n))],
      both: [bob, (world) => ({ ...market.purchase(bob, 50n)(world), grantWindowMs: 1 }) as Operation],
      mended: [bob, market.purchase(bob, 50n)],
    },
  ],
  [
    'price_mismatch',
    'balance_too_low',
    {
      given: [...people, by(alice, market.offerCreate(alice, 1n))],
      both: [bob, market.purchase(bob, 2n)],
      mended: [bob, market.purchase(bob, 1n)],
    },
  ],
  [
    'not_seller',
    'purchase_state',
    { given: granted, both: [bob, market.grant(bob)], mended: [alice, market.grant(bob)] },
  ],
  [
    'not_buyer',
    'purchase_state',
    { given: granted, both: [alice, market.purchaseRefund], mended: [bob, market.purchaseRefund] },
  ],
  [
    'dispute_window_closed',
    'dispute_secret_mismatch',
    {
      given: granted,
      both: [
        bob,
        (world) => {
          world.nowMs += 3 * op.HOUR_MS;
          return market.purchaseDispute(new Uint8Array(32))(world);
        },
      ],
      mended: [bob, market.purchaseDispute(new Uint8Array(32))],
    },
  ],
];

describe('where two refusals apply, the earlier one is given', () => {
  for (const [earlier, second, { given: steps, both, mended }] of PAIRS) {
    it(`${earlier} before ${second}`, () => {
      expect(REFUSAL_CODES.indexOf(earlier)).toBeLessThan(REFUSAL_CODES.indexOf(second));
      given(...steps)
        .when(both[0], both[1])
        .thenExactly(refused(earlier));
      given(...steps)
        .when(mended[0], mended[1])
        .thenExactly(refused(second));
    });
  }
});
