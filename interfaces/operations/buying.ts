/** A purchase that runs to its end in one call: ordered, paid, granted, checked, accepted, and read. */
import { RefusedError } from '../../actors/errors.ts';
import { isFinal } from '../../actors/market/order.machine.ts';
import type { Order } from '../../actors/market/order.ts';
import { given, IdentityRequiredError } from './call.ts';
import { assertWanted } from './cancelled.ts';
import { noticeFor } from './claims.ts';
import { pieceOf } from './delivery.ts';
import { findOffer } from './found-offer.ts';
import type { Call } from './operation.ts';
import type { LeftBehind } from './receipt-again.ts';
import { optional, text, tokensOut } from './schema.ts';

export const orderShape = {
  order_id: text(),
  group_id: text(),
  offer_id: text(),
  title: text(),
  price: tokensOut('whole tokens, paid by the buyer'),
  seller: text(),
  status: text(),
  purchase_id: optional(text()),
  /** What keeps it from going on. */
  trouble: optional(text()),
};

/** An order, as interfaces give it out. */
export function orderFields({ node }: Call, one: Order) {
  const { order, groupId, offer, title, price, seller, state, purchase } = one;
  return {
    order_id: order,
    group_id: groupId,
    offer_id: offer,
    title,
    price: price.toString(),
    seller,
    status: state,
    ...given({ purchase_id: purchase, trouble: node.market.orders.troubleOf(order) }),
  };
}

interface Purchase {
  readonly offer: string;
  /** The group it is of, by id or name; any, if not given. */
  readonly groupId: string | undefined;
  /** What it may cost, if the caller has said so. */
  readonly price?: bigint;
  readonly again?: boolean;
  /** How long to wait for the end. */
  readonly waitMs: number;
  /** From where the content is read. */
  readonly offset: number;
  /** Says how the content is read on. */
  readOn(order: Order, offset: number): string;
}

/**
 * Buys, or goes on with what was bought before, and gives the order with what it has brought. The order runs by
 * itself: a caller that goes away, or whose time is up, ends the waiting, and the same call waits on.
 * @throws RefusedError where the rules refuse the purchase, CancelledError
 */
export async function buyToTheEnd(call: Call, purchase: Purchase) {
  const { node, identity } = call;
  if (identity === undefined) throw new IdentityRequiredError();
  const { offer, groupId, again = false } = purchase;
  const found = findOffer(node, offer, groupId);
  const { order } = await node.market.buy({
    groupId: found.groupId,
    offer: found.offer,
    as: identity,
    peers: found.peers,
    again,
    ...given({ price: purchase.price ?? found.price }),
  });
  return followed(call, order, purchase);
}

/** The same for a call that was made before: a second order would pay a second time. */
export function boughtBefore(call: Call, purchase: Purchase, { sealed, noted: { order } }: LeftBehind) {
  if (order !== undefined && call.node.market.orders.list().some((one) => one.order === order))
    return followed(call, order, purchase);
  return sealed && buyToTheEnd(call, { ...purchase, again: false });
}

/** The same for an order that is placed. */
async function followed(
  call: Call,
  order: string,
  { waitMs, offset, readOn }: Pick<Purchase, 'waitMs' | 'offset' | 'readOn'>,
) {
  const { node } = call;
  const ended = await ending(call, order, waitMs);
  if (ended.state === 'failed') throw new RefusedError(ended.refusal!);
  const delivery = ended.state === 'settled' ? await node.market.orders.open(order) : undefined;
  return {
    ended,
    fields: {
      ...orderFields(call, ended),
      ...(delivery?.status === 'opened'
        ? await pieceOf(call, delivery, offset, (next) => readOn(ended, next))
        : {}),
      ...(isFinal(ended.state) || ended.state === 'unfit'
        ? {}
        : { next: 'it goes on by itself; the same call waits on, and never pays twice' }),
      ...noticeFor([{ is_own: false }]),
    },
  };
}

/** The order as it is when it is over, or after `waitMs`; its steps are told as progress. */
async function ending(call: Call, order: string, waitMs: number): Promise<Order> {
  const { orders } = call.node.market;
  let steps = 0;
  const watching = orders.changed$.subscribe((changed) => {
    if (changed.order === order) call.progress(++steps, undefined, `the order is ${changed.state}`);
  });
  const { signal: gone, leaving = gone } = call;
  const signal = AbortSignal.any([gone, leaving, AbortSignal.timeout(Math.max(1, waitMs))]);
  try {
    return await orders.until(order, ({ state }) => state === 'unfit', signal);
  } finally {
    watching.unsubscribe();
    assertWanted(call.signal);
  }
}
