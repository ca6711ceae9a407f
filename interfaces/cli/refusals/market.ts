/** Words for what the rules of the market say no to. */
import type { PurchaseStatus } from '../../../events/effects.ts';
import { formatSpan, shortId } from '../text.ts';
import { moment, type SomeWords } from './say.ts';

const OFFERS = 'lb list-offers shows what is for sale';
const PURCHASES = 'lb purchases shows what can be done with each';

/** What a purchase is like in a state, and what can be done with it then. */
const PURCHASE_STATES: { readonly [S in PurchaseStatus]: readonly [is: string, next: string] } = {
  escrowed: [
    'waits for the key: the seller has not granted it yet',
    `the seller does that with: lb grant; ${PURCHASES}`,
  ],
  granted: ['has its key granted', 'the buyer goes on with: lb open-purchase, then lb accept-purchase'],
  settled: ['is paid out and over', PURCHASES],
  refunded: ['is over: the money went back to the buyer', OFFERS],
  disputed: ['is over: the buyer disputed it and has the money back', OFFERS],
};

const DONE_TO_PURCHASE: Readonly<Record<string, string>> = {
  grant: 'granted',
  open: 'opened',
  accept: 'accepted',
  settle: 'settled',
  refund: 'refunded',
  dispute: 'disputed',
};

export const marketWords = {
  offer_expiry_past: ({ expiresMs }, say) => [
    `the offer would have ended at ${moment(expiresMs, say)}`,
    'name a time to come with --expires',
  ],
  offer_unknown: ({ offer }) => [`there is no offer ${shortId(offer)} in the group`, OFFERS],
  not_seller: ({ seller }, { name }) => [
    `only the seller may do this, and that is ${name(seller)}`,
    'sign as the seller with --as',
  ],
  offer_revoked: ({ offer }) => [`the offer ${shortId(offer)} was ended by its seller or an admin`, OFFERS],
  offer_expired: ({ offer, expiresMs }, say) => [
    `the offer ${shortId(offer)} ended at ${moment(expiresMs, say)}`,
    OFFERS,
  ],
  own_offer: ({ offer }) => [
    `the offer ${shortId(offer)} is the signer's own, and nobody buys from themselves`,
    'sign as somebody else with --as',
  ],
  price_mismatch: ({ price, amount }, { tokens }) => [
    `the price is ${tokens(price)}, and ${tokens(amount)} were offered`,
    OFFERS,
  ],
  terms_changed: ({ grantWindowMs, disputeWindowMs }) => [
    `the group changed its windows: ${formatSpan(grantWindowMs)} to grant and ${formatSpan(disputeWindowMs)} to dispute, other than what was agreed to`,
    'buy again if that is fine; lb policy shows both windows',
  ],
  purchase_open: ({ purchase }) => [
    `there is a purchase of this offer that is not over: ${shortId(purchase)}`,
    PURCHASES,
  ],
  purchase_unknown: ({ purchase }) => [
    `there is no purchase ${shortId(purchase)} in the group`,
    'lb purchases shows all of them',
  ],
  not_buyer: ({ buyer }, { name }) => [
    `only the buyer may do this, and that is ${name(buyer)}`,
    'sign as the buyer with --as',
  ],
  purchase_state: ({ purchase, status, event }) => {
    const [is, next] = PURCHASE_STATES[status as PurchaseStatus] ?? [`is ${status}`, PURCHASES];
    return [
      `the purchase ${shortId(purchase)} ${is}, so it cannot be ${DONE_TO_PURCHASE[event] ?? event}`,
      next,
    ];
  },
  grant_window_closed: ({ purchase, untilMs }, say) => [
    `the time to grant the purchase ${shortId(purchase)} ended at ${moment(untilMs, say)}`,
    'the buyer may take the money back with: lb refund-purchase, and buy again',
  ],
  grant_window_open: ({ purchase, untilMs }, say) => [
    `the seller has until ${moment(untilMs, say)} to grant the purchase ${shortId(purchase)}`,
    'wait for the grant, or take the money back after that time with: lb refund-purchase',
  ],
  dispute_window_open: ({ purchase, untilMs }, say) => [
    `the buyer has until ${moment(untilMs, say)} to check the purchase ${shortId(purchase)}`,
    'settle it after that time, or have the buyer accept it with: lb accept-purchase',
  ],
  dispute_window_closed: ({ purchase, untilMs }, say) => [
    `the time to dispute the purchase ${shortId(purchase)} ended at ${moment(untilMs, say)}`,
    'it can only be paid out now: lb accept-purchase or lb settle-purchase',
  ],
  dispute_secret_mismatch: ({ purchase }) => [
    `the secret that was shown is not the one of the purchase ${shortId(purchase)}`,
    'dispute it from the node that bought it, which keeps the secret',
  ],
  dispute_unfounded: ({ purchase }) => [
    `the key of the purchase ${shortId(purchase)} opens and is the one that was promised`,
    'look at what was delivered with: lb open-purchase',
  ],
} satisfies SomeWords;
