/** Packages of knowledge, sold through escrow. An offer's and a purchase's id derive from their transaction. */
import { bytesOf, milliseconds, record, timestamp } from '../fields.ts';
import { OFFER_PARENTS_MAX, OFFER_TITLE_CHARACTERS_MAX, SPLITS_MAX } from '../limits.ts';
import {
  amount,
  basisPoints,
  description,
  id,
  list,
  type OperationsOf,
  operation,
  optional,
  tags,
  text,
} from './define.ts';

/** Ephemeral key (32), sealed package key (32), tag (16). */
export const SEALED_KEY_BYTES = 80;

export const splits = list(record({ to: id, bps: basisPoints }), { max: SPLITS_MAX, min: 1 });
export const royalties = list(record({ offer: id, bps: basisPoints }), { max: OFFER_PARENTS_MAX });

export const marketOperations = {
  offer_create: operation(60, 'Offers a package for sale (member).', {
    packageHash: id,
    keyHash: id,
    title: text({ maxCharacters: OFFER_TITLE_CHARACTERS_MAX, min: 1 }),
    description: optional(description),
    tags,
    price: amount,
    splits,
    parents: royalties,
    expiresMs: optional(timestamp),
  }),
  offer_revoke: operation(61, 'Ends an offer (seller or admin).', { offer: id }),
  purchase: operation(62, 'Buys: the price moves into escrow (anyone with a balance).', {
    offer: id,
    amount,
    buyerKey: id,
    /** The windows that the buyer has seen and agrees to: the policy's, or there is no purchase. */
    grantWindowMs: milliseconds,
    disputeWindowMs: milliseconds,
  }),
  grant: operation(63, "Hands over the package's key, sealed to the buyer (seller).", {
    purchase: id,
    sealedKey: bytesOf(SEALED_KEY_BYTES),
  }),
  purchase_accept: operation(64, 'Accepts the delivery and pays out (buyer).', { purchase: id }),
  purchase_settle: operation(65, 'Pays out once the dispute window has passed (anyone).', { purchase: id }),
  purchase_refund: operation(66, 'Takes the money back when no grant came in time (buyer).', {
    purchase: id,
  }),
  purchase_dispute: operation(67, 'Proves a wrong key by revealing the one-time secret (buyer).', {
    purchase: id,
    oneTimeSecret: bytesOf(32),
  }),
};
export type MarketOperation = OperationsOf<typeof marketOperations>;
