/**
 * Who gains by a rule, and who pays: each line of the table in docs/decisions/0019 that somebody could turn to their
 * own gain is tried here, by whoever would gain.
 */
import { describe, expect, it } from 'vitest';
import { OPEN_TASKS_PER_ASSIGNEE_MAX } from '../../../events/limits.ts';
import type { Operation } from '../../../events/registry.ts';
import {
  balanceTable,
  escrowTable,
  handOverTable,
  loadTable,
  memberTable,
  profileTable,
  sealersTable,
  taskTable,
  treasuryTable,
} from '../../../machines/tables.ts';
import {
  grant,
  lastOffer,
  offerCreate,
  purchase,
  purchaseAccept,
  purchaseSettle,
  windowsIn,
} from '../../support/market.ts';
import {
  claim,
  inviteAccept,
  inviteCreate,
  memberAdd,
  memberRemove,
  policyUpdate,
  profileSet,
  sealerAccept,
  sealerSet,
  taskAssign,
  taskComplete,
  taskCreate,
  taskRelease,
  taskStart,
  transfer,
} from '../../support/operations.ts';
import { alice, bob, carol, founder, type Person, person, stranger } from '../../support/people.ts';
import { by, given, joined, later, opened, refused } from '../../support/rules.ts';
import type { Step, World } from '../../support/world.ts';

const balance = (world: World, who: Person) => world.read(balanceTable, who.publicKey)?.amount ?? 0n;
const treasury = (world: World) => world.read(treasuryTable)?.amount ?? 0n;
const admin = (who: Person): Step => joined(who, { role: 'admin' });

describe('a transaction speaks for its author alone', () => {
  const base = () => given(opened(), joined(alice), joined(bob)).world;

  it('naming what somebody else signed takes nothing from them', () => {
    const at = base();
    const own = at.transaction(alice, [profileSet('Alice')]);
    const thief = at.transaction(bob, [profileSet('Bob')], { replaces: own.txId });
    expect(at.submit(thief).refusal).toBeUndefined();
    expect(at.submit(own).refusal).toBeUndefined();
    expect(at.read(profileTable, alice.publicKey)?.name).toBe('Alice');
  });

  it('not within one block either, and not from several at once', () => {
    const at = base();
    const own = at.transaction(alice, [profileSet('Alice')]);
    const thieves = [bob, founder, bob].map((who, nth) =>
      at.transaction(who, [profileSet(`thief ${nth}`)], { replaces: own.txId }),
    );
    const { refusals } = at.seal([...thieves, own]);
    // Bob may replace a given transaction once; that it is not Bob's own is Bob's problem.
    expect(refusals.map((refusal) => refusal?.code)).toEqual([
      undefined,
      undefined,
      'transaction_replaced',
      undefined,
    ]);
  });

  it('the author’s own replacement counts, whoever else has named the same before and after', () => {
    const at = base();
    const old = at.transaction(alice, [profileSet('old')]);
    expect(at.submit(at.transaction(bob, [profileSet('b')], { replaces: old.txId })).refusal).toBeUndefined();
    const young = at.transaction(alice, [profileSet('young')], { replaces: old.txId });
    expect(at.submit(young).refusal).toBeUndefined();
    expect(
      at.submit(at.transaction(founder, [profileSet('f')], { replaces: old.txId })).refusal,
    ).toBeUndefined();
    expect(at.submit(old).refusal).toEqual({ code: 'transaction_replaced', txId: old.txId });
    const late = at.transaction(alice, [profileSet('late')], { replaces: old.txId });
    expect(at.submit(late).refusal).toEqual({ code: 'transaction_replaced', txId: old.txId });
  });
});

describe('the sealing goes to whoever accepts it', () => {
  const proposed = [opened(), admin(alice), admin(bob), by(founder, sealerSet(alice))];

  it('a key that nobody holds never gets it: the group goes on', () => {
    given(opened(), admin(stranger), by(founder, sealerSet(stranger)))
      .and((world) => expect(world.read(sealersTable)).toEqual([founder.publicKey]))
      .when(founder, profileSet('still here'))
      .thenAccepted();
  });

  it('only the one who was proposed takes it, once', () => {
    given(...proposed)
      .when(bob, sealerAccept)
      .thenExactly(refused('hand_over_none', { sealer: bob.publicKey }))
      .when(founder, sealerAccept)
      .thenExactly(refused('hand_over_none', { sealer: founder.publicKey }))
      .when(alice, sealerAccept)
      .thenAccepted()
      .and((world) => expect(world.read(sealersTable)).toEqual([alice.publicKey]))
      .and((world) => expect(world.read(handOverTable)).toBeUndefined())
      .when(alice, sealerAccept)
      .thenExactly(refused('hand_over_none'));
  });

  it('the last proposal counts, and naming the present sealer withdraws it', () => {
    given(...proposed)
      .when(founder, sealerSet(alice))
      .thenExactly(refused('sealers_unchanged'))
      .when(bob, sealerSet(bob))
      .thenAccepted()
      .when(alice, sealerAccept)
      .thenExactly(refused('hand_over_none'))
      .when(alice, sealerSet(founder))
      .thenAccepted()
      .when(bob, sealerAccept)
      .thenExactly(refused('hand_over_none'))
      .when(alice, sealerSet(founder))
      .thenExactly(refused('sealers_unchanged'));
  });

  it('a proposal falls with the admin who made it, and with the one it is for', () => {
    for (const fall of [memberRemove(bob), memberAdd(bob, 'member'), memberAdd(bob, 'viewer')])
      given(opened(), admin(alice), admin(bob), by(bob, sealerSet(alice)), by(founder, fall))
        .when(alice, sealerAccept)
        .thenExactly(refused('hand_over_none'));
    given(...proposed, by(founder, memberRemove(alice)), by(founder, memberAdd(alice, 'admin')))
      .when(alice, sealerAccept)
      .thenExactly(refused('hand_over_none'));
    given(...proposed, by(founder, memberAdd(alice, 'member')))
      .when(alice, sealerAccept)
      .thenExactly(refused('role_insufficient'));
  });
});

describe('an admin’s word ends with their being an admin', () => {
  const fallen = [memberRemove(alice), memberAdd(alice, 'member'), memberAdd(alice, 'viewer')];
  const promised = [
    opened(),
    admin(alice),
    joined(bob),
    by(alice, taskCreate('t', { reward: 1_000n, assignee: bob.publicKey })),
    by(bob, taskStart('t')),
  ];

  it('a reward that they promised is not minted any more', () => {
    for (const fall of fallen)
      given(...promised, by(founder, fall))
        .when(bob, taskComplete('t'))
        .thenAccepted()
        .and((world) => {
          const last = world.chain.finals.at(-1)!.judged.effects.at(-1)!.effect;
          expect(last).toEqual({
            kind: 'reward.skipped',
            source: 'task',
            to: bob.publicKey,
            amount: 1_000n,
            because: 'promise_void',
          });
          expect(balance(world, bob)).toBe(0n);
        });
    given(...promised, by(founder, memberRemove(alice)), by(founder, memberAdd(alice, 'admin')))
      .when(bob, taskComplete('t'))
      .thenAccepted()
      .and((world) => expect(balance(world, bob)).toBe(1_000n));
  });

  it('an invite that they opened lets nobody in any more, least of all themselves', () => {
    const invite = person('invite');
    for (const fall of fallen)
      given(
        opened(),
        admin(alice),
        by(alice, inviteCreate(invite, { role: 'admin', maxUses: 9 })),
        by(founder, fall),
      )
        .when(carol, (world) => inviteAccept(invite, carol, world.groupId))
        .thenExactly(refused('invite_orphaned', { invite: invite.publicKey, createdBy: alice.publicKey }))
        .and((world) => expect(world.read(memberTable, carol.publicKey)).toBeUndefined());
  });

  it('a creator who is no member decides nothing about their tasks', () => {
    given(
      opened(),
      joined(alice),
      joined(bob),
      by(alice, taskCreate('t', { assignee: bob.publicKey })),
      by(founder, memberRemove(alice)),
    )
      .when(alice, taskRelease('t'))
      .thenExactly(refused('lease_running'))
      .when(alice, taskAssign('t', carol))
      .thenExactly(refused('role_insufficient'));
  });
});

describe('a purchase stands under the terms that the buyer named', () => {
  const offered = [
    opened(),
    joined(alice),
    joined(bob, { balance: 50n }),
    by(alice, offerCreate(alice, 10n)),
  ];

  it('windows that changed after it was signed refuse it, shorter or longer', () => {
    for (const key of ['grant_window_ms', 'dispute_window_ms'] as const)
      for (const ms of [1_000n, 90n * 86_400_000n]) {
        const { world } = given(...offered);
        const signed = world.transaction(bob, [purchase(bob, 10n)(world)]);
        by(founder, policyUpdate([key, ms]))(world);
        expect(world.submit(signed).refusal).toEqual({ code: 'terms_changed', ...windowsIn(world) });
        expect(balance(world, bob)).toBe(50n);
      }
  });

  it('windows that change after it was made move none of its deadlines', () => {
    given(
      ...offered,
      by(bob, purchase(bob, 10n)),
      by(founder, policyUpdate(['grant_window_ms', 1_000n], ['dispute_window_ms', 1_000n])),
      later(5_000),
      by(alice, grant(bob)),
      later(5_000),
    )
      .when(alice, purchaseSettle)
      .thenExactly(refused('dispute_window_open'));
  });

  it('a transfer costs no more than its author agreed to', () => {
    const { world } = given(opened(), joined(alice, { balance: 100n }), joined(bob));
    const signed = world.transaction(alice, [transfer(bob, 50n, 0n)]);
    by(founder, policyUpdate(['transfer_fee_bps', 5_000n]))(world);
    expect(world.submit(signed).refusal).toEqual({ code: 'fee_above_accepted', fee: 25n, feeMax: 0n });
    expect(world.act(alice, transfer(bob, 50n, 25n)).refusal).toBeUndefined();
    expect([balance(world, alice), treasury(world)]).toEqual([25n, 25n]);
  });
});

describe('whoever owes pays, whatever the caps', () => {
  const CAP = 100n;
  /** Bob has done work for 100, and Bob's account is as full as `balance`. */
  const worked = (held: bigint, creator: Person): Step[] => [
    opened({ max_account_balance: CAP }),
    joined(alice, { balance: 100n }),
    joined(bob, { balance: held }),
    by(creator, taskCreate('t', { reward: 60n })),
    by(bob, taskAssign('t', bob), taskStart('t')),
  ];

  it('a payment that fills the account up saves the creator of a task nothing', () => {
    const { world } = given(...worked(40n, alice), by(alice, transfer(bob, 1n)), by(bob, taskComplete('t')));
    expect([balance(world, alice), balance(world, bob), treasury(world)]).toEqual([39n, CAP, 1n]);
    expect(world.read(escrowTable, 'task/t')).toBeUndefined();
  });

  it('of what an admin promised, as much is made as there is room for', () => {
    const { world } = given(
      ...worked(40n, founder),
      by(alice, transfer(bob, 1n)),
      by(bob, taskComplete('t')),
    );
    expect(balance(world, bob)).toBe(CAP);
  });

  it('a gift of one token takes no claim’s reward away', () => {
    const { world } = given(
      opened({ max_account_balance: CAP, claim_reward_amount: 10n }),
      joined(alice, { balance: 10n }),
      joined(bob, { balance: 90n }),
      by(alice, transfer(bob, 1n)),
      by(bob, claim('c')),
    );
    expect(balance(world, bob)).toBe(CAP);
  });

  it('nobody works for themselves at a profit: their own money comes back whole, above any cap', () => {
    const { world } = given(
      opened(),
      joined(alice, { balance: 100n }),
      by(alice, taskCreate('t', { reward: 60n, assignee: alice.publicKey })),
      by(founder, policyUpdate(['max_account_balance', 50n])),
      by(alice, taskStart('t'), taskComplete('t')),
    );
    expect([balance(world, alice), treasury(world)]).toEqual([100n, 0n]);
  });
});

describe('splitting saves nothing', () => {
  it('many small transfers pay at least the fee of one large one', () => {
    for (const [pieces, amount, bps] of [
      [256, 99n, 100],
      [256, 1n, 1],
      [100, 199n, 50],
      [7, 3_333n, 125],
    ] as const) {
      const steps = [opened({ transfer_fee_bps: bps }), joined(alice, { balance: 1_000_000n }), joined(bob)];
      const split = given(
        ...steps,
        by(alice, ...Array.from({ length: pieces }, () => transfer(bob, amount))),
      );
      const whole = given(...steps, by(alice, transfer(bob, amount * BigInt(pieces))));
      expect(treasury(split.world)).toBeGreaterThanOrEqual(treasury(whole.world));
      expect(treasury(whole.world)).toBeGreaterThan(0n);
    }
  });

  it('many small prices pay at least the royalty of one large one', () => {
    const sold = (price: bigint, times: number): bigint => {
      const { world } = given(
        opened(),
        joined(alice),
        joined(bob, { balance: 10_000n }),
        joined(carol),
        by(carol, offerCreate(carol, 1n)),
      );
      const parent = lastOffer(world);
      for (let at = 0; at < times; at++) {
        by(alice, offerCreate(alice, price, { parents: [{ offer: parent, bps: 1_000 }] }))(world);
        by(bob, purchase(bob, price))(world);
        by(alice, grant(bob))(world);
        by(bob, purchaseAccept)(world);
      }
      return balance(world, carol);
    };
    expect(sold(100n, 1)).toBe(10n);
    expect(sold(1n, 100)).toBe(100n);
    expect(sold(9n, 11)).toBe(11n);
  });

  it('royalties that are rounded up never exceed the price', () => {
    const { world } = given(
      opened(),
      joined(alice),
      joined(bob, { balance: 5n }),
      joined(carol),
      ...Array.from({ length: 16 }, () => by(carol, offerCreate(carol, 1n))),
      by(alice, (at) =>
        offerCreate(alice, 5n, { parents: at.offers.slice(-16).map((offer) => ({ offer, bps: 500 })) }),
      ),
      by(bob, purchase(bob, 5n)),
      by(alice, grant(bob)),
      by(bob, purchaseAccept),
    );
    expect([balance(world, carol), balance(world, alice), treasury(world)]).toEqual([5n, 0n, 0n]);
  });
});

describe('nobody fills another’s hands', () => {
  const fill =
    (giver: Person, count: number): Step =>
    (world) => {
      for (let at = 0; at < count; at += 256) {
        const tasks: Operation[] = Array.from({ length: 256 }, (_, index) =>
          taskCreate(`${giver.name} ${at + index}`, { assignee: bob.publicKey }),
        );
        by(giver, ...tasks)(world);
      }
    };

  it('what was given without asking counts when the member starts it', () => {
    const { world } = given(opened(), joined(alice), joined(bob), fill(alice, OPEN_TASKS_PER_ASSIGNEE_MAX));
    by(alice, taskCreate('own'))(world);
    by(bob, taskAssign('own', bob), taskStart('own'))(world);
    expect(world.read(taskTable, 'own')?.status).toBe('in_progress');
    expect(world.read(loadTable, bob.publicKey)?.open).toBe(1);
    by(bob, taskStart('alice 0'))(world);
    expect(world.read(loadTable, bob.publicKey)?.open).toBe(2);
    by(bob, taskRelease('alice 0'), taskRelease('alice 1'))(world);
    expect(world.read(loadTable, bob.publicKey)?.open).toBe(1);
    by(bob, taskComplete('own'))(world);
    expect(world.read(loadTable, bob.publicKey)).toBeUndefined();
  });

  it('what they agree to is bounded, however they agree', () => {
    const { world } = given(opened(), joined(alice), joined(bob), fill(bob, OPEN_TASKS_PER_ASSIGNEE_MAX));
    by(alice, taskCreate('given', { assignee: bob.publicKey }), taskCreate('free'))(world);
    const full = { code: 'assignee_overloaded', assignee: bob.publicKey, max: OPEN_TASKS_PER_ASSIGNEE_MAX };
    expect(world.act(bob, taskStart('given')).refusal).toEqual(full);
    expect(world.act(bob, taskAssign('free', bob)).refusal).toEqual(full);
    expect(world.act(bob, taskCreate('new', { assignee: bob.publicKey })).refusal).toEqual(full);
    expect(world.act(bob, taskRelease('bob 0'), taskStart('given')).refusal).toBeUndefined();
  });
});
