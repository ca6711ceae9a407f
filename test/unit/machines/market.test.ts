import { describe, expect, it } from 'vitest';
import {
  balanceTable,
  escrowTable,
  offerTable,
  openPurchaseTable,
  purchaseTable,
  treasuryTable,
} from '../../../machines/tables.ts';
import {
  grant,
  lastOffer,
  lastPurchase,
  offerCreate,
  offerRevoke,
  oneTimeKey,
  purchase,
  purchaseAccept,
  purchaseRefund,
  purchaseSettle,
} from '../../support/market.ts';
import { HOUR_MS, memberRemove, policyUpdate, WINDOWS } from '../../support/operations.ts';
import { alice, bob, carol, founder, type Person, stranger } from '../../support/people.ts';
import { by, given, joined, later, opened, refused } from '../../support/rules.ts';
import { START_MS, type World } from '../../support/world.ts';

const people = [opened(), joined(alice), joined(bob, { balance: 1_000n }), joined(carol)];
const balance = (world: World, who: Person) => world.read(balanceTable, who.publicKey)?.amount ?? 0n;
const treasury = (world: World) => world.read(treasuryTable)?.amount ?? 0n;
const escrow = (world: World) => world.read(escrowTable, `purchase/${lastPurchase(world)}`)?.amount;
const bought = (price: bigint, rest: Parameters<typeof offerCreate>[2] = {}) => [
  ...people,
  by(alice, offerCreate(alice, price, rest)),
  by(bob, purchase(bob, price)),
];

describe('an offer', () => {
  it('is of a member, who is its seller', () => {
    given(opened(), joined(alice, { role: 'viewer' }))
      .when(alice, offerCreate(alice, 1n))
      .thenExactly(refused('role_insufficient'));
    given(...people)
      .when(alice, offerCreate(alice, 1n))
      .thenAccepted()
      .and((world) => expect(world.read(offerTable, lastOffer(world))?.seller).toBe(alice.publicKey));
  });

  it('has an id of its own, also among equals of one transaction', () => {
    const { world } = given(...people, by(alice, offerCreate(alice, 1n), offerCreate(alice, 1n)));
    expect(new Set(world.offers).size).toBe(2);
  });

  it('costs something, splits everything, and pays at most nine tenths in royalties', () => {
    const split = (bps: number) => ({ to: alice.publicKey, bps });
    given(...people)
      .when(alice, offerCreate(alice, 0n))
      .thenExactly(refused('amount_zero'))
      .when(alice, offerCreate(alice, 1n, { splits: [split(10_000), split(1)] }))
      .thenExactly(refused('split_sum', { sum: 10_001 }))
      .when(alice, offerCreate(alice, 1n, { splits: [split(9_999), split(1)] }))
      .thenAccepted()
      .when(alice, (world) => offerCreate(alice, 1n, { parents: [{ offer: lastOffer(world), bps: 9_000 }] }))
      .thenAccepted()
      .when(alice, (world) => offerCreate(alice, 1n, { parents: [{ offer: lastOffer(world), bps: 9_001 }] }))
      .thenExactly(refused('royalty_sum'));
  });

  it('is revoked by its seller, a former member too, or by an admin, and then not sold', () => {
    const offered = [...people, by(alice, offerCreate(alice, 1n))];
    given(...offered)
      .when(bob, offerRevoke)
      .thenExactly(refused('not_seller'));
    given(...offered, by(founder, memberRemove(alice)))
      .when(alice, offerRevoke)
      .thenAccepted();
    given(...offered)
      .when(founder, offerRevoke)
      .thenAccepted()
      .when(founder, offerRevoke)
      .thenExactly(refused('offer_revoked'))
      .when(bob, purchase(bob, 1n))
      .thenExactly(refused('offer_revoked'));
  });

  it('sells until the millisecond before it expires', () => {
    const offered = [...people, by(alice, offerCreate(alice, 1n, { expiresMs: START_MS + 1_000 }))];
    given(...offered, later(999))
      .when(bob, purchase(bob, 1n))
      .thenAccepted();
    given(...offered, later(1_000))
      .when(bob, purchase(bob, 1n))
      .thenExactly(refused('offer_expired'));
  });
});

describe('a purchase', () => {
  it('moves the price into escrow, and needs no role', () => {
    given(...people, by(founder, memberRemove(bob)), by(alice, offerCreate(alice, 400n)))
      .when(bob, purchase(bob, 400n))
      .thenAccepted()
      .and((world) => expect([balance(world, bob), escrow(world)]).toEqual([600n, 400n]))
      .when(stranger, purchase(stranger, 400n))
      .thenExactly(refused('balance_too_low'));
  });

  it('is open once per buyer and offer; after its end the offer may be bought again', () => {
    given(...bought(1n), by(alice, grant(bob)))
      .when(bob, purchase(bob, 1n))
      .thenExactly(refused('purchase_open'))
      .when(bob, purchaseAccept)
      .thenAccepted()
      .and((world) =>
        expect(world.read(openPurchaseTable, `${bob.publicKey}/${lastOffer(world)}`)).toBeUndefined(),
      )
      .when(bob, purchase(bob, 1n))
      .thenAccepted();
  });

  it('keeps the deadlines of the day it was made, whatever the policy becomes', () => {
    const change = by(founder, policyUpdate(['grant_window_ms', 1_000n], ['dispute_window_ms', 1_000n]));
    given(...bought(1n), change, later(HOUR_MS), by(alice, grant(bob)), later(2 * HOUR_MS))
      .when(carol, purchaseSettle)
      .thenExactly(refused('dispute_window_open'))
      .given(later(1))
      .when(carol, purchaseSettle)
      .thenAccepted();
  });

  it('goes on when its offer is revoked or expires, and when seller and buyer are removed', () => {
    given(
      ...bought(5n, { expiresMs: START_MS + 1_000 }),
      by(alice, offerRevoke),
      by(founder, memberRemove(alice), memberRemove(bob)),
      later(2_000),
      by(alice, grant(bob)),
    )
      .when(bob, purchaseAccept)
      .thenAccepted()
      .and((world) => expect(balance(world, alice)).toBe(5n));
  });
});

describe('the grant', () => {
  it('is the seller’s, within the window, once', () => {
    given(...bought(1n))
      .when(carol, grant(bob))
      .thenExactly(refused('not_seller'));
    given(...bought(1n), later(HOUR_MS + 1))
      .when(alice, grant(bob))
      .thenExactly(refused('grant_window_closed'));
    given(...bought(1n), later(HOUR_MS))
      .when(alice, grant(bob))
      .thenAccepted()
      .and((world) =>
        expect(world.read(purchaseTable, lastPurchase(world))).toMatchObject({
          status: 'granted',
          disputeUntilMs: START_MS + 3 * HOUR_MS,
        }),
      )
      .when(alice, grant(bob))
      .thenExactly(refused('purchase_state'));
  });

  it('keeps a copy of the sealed key that does not change with the bytes it came in', () => {
    const { world } = given(...bought(1n));
    const transaction = world.transaction(alice, [grant(bob)(world)]);
    world.submit(transaction);
    const kept = world.read(purchaseTable, lastPurchase(world))!.sealedKey!.slice();
    transaction.bytes.fill(0);
    expect(world.read(purchaseTable, lastPurchase(world))!.sealedKey).toEqual(kept);
  });
});

describe('the end of a purchase', () => {
  it('accepted: by the buyer alone, at once', () => {
    given(...bought(7n), by(alice, grant(bob)))
      .when(alice, purchaseAccept)
      .thenExactly(refused('not_buyer'))
      .when(bob, purchaseAccept)
      .thenAccepted()
      .and((world) =>
        expect([balance(world, alice), balance(world, bob), escrow(world)]).toEqual([7n, 993n, undefined]),
      );
  });

  it('settled: by anyone, after the dispute window', () => {
    given(...bought(7n), by(alice, grant(bob)), later(2 * HOUR_MS))
      .when(stranger, purchaseSettle)
      .thenExactly(refused('dispute_window_open'))
      .given(later(1))
      .when(stranger, purchaseSettle)
      .thenAccepted()
      .and((world) => expect(balance(world, alice)).toBe(7n));
  });

  it('refunded: by the buyer, when no grant came in time, above their cap too', () => {
    given(...bought(7n), later(HOUR_MS), by(founder, policyUpdate(['max_account_balance', 1n])))
      .when(bob, purchaseRefund)
      .thenExactly(refused('grant_window_open'))
      .given(later(1))
      .when(alice, purchaseRefund)
      .thenExactly(refused('not_buyer'))
      .when(bob, purchaseRefund)
      .thenAccepted()
      .and((world) => expect([balance(world, bob), escrow(world)]).toEqual([1_000n, undefined]))
      .when(alice, grant(bob))
      .thenExactly(refused('purchase_state'));
  });

  it('not refunded once it was granted', () => {
    given(...bought(7n), by(alice, grant(bob)), later(HOUR_MS + 1))
      .when(bob, purchaseRefund)
      .thenExactly(refused('purchase_state'));
  });
});

describe('the payout', () => {
  const accept = (...steps: Parameters<typeof given>) =>
    given(...steps, by(alice, grant(bob))).when(bob, purchaseAccept);

  it('pays royalties of the price first, rounded up, then splits of the rest', () => {
    accept(
      ...people,
      by(carol, offerCreate(carol, 1n)),
      by(alice, (world) =>
        offerCreate(alice, 101n, {
          parents: [{ offer: lastOffer(world), bps: 1_000 }],
          splits: [
            { to: alice.publicKey, bps: 5_000 },
            { to: stranger.publicKey, bps: 5_000 },
          ],
        }),
      ),
      by(bob, purchase(bob, 101n)),
    )
      .thenAccepted()
      .and((world) => {
        // 11 of 101 are royalty, rounded up; 90 are left, 45 to each.
        const id = lastPurchase(world);
        const made = world.chain.finals.at(-1)!.judged.effects.map(({ effect }) => effect);
        expect(made).toStrictEqual([
          {
            kind: 'purchase.changed',
            purchase: id,
            offer: lastOffer(world),
            buyer: bob.publicKey,
            status: 'settled',
            amount: 101n,
          },
          { kind: 'payout.made', purchase: id, to: carol.publicKey, amount: 11n, as: 'royalty' },
          { kind: 'payout.made', purchase: id, to: alice.publicKey, amount: 45n, as: 'split' },
          { kind: 'payout.made', purchase: id, to: stranger.publicKey, amount: 45n, as: 'split' },
        ]);
        expect(treasury(world)).toBe(0n);
      });
  });

  it('sends what lies above a cap to the treasury', () => {
    accept(...bought(30n), by(founder, policyUpdate(['max_account_balance', 20n])))
      .thenAccepted()
      .and((world) => expect([balance(world, alice), treasury(world)]).toEqual([20n, 10n]));
  });

  it('pays royalties to a parent’s seller whatever became of their offer', () => {
    accept(
      ...people,
      by(carol, offerCreate(carol, 1n)),
      by(carol, offerRevoke),
      by(founder, memberRemove(carol)),
      by(alice, (world) => offerCreate(alice, 10n, { parents: [{ offer: lastOffer(world), bps: 9_000 }] })),
      by(bob, purchase(bob, 10n)),
    )
      .thenAccepted()
      .and((world) => expect([balance(world, carol), balance(world, alice)]).toEqual([9n, 1n]));
  });

  it('loses nothing of the largest price there is', () => {
    const price = 2n ** 63n - 1n;
    const { world } = given(
      opened(),
      joined(alice),
      joined(bob, { balance: price }),
      by(
        alice,
        offerCreate(alice, price, {
          splits: Array.from({ length: 16 }, () => ({ to: carol.publicKey, bps: 625 })),
        }),
      ),
      (at) =>
        by(bob, {
          type: 'purchase',
          offer: lastOffer(at),
          amount: price,
          buyerKey: oneTimeKey(bob),
          ...WINDOWS,
        })(at),
      by(alice, grant(bob)),
      by(bob, purchaseAccept),
    );
    expect(balance(world, carol) + treasury(world)).toBe(price);
    expect(treasury(world)).toBe(price - 16n * ((price * 625n) / 10_000n));
  });
});
