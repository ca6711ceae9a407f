/**
 * Orders on disk: what a buyer of this node has set out to buy, and how far it has got.
 *
 *   'order/' the purchase's one-time key  →  the record below
 *
 * The key is fresh for every purchase and stands in it, so it is the order's id, whoever seals the purchase and under
 * whichever transaction. Orders are kept after their end: they say which of one's keys opens what one has paid for.
 */
import { sha256 } from '../../crypto/hash.ts';
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../../events/bytes.ts';
import { type Codec, decode, encode, type Of } from '../../events/codec.ts';
import {
  amount,
  blob,
  boolean,
  bytesOf,
  id,
  list,
  oneOf,
  optional,
  record,
  text,
  timestamp,
  uint,
} from '../../events/fields.ts';
import { OFFER_TITLE_CHARACTERS_MAX, TRANSACTION_BYTES_MAX } from '../../events/limits.ts';
import { SEALED_KEY_BYTES } from '../../events/operations/market.ts';
import { refusalCodec } from '../../events/refusal-codec.ts';
import type { Refusal } from '../../events/refusals.ts';
import { decodeTransaction, markVerified, type VerifiedTransaction } from '../../events/transaction.ts';
import { purchaseIdOf } from '../../machines/market.ts';
import type { OpaqueMap } from '../../storage/opaque-map.ts';
import { hintCodec } from '../invites.ts';
import { ORDER_STATES } from './order.machine.ts';

const PREFIX = utf8('order/');
const ORDER_VERSION = 1;
/** Peers that are remembered with an order: where the seller and the group were when it was made. */
export const ORDER_PEERS_MAX = 8;

export const orderCodec = record({
  version: uint(0xff),
  /** The public one-time key of the purchase. */
  order: id,
  groupId: id,
  offer: id,
  buyer: id,
  state: oneOf(...ORDER_STATES),
  createdMs: timestamp,
  changedMs: timestamp,
  /** What the chain said of the offer when it was ordered. */
  seller: id,
  title: text({ maxCharacters: OFFER_TITLE_CHARACTERS_MAX }),
  price: amount,
  packageHash: id,
  keyHash: id,
  /** Whether the buyer is not a member: they learn of the chain by proofs, from these peers. */
  isStranger: boolean,
  peers: list(hintCodec, { max: ORDER_PEERS_MAX }),
  /** The signed purchase. The only one that is under way; where it is signed anew, it replaces the first. */
  transaction: blob(TRANSACTION_BYTES_MAX),
  /** The purchase, once the chain has it. */
  purchase: optional(id),
  sealedKey: optional(bytesOf(SEALED_KEY_BYTES)),
  grantUntilMs: optional(timestamp),
  disputeUntilMs: optional(timestamp),
  /** Why the rules refused the purchase. */
  refusal: optional(refusalCodec as Codec<Refusal>),
});
export type Order = Omit<Of<typeof orderCodec>, 'version'>;

const keyOf = (order: Hex32): Uint8Array => concatBytes(PREFIX, fromHex(order));

/** Every order of this node. */
export function readOrders(map: OpaqueMap): Order[] {
  return Array.from(map.list(PREFIX), ([, value]) => {
    const { version: _, ...order } = decode(orderCodec, value.slice());
    return order;
  });
}

/** Resolves when it is on disk. */
export function writeOrder(map: OpaqueMap, order: Order): Promise<void> {
  return map.put(keyOf(order.order), encode(orderCodec, { version: ORDER_VERSION, ...order }));
}

/** The signed purchase of an order: this node's own, whose signature needs no check. */
export function transactionOf(order: Order): VerifiedTransaction {
  const transaction = decodeTransaction(order.transaction);
  const txId = sha256(transaction.payload);
  return markVerified(transaction, toHex(txId), txId);
}

/** The purchase that the order's own transaction makes; nothing where the order has taken one up. */
export function ownPurchaseOf(order: Order): Hex32 | undefined {
  return order.transaction.length === 0 ? undefined : purchaseIdOf(transactionOf(order).txIdBytes, 0, sha256);
}
