/** The market between nodes: purchases that run to their end by themselves, and what is announced beyond the group. */
import { RefusedError } from '../../actors/errors.ts';
import type { CheckedDelivery } from '../../actors/market/desk.ts';
import type { Order } from '../../actors/market/order.ts';
import { concatBytes } from '../../events/bytes.ts';
import { marketOperations } from '../../events/operations/market.ts';
import { refuse } from '../../events/refusals.ts';
import { offerOf } from '../cli/resolve.ts';
import {
  amountOf,
  cursor,
  given,
  groupId,
  groupOf,
  IdentityRequiredError,
  limit,
  ownKey,
  pageOf,
} from './call.ts';
import { assertWanted } from './cancelled.ts';
import { notice, noticeFor } from './claims.ts';
import { findOffer } from './found-offer.ts';
import { networkOf } from './network.ts';
import { type Call, define, type Operation } from './operation.ts';
import { content, readable } from './purchases.ts';
import { field, flag, input, integer, list, number, optional, output, text } from './schema.ts';

/** Larger packages are written to files, by lb buy-offer --out. */
const INLINE_BYTES_MAX = 1_048_576;
const WAIT_SECONDS = 60;
const WAIT_SECONDS_MAX = 600;

const orderShape = {
  order_id: text(),
  group_id: text(),
  offer_id: text(),
  title: text(),
  price: text(),
  seller: text(),
  status: text(),
  purchase_id: optional(text()),
  /** What keeps it from going on. */
  trouble: optional(text()),
};

function orderFields({ node }: Call, one: Order) {
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

const buyOffer = define({
  name: 'buy_offer',
  title: 'Buy to the end',
  description:
    'Fetches the package, pays, waits for the key, checks both, accepts, and gives you the content; against a bad key the money comes back. Call it again to go on or to read it again: it never pays twice.',
  toolset: 'market',
  effect: 'sets',
  isOpenWorld: true,
  input: input({
    group_id: optional(text('also one that is elsewhere, of an announcement')),
    offer_id: text(),
    price: optional(field(marketOperations.offer_create.fields.price)),
    wait_seconds: optional(integer(0, WAIT_SECONDS_MAX, { default: WAIT_SECONDS })),
    again: optional(flag('buy once more what was delivered before')),
  }),
  output: output({
    ...orderShape,
    bytes: optional(number()),
    ...content,
    notice,
  }),
  async run(call, { group_id, offer_id, price, wait_seconds = WAIT_SECONDS, again = false }) {
    const { node, identity } = call;
    if (identity === undefined) throw new IdentityRequiredError();
    const found = findOffer(node, offer_id, group_id);
    const expected = price === undefined ? found.price : amountOf(price, 'price');
    const { order } = await node.market.buy({
      groupId: found.groupId,
      offer: found.offer,
      as: identity,
      peers: found.peers,
      again,
      ...given({ price: expected }),
    });
    const ended = await ending(call, order, wait_seconds * 1_000);
    if (ended.state === 'failed') throw new RefusedError(ended.refusal!);
    const delivery = ended.state === 'settled' ? await node.market.orders.open(order) : undefined;
    return {
      ...orderFields(call, ended),
      ...(delivery?.status === 'opened' ? { bytes: delivery.bytes, ...(await inline(delivery)) } : {}),
      ...noticeFor([{ is_own: false }]),
    };
  },
});

/** The order as it is when it is over, or after `waitMs`; its steps are told as progress. */
async function ending(call: Call, order: string, waitMs: number): Promise<Order> {
  const { orders } = call.node.market;
  let steps = 0;
  const watching = orders.changed$.subscribe((changed) => {
    if (changed.order === order) call.progress(++steps, undefined, `the order is ${changed.state}`);
  });
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(Math.max(1, waitMs))]);
  try {
    return await orders.until(order, ({ state }) => state === 'unfit', signal);
  } finally {
    watching.unsubscribe();
    assertWanted(call.signal);
  }
}

/** The content, as far as it is small enough for an answer. */
async function inline({ bytes, content }: CheckedDelivery): Promise<ReturnType<typeof readable> | undefined> {
  if (bytes > INLINE_BYTES_MAX) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of content()) pieces.push(piece);
  return readable(concatBytes(...pieces));
}

const listOrders = define({
  name: 'list_orders',
  title: 'List your orders',
  description: 'What you have ordered with buy_offer, in this and other groups, and how far it is.',
  toolset: 'market',
  effect: 'reads',
  input: input({ limit: limit(50), cursor }),
  output: output({ orders: list(output(orderShape)), next_cursor: optional(text()), notice }),
  run(call, { limit = 50, cursor }) {
    const own = ownKey(call);
    const mine = call.node.market.orders.list().filter(({ buyer }) => buyer === own);
    const keyOf = ({ createdMs, order }: Order) => `${String(createdMs).padStart(16, '0')}/${order}`;
    const { page, next } = pageOf(mine, keyOf, { cursor, limit });
    return {
      orders: page.map((one) => orderFields(call, one)),
      ...next,
      ...noticeFor(page.map(() => ({ is_own: false }))),
    };
  },
});

const listAnnouncements = define({
  name: 'list_announcements',
  title: 'List announcements',
  description:
    'Packages that sellers of other groups announce; buy_offer buys them. The chain has the last word.',
  toolset: 'market',
  effect: 'reads',
  input: input({ limit: limit(50), cursor }),
  output: output({
    announcements: list(
      output({
        group_id: text(),
        offer_id: text(),
        title: text(),
        price: text(),
        seller: text(),
        tags: list(text()),
        expires_ms: number(),
        is_own: flag(),
      }),
    ),
    next_cursor: optional(text()),
    notice,
  }),
  run({ node }, { limit = 50, cursor }) {
    const heard = node.market.announcements.list();
    const keyOf = ({ announcement }: (typeof heard)[number]) =>
      `${announcement.seller}/${announcement.offer}`;
    const { page, next } = pageOf(heard, keyOf, { cursor, limit });
    const announcements = page.map(({ announcement, from }) => ({
      group_id: announcement.groupId,
      offer_id: announcement.offer,
      title: announcement.title,
      price: announcement.price.toString(),
      seller: announcement.seller,
      tags: [...announcement.tags],
      expires_ms: announcement.expiresMs,
      is_own: from === undefined,
    }));
    return { announcements, ...next, ...noticeFor(announcements) };
  },
});

const pullAnnouncements = define({
  name: 'pull_announcements',
  title: 'Ask what is for sale',
  description: 'Asks all connected peers for their announcements; list_announcements shows them.',
  toolset: 'market',
  effect: 'sets',
  isOpenWorld: true,
  input: input({}),
  output: output({ peers: number(), taken: number(), known: number() }),
  async run(call) {
    const { peers, market } = networkOf(call);
    const connected = peers.connectedKeys();
    let taken = 0;
    for (const [at, peer] of connected.entries()) {
      assertWanted(call.signal);
      call.progress(at, connected.length, `peer ${at + 1} of ${connected.length}`);
      taken += await market.announcements.pull(peer);
    }
    return { peers: connected.length, taken, known: call.node.market.announcements.list().length };
  },
});

const announceOffer = define({
  name: 'announce_offer',
  title: 'Announce an offer',
  description:
    'Tells nodes outside the group of an offer of yours, for as long as it is open: its title, price and tags, and that the group exists.',
  toolset: 'market',
  effect: 'sets',
  isOpenWorld: true,
  input: input({ group_id: groupId, offer_id: text() }),
  output: output({ group_id: text(), offer_id: text(), expires_ms: number() }),
  async run(call, { group_id, offer_id }) {
    const own = ownKey(call);
    if (own === undefined) throw new IdentityRequiredError();
    const group = groupOf(call, group_id);
    const { offer, seller } = offerOf(group.now, offer_id);
    // Other identities of this node sign for themselves.
    if (seller !== own) throw new RefusedError(refuse('not_seller', { seller }));
    const { expiresMs } = await call.node.market.announce(group.groupId, offer);
    return { group_id: group.groupId, offer_id: offer, expires_ms: expiresMs };
  },
});

export const orderDesk: readonly Operation[] = [
  buyOffer,
  listOrders,
  listAnnouncements,
  pullAnnouncements,
  announceOffer,
];
