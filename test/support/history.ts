/**
 * A scripted history through all domains, for whoever needs a chain with everything in it: every operation
 * occurs, and refused transactions stand between the accepted ones. It is the same in every run; recorded
 * vectors are made from it, so what it does must not change (add a new history instead).
 */
import { sha256 } from '../../crypto/hash.ts';
import { utf8 } from '../../events/bytes.ts';
import * as market from './market.ts';
import * as op from './operations.ts';
import { alice, bob, carol, founder, hashOf, person, stranger } from './people.ts';
import { by, joined, later, opened } from './rules.ts';
import { type Scripted, type Step, World } from './world.ts';

const DAY_MS = 86_400_000;
const invite = person('invite');
const spare = person('spare invite');

/** Several transactions in one block; those that the rules refuse are left out. */
const block =
  (...transactions: [author: typeof alice, ...operations: Scripted[]][]): Step =>
  (world) => {
    const made = transactions.map(([author, ...operations]) =>
      world.transaction(
        author,
        operations.map((one) => (typeof one === 'function' ? one(world) : one)),
      ),
    );
    world.seal(made);
  };

const founding: Step[] = [
  opened({
    faucet_amount: 100n,
    claim_reward_amount: 7n,
    transfer_fee_bps: 125,
    max_total_supply: 1_000_000n,
    discoverable: true,
  }),
  joined(alice),
  by(founder, op.inviteCreate(invite, { maxUses: 5 }), op.inviteCreate(spare)),
  by(bob, (world) => op.inviteAccept(invite, bob, world.groupId), op.profileSet('Böb ☀ 😀')),
  by(founder, op.inviteRevoke(spare), op.memberAdd(carol, 'viewer'), op.mint(stranger, 500n)),
  block([alice, op.mint(alice, 1n)], [stranger, op.transfer(carol, 333n)], [bob, op.transfer(bob, 1n)]),
  by(founder, op.treasurySpend(alice, 4n)),
];

const knowledge: Step[] = [
  block(
    [alice, op.claim('ground', { tags: ['a', 'ünïcode'] })],
    [bob, op.claim('ground')],
    [bob, op.experience('run')],
    [
      bob,
      op.claim('top', { parent: hashOf('ground'), evidence: [hashOf('ground'), hashOf('run')], tags: ['b'] }),
    ],
  ),
  later(60_000),
  by(alice, op.retract('ground', 'was wrong')),
  by(alice, op.reinstate('ground')),
  by(founder, op.retract('top')),
];

const work: Step[] = [
  by(
    alice,
    op.taskCreate('plain', {
      description: 'with all fields',
      dueMs: 1_800_000_000_000,
      leaseMs: 5_000,
      tags: ['x'],
      reward: 20n,
    }),
  ),
  // Ids that UTF-8 and UTF-16 order differently.
  by(
    founder,
    op.taskCreate('\u{ffff}', { reward: 9n }),
    op.taskCreate('\u{10000}', { assignee: bob.publicKey }),
  ),
  by(bob, op.taskAssign('plain', bob), op.taskStart('plain'), op.taskProgress('plain', 1, 'half')),
  later(5_001),
  by(stranger, op.taskRelease('plain')),
  by(bob, op.taskAssign('plain', bob), op.taskStart('plain', 2)),
  block(
    [bob, op.taskComplete('plain', 1)],
    [bob, op.taskComplete('plain', 2, hashOf('run'))],
    [bob, op.taskAssign('\u{ffff}', bob), op.taskStart('\u{ffff}'), op.taskFail('\u{ffff}', 1, 'gave up')],
    [founder, op.taskCancel('\u{10000}', 'no need')],
  ),
  by(alice, op.presence('busy', '{"task":"plain"}')),
  by(alice, op.presence('idle')),
];

const trade: Step[] = [
  by(alice, market.offerCreate(alice, 40n)),
  by(bob, (world) =>
    market.offerCreate(bob, 33n, {
      description: 'derived',
      tags: ['d'],
      parents: [{ offer: market.lastOffer(world), bps: 1_500 }],
      splits: [
        { to: bob.publicKey, bps: 3_333 },
        { to: carol.publicKey, bps: 6_667 },
      ],
      expiresMs: 1_800_000_000_000,
    }),
  ),
  // Accepted, settled, refunded, and won by the buyer in a dispute.
  by(stranger, market.purchase(stranger, 33n)),
  by(bob, market.grant(stranger)),
  by(stranger, market.purchaseAccept),
  by(carol, market.purchase(carol, 33n)),
  by(founder, op.policyUpdate(['dispute_window_ms', 1_000n], ['max_account_balance', 400n])),
  by(bob, market.grant(carol)),
  later(3 * op.HOUR_MS),
  by(founder, market.purchaseSettle),
  by(stranger, market.purchase(stranger, 33n)),
  later(2 * op.HOUR_MS),
  by(stranger, market.purchaseRefund),
  by(alice, market.purchase(alice, 33n)),
  by(bob, market.grant(alice, sha256(utf8('another key')))),
  by(alice, market.purchaseDispute(market.oneTimeSecret(alice))),
  by(bob, market.offerRevoke),
];

/** A block from a clock that is two days ahead, and the way back. */
const aDayTooSoon: Step[] = [
  later(2 * DAY_MS),
  by(founder, op.profileSet('from tomorrow')),
  later(-2 * DAY_MS),
  by(founder, (world) => op.timeCorrect(world.chain.judge.tip!.tsMs)),
];

const ending: Step[] = [
  by(alice, op.taskCreate('last', { assignee: bob.publicKey })),
  by(founder, op.memberAdd(alice, 'admin'), op.sealerSet(alice)),
  by(alice, op.sealerAccept),
  by(alice, op.memberRemove(founder), op.memberRemove(bob)),
  by(alice, op.policyUpdate(['max_total_supply', undefined], ['discoverable', false])),
];

/** The world at the end of the history. `rules_upgrade` is missing: there is no later version yet. */
export function scriptedHistory(): World {
  const world = new World();
  for (const step of [...founding, ...knowledge, ...work, ...trade, ...aDayTooSoon, ...ending]) step(world);
  return world;
}
