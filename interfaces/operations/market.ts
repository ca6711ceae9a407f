/** Packages for sale: offered, found, bought. What follows a purchase is in `purchases.ts`. */

import Type from 'typebox';
import { offerState } from '../../actors/market/contradiction.ts';
import { marketOperations } from '../../events/operations/market.ts';
import { offerOf } from '../cli/resolve.ts';
import {
  agentIn,
  amountOf,
  cursor,
  given,
  groupId,
  groupOf,
  limit,
  namesIn,
  ownKey,
  pageOf,
  sealed,
} from './call.ts';
import { notice, noticeFor } from './claims.ts';
import { define } from './operation.ts';
import { field, flag, input, list, number, optional, output, text } from './schema.ts';

const { offer_create } = marketOperations;

export const createOffer = define({
  name: 'create_offer',
  title: 'Offer a package',
  description: 'Encrypts the content and offers it for sale; the node grants every buyer the key by itself.',
  toolset: 'default',
  effect: 'adds',
  input: input({
    group_id: groupId,
    title: field(offer_create.fields.title),
    content: Type.String({ minLength: 1 }),
    price: field(offer_create.fields.price),
    description: optional(field(offer_create.fields.description)),
    tags: optional(field(offer_create.fields.tags)),
    expires_ms: optional(field(offer_create.fields.expiresMs)),
    by_hand: optional(flag('Whether you grant each purchase yourself (grant_purchase).')),
  }),
  output: output({ offer_id: text(), tx_id: text(), height: number() }),
  async run(call, { group_id, title, content, price, description, tags = [], expires_ms, by_hand }) {
    const group = groupOf(call, group_id);
    const { offer, ...receipt } = await agentIn(call, group).createOffer({
      title,
      content: new TextEncoder().encode(content),
      price: amountOf(price, 'price'),
      tags,
      ...given({ description, expiresMs: expires_ms }),
      grants: by_hand ? 'by_hand' : 'automatic',
    });
    return { offer_id: offer, ...sealed(receipt) };
  },
});

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
        price: text(),
        seller: text(),
        seller_name: text(),
        is_own: flag(),
        description: optional(text()),
        tags: list(text()),
        expires_ms: optional(number()),
      }),
    ),
    next_cursor: optional(text()),
    notice,
  }),
  run(call, { group_id, limit = 50, cursor }) {
    const group = groupOf(call, group_id);
    const nowMs = Date.now();
    const open = group.now.offers().filter((offer) => offerState(offer, nowMs) === 'open');
    const { page, next } = pageOf(open, ({ offer }) => offer, { cursor, limit });
    const nameOf = namesIn(call, group);
    const own = ownKey(call);
    const offers = page.map(({ offer, title, price, seller, description, tags, expiresMs }) => ({
      offer_id: offer,
      title,
      price: price.toString(),
      seller,
      seller_name: nameOf(seller),
      is_own: seller === own,
      tags: [...tags],
      ...given({ description, expires_ms: expiresMs }),
    }));
    return { offers, ...next, ...noticeFor(offers) };
  },
});

export const purchaseOffer = define({
  name: 'purchase_offer',
  title: 'Buy an offer',
  description: "Pays the price into escrow; the seller's node then grants the key, and you open and accept.",
  toolset: 'default',
  effect: 'adds',
  input: input({ group_id: groupId, offer_id: text() }),
  output: output({ purchase_id: text(), offer_id: text(), price: text(), tx_id: text(), height: number() }),
  async run(call, { group_id, offer_id }) {
    const group = groupOf(call, group_id);
    const { offer, price } = offerOf(group.now, offer_id);
    const { purchase, ...receipt } = await agentIn(call, group).purchase(offer);
    return { purchase_id: purchase, offer_id: offer, price: price.toString(), ...sealed(receipt) };
  },
});
