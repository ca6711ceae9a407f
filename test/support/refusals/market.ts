/** What the rules of the market refuse. */
import { ROYALTY_BPS_MAX } from '../../../events/limits.ts';
import {
  grant,
  lastOffer,
  lastPurchase,
  offerCreate,
  offerRevoke,
  oneTimeKey,
  oneTimeSecret,
  purchase,
  purchaseAccept,
  purchaseDispute,
  purchaseRefund,
  purchaseSettle,
} from '../market.ts';
import { HOUR_MS, policyUpdate, WINDOWS } from '../operations.ts';
import { alice, bob, carol, founder, hashOf } from '../people.ts';
import { by, joined, later, opened } from '../rules.ts';
import { START_MS, type World } from '../world.ts';
import { operations, type SomeScenarios } from './scenario.ts';

const seller = alice.publicKey;
const nowhere = hashOf('nowhere');
const people = [opened(), joined(alice), joined(bob, { balance: 100n }), joined(carol, { balance: 100n })];
/** Alice sells; Bob buys; Alice grants. */
const offered = [...people, by(alice, offerCreate(alice, 10n))];
const bought = [...offered, by(bob, purchase(bob, 10n))];
const granted = [...bought, by(alice, grant(bob))];
const offer = (world: World) => ({ offer: lastOffer(world) });
const grantUntilMs = START_MS + HOUR_MS;
const disputeUntilMs = START_MS + 2 * HOUR_MS;
const until = (untilMs: number) => (world: World) => ({ purchase: lastPurchase(world), untilMs });

export const marketScenarios = {
  split_sum: operations(people, alice, [offerCreate(alice, 10n, { splits: [{ to: seller, bps: 9_999 }] })], {
    sum: 9_999,
  }),
  royalty_sum: operations(
    offered,
    alice,
    [
      (world) =>
        offerCreate(alice, 10n, {
          parents: [
            { offer: lastOffer(world), bps: ROYALTY_BPS_MAX },
            { offer: lastOffer(world), bps: 1 },
          ],
        }),
    ],
    { sum: ROYALTY_BPS_MAX + 1, max: ROYALTY_BPS_MAX },
  ),
  offer_expiry_past: operations(people, alice, [offerCreate(alice, 10n, { expiresMs: START_MS })], {
    expiresMs: START_MS,
    nowMs: START_MS,
  }),
  offer_unknown: operations(
    people,
    bob,
    [{ type: 'purchase', offer: nowhere, amount: 1_000n, buyerKey: oneTimeKey(bob), ...WINDOWS }],
    { offer: nowhere },
  ),
  not_seller: operations(offered, bob, [offerRevoke], { seller }),
  offer_revoked: operations([...offered, by(alice, offerRevoke)], bob, [purchase(bob, 10n)], offer),
  offer_expired: operations(
    [...people, by(alice, offerCreate(alice, 10n, { expiresMs: START_MS + 5_000 })), later(5_000)],
    bob,
    [purchase(bob, 10n)],
    (world) => ({ offer: lastOffer(world), expiresMs: START_MS + 5_000 }),
  ),
  own_offer: operations(offered, alice, [purchase(alice, 10n)], offer),
  price_mismatch: operations(offered, bob, [purchase(bob, 11n)], { price: 10n, amount: 11n }),
  terms_changed: operations(
    [...offered, by(founder, policyUpdate(['dispute_window_ms', 1_000n]))],
    bob,
    [(world) => ({ ...purchase(bob, 10n)(world), ...WINDOWS })],
    { grantWindowMs: WINDOWS.grantWindowMs, disputeWindowMs: 1_000 },
  ),
  purchase_open: operations(bought, bob, [purchase(bob, 10n)], (world) => ({
    purchase: lastPurchase(world),
  })),
  purchase_unknown: operations(people, bob, [{ type: 'purchase_accept', purchase: nowhere }], {
    purchase: nowhere,
  }),
  not_buyer: operations(granted, carol, [purchaseAccept], { buyer: bob.publicKey }),
  purchase_state: operations(bought, bob, [purchaseAccept], (world) => ({
    purchase: lastPurchase(world),
    status: 'escrowed',
    event: 'accept',
  })),
  grant_window_closed: operations([...bought, later(HOUR_MS + 1)], alice, [grant(bob)], until(grantUntilMs)),
  grant_window_open: operations([...bought, later(HOUR_MS)], bob, [purchaseRefund], until(grantUntilMs)),
  dispute_window_open: operations(
    [...granted, later(2 * HOUR_MS)],
    carol,
    [purchaseSettle],
    until(disputeUntilMs),
  ),
  dispute_window_closed: operations(
    [...granted, later(2 * HOUR_MS + 1)],
    bob,
    [purchaseDispute(oneTimeSecret(bob))],
    until(disputeUntilMs),
  ),
  dispute_secret_mismatch: operations(
    granted,
    bob,
    [purchaseDispute(oneTimeSecret(bob, 'another'))],
    (world) => ({ purchase: lastPurchase(world) }),
  ),
  dispute_unfounded: operations(granted, bob, [purchaseDispute(oneTimeSecret(bob))], (world) => ({
    purchase: lastPurchase(world),
  })),
} satisfies SomeScenarios;
