/** The market between nodes: purchases that run to their end by themselves, and what is announced beyond the group. */
import { RefusedError } from '../../actors/errors.ts';
import type { Order } from '../../actors/market/order.ts';
import { marketOperations } from '../../events/operations/market.ts';
import { refuse } from '../../events/refusals.ts';
import { offerOf } from '../cli/resolve.ts';
import { boughtBefore, buyToTheEnd, orderFields, orderShape } from './buying.ts';
import { amountOf, cursor, groupId, groupOf, IdentityRequiredError, idOf, limit, ownKey } from './call.ts';
import { assertWanted } from './cancelled.ts';
import { notice, noticeFor } from './claims.ts';
import { contentShape, offset } from './delivery.ts';
import { networkOf } from './network.ts';
import { define, type Operation } from './operation.ts';
import { describedPage } from './room.ts';
import {
  field,
  flag,
  input,
  integer,
  list,
  number,
  optional,
  output,
  pointOut,
  text,
  tokensOut,
} from './schema.ts';

const WAIT_SECONDS = 60;
const WAIT_SECONDS_MAX = 600;

const buyOffer = define({
  name: 'buy_offer',
  title: 'Buy to the end',
  description:
    'Fetches the package, pays, waits for the key, checks both, accepts, and gives you the content; against a bad key the money comes back. Call it again to go on or to read it again: it never pays twice.',
  toolset: 'market',
  effect: 'sets',
  isOpenWorld: true,
  // The group may be any that was announced.
  isNodeWide: true,
  input: input({
    group_id: optional(text('group: id or name, or the id of one elsewhere that an announcement names')),
    offer_id: idOf('an offer'),
    price: optional(
      field(marketOperations.offer_create.fields.price, 'whole tokens of yours: refused at another price'),
    ),
    wait_seconds: optional(
      integer(0, WAIT_SECONDS_MAX, { default: WAIT_SECONDS, description: 'span in seconds to wait at most' }),
    ),
    again: optional(flag('buy once more what was delivered before')),
    offset,
  }),
  output: output({ ...orderShape, ...contentShape, next: optional(text()), notice }),
  run: async (call, input) => (await buyToTheEnd(call, wantedBy(input))).fields,
  again: async (call, input, left) => (await boughtBefore(call, wantedBy(input), left))?.fields,
});

function wantedBy(input: {
  readonly group_id?: string;
  readonly offer_id: string;
  readonly price?: string | number;
  readonly wait_seconds?: number;
  readonly again?: boolean;
  readonly offset?: number;
}) {
  const { group_id, offer_id, price, wait_seconds = WAIT_SECONDS, again = false, offset = 0 } = input;
  return {
    offer: offer_id,
    groupId: group_id,
    again,
    waitMs: wait_seconds * 1_000,
    offset,
    readOn: (_: Order, next: number) => `the same call with offset ${next} and without again reads on`,
    ...(price === undefined ? {} : { price: amountOf(price, 'price') }),
  };
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
    const describe = (one: Order) => orderFields(call, one);
    const { page: orders, next } = describedPage(call, mine, { keyOf, describe, cursor, limit });
    return { orders, ...next, ...noticeFor(orders.map(() => ({ is_own: false }))) };
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
        price: tokensOut(),
        seller: text(),
        tags: list(text()),
        expires_ms: pointOut(),
        is_own: flag(),
      }),
    ),
    next_cursor: optional(text()),
    notice,
  }),
  run(call, { limit = 50, cursor }) {
    const heard = call.node.market.announcements.list();
    const keyOf = ({ announcement }: (typeof heard)[number]) =>
      `${announcement.seller}/${announcement.offer}`;
    const describe = ({ announcement, from }: (typeof heard)[number]) => ({
      group_id: announcement.groupId,
      offer_id: announcement.offer,
      title: announcement.title,
      price: announcement.price.toString(),
      seller: announcement.seller,
      tags: [...announcement.tags],
      expires_ms: announcement.expiresMs,
      is_own: from === undefined,
    });
    const { page: announcements, next } = describedPage(call, heard, { keyOf, describe, cursor, limit });
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
  input: input({ group_id: groupId, offer_id: idOf('an offer of yours') }),
  output: output({ group_id: text(), offer_id: text(), expires_ms: pointOut() }),
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
