/** Packages for sale: offered, found, bought. What follows a purchase is in `purchases.ts`. */

import Type from 'typebox';
import { NotFoundError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import { offerState } from '../../actors/market/contradiction.ts';
import { type Order, transactionOf } from '../../actors/market/order.ts';
import { marketOperations } from '../../events/operations/market.ts';
import { offerOf } from '../cli/resolve.ts';
import { boughtBefore, buyToTheEnd, orderShape } from './buying.ts';
import {
  agentIn,
  amountOf,
  cursor,
  given,
  groupId,
  groupOf,
  idOf,
  limit,
  namesIn,
  ownKey,
  sealed,
} from './call.ts';
import { notice, noticeFor } from './claims.ts';
import { contentShape, offset } from './delivery.ts';
import { CONTENT_CHARACTERS_MAX } from './limits.ts';
import { type Call, define, type Operation } from './operation.ts';
import { describedPage } from './room.ts';
import {
  field,
  flag,
  input,
  list,
  number,
  optional,
  output,
  point,
  pointOut,
  text,
  tokensOut,
  type ValueOf,
} from './schema.ts';

const { offer_create } = marketOperations;

const offer_id = idOf('an offer');

const offerInput = input({
  group_id: groupId,
  title: field(offer_create.fields.title),
  content: Type.String({
    minLength: 1,
    maxLength: CONTENT_CHARACTERS_MAX,
    description: 'what a buyer gets, as text',
  }),
  price: field(offer_create.fields.price, 'whole tokens that a buyer pays you'),
  description: optional(field(offer_create.fields.description)),
  tags: optional(field(offer_create.fields.tags)),
  expires_ms: optional(point('point in time: milliseconds since 1970')),
});
const offerOutput = output({ offer_id: text(), tx_id: text(), height: number() });

export const createOffer = define({
  name: 'create_offer',
  title: 'Offer a package',
  description: 'Encrypts the content and offers it for sale; the node grants every buyer the key by itself.',
  toolset: 'default',
  effect: 'adds',
  input: offerInput,
  output: offerOutput,
  run: (call, terms) => offer(call, terms, 'automatic'),
});

async function offer(call: Call, terms: ValueOf<typeof offerInput>, grants: 'automatic' | 'by_hand') {
  const { group_id, title, content, price, description, tags = [], expires_ms } = terms;
  const { offer, ...receipt } = await agentIn(call, groupOf(call, group_id)).createOffer({
    title,
    content: new TextEncoder().encode(content),
    price: amountOf(price, 'price'),
    tags,
    ...given({ description, expiresMs: expires_ms }),
    grants,
  });
  return { offer_id: offer, ...sealed(receipt) };
}

export const listOffers = define({
  name: 'list_offers',
  title: 'List offers',
  description: 'Packages that are for sale in the group.',
  toolset: 'default',
  effect: 'reads',
  input: input({ group_id: groupId, limit: limit(50), cursor }),
  output: output({
    offers: list(
      output({
        offer_id: text(),
        title: text(),
        price: tokensOut('whole tokens, paid by the buyer'),
        seller: text(),
        seller_name: text(),
        is_own: flag(),
        description: optional(text()),
        tags: list(text()),
        expires_ms: optional(pointOut()),
      }),
    ),
    next_cursor: optional(text()),
    notice,
  }),
  run(call, { group_id, limit = 50, cursor }) {
    const group = groupOf(call, group_id);
    const nowMs = Date.now();
    const open = group.now.offers().filter((offer) => offerState(offer, nowMs) === 'open');
    const nameOf = namesIn(call, group);
    const own = ownKey(call);
    const { page: offers, next } = describedPage(call, open, {
      keyOf: ({ offer }) => offer,
      describe: ({ offer, title, price, seller, description, tags, expiresMs }) => ({
        offer_id: offer,
        title,
        price: price.toString(),
        seller,
        seller_name: nameOf(seller),
        is_own: seller === own,
        tags: [...tags],
        ...given({ description, expires_ms: expiresMs }),
      }),
      cursor,
      limit,
    });
    return { offers, ...next, ...noticeFor(offers) };
  },
});

/** Hosts give a call up after a minute; the order goes on without it. */
const PURCHASE_MS_MAX = 50_000;

export const purchaseOffer = define({
  name: 'purchase_offer',
  title: 'Buy an offer',
  description:
    'Pays into escrow, waits for the key, checks it and the content, accepts, and gives you the content. Repeat it to wait on or read again; it never pays twice.',
  toolset: 'default',
  effect: 'sets',
  input: input({ group_id: groupId, offer_id, offset }),
  output: output({
    ...orderShape,
    tx_id: optional(text()),
    height: optional(number()),
    ...contentShape,
    next: optional(text()),
    notice,
  }),
  async run(call, input) {
    const { ended, fields } = await buyToTheEnd(call, wantedBy(call, input));
    return { ...fields, ...purchasedIn(groupOf(call, input.group_id), ended) };
  },
  async again(call, input, left) {
    const found = await boughtBefore(call, wantedBy(call, input), left);
    return found && { ...found.fields, ...purchasedIn(groupOf(call, input.group_id), found.ended) };
  },
});

function wantedBy(
  call: Call,
  { group_id, offer_id, offset = 0 }: { group_id?: string; offer_id: string; offset?: number },
) {
  const group = groupOf(call, group_id);
  return {
    offer: offerOf(group.now, offer_id).offer,
    groupId: group.groupId,
    waitMs: PURCHASE_MS_MAX,
    offset,
    readOn: (_: Order, next: number) => `the same call with offset ${next} reads on`,
  };
}

/** Where a purchase was sealed, as far as that is known here. */
function purchasedIn(group: Group, order: Order): { tx_id?: string; height?: number } {
  // One that was taken over from an earlier purchase by hand has no transaction of its own.
  if (order.purchase === undefined || order.transaction.length === 0) return {};
  try {
    const { txId, location } = group.findTransaction(transactionOf(order).txId);
    return { tx_id: txId, height: location.height };
  } catch (error) {
    // It was signed anew, and the one before came first.
    if (error instanceof NotFoundError) return {};
    throw error;
  }
}

/** The same for those who do each step themselves; what follows is in `purchases.ts`. */
export const byHand: readonly Operation[] = [
  define({
    name: 'create_offer_by_hand',
    title: 'Offer a package and grant it by hand',
    description:
      'Encrypts the content and offers it for sale; you grant each purchase yourself: grant_purchase.',
    toolset: 'market',
    effect: 'adds',
    input: offerInput,
    output: offerOutput,
    run: (call, terms) => offer(call, terms, 'by_hand'),
  }),
  define({
    name: 'purchase_offer_by_hand',
    title: 'Pay for an offer',
    description:
      "Only pays the price into escrow; the seller's node then grants the key, and you open_purchase and accept_purchase.",
    toolset: 'market',
    effect: 'adds',
    input: input({ group_id: groupId, offer_id }),
    output: output({
      purchase_id: text(),
      offer_id: text(),
      price: text(),
      tx_id: text(),
      height: number(),
    }),
    async run(call, { group_id, offer_id }) {
      const group = groupOf(call, group_id);
      const { offer, price } = offerOf(group.now, offer_id);
      const { purchase, ...receipt } = await agentIn(call, group).purchase(offer);
      return { purchase_id: purchase, offer_id: offer, price: price.toString(), ...sealed(receipt) };
    },
  }),
];
