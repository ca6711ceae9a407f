/** What follows a purchase: the seller grants the key, the buyer opens, accepts or disputes. */
import type { Agent } from '../../actors/agent.ts';
import { NotFoundError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import type { Purchase } from '../../actors/group-view.ts';
import { offerOf, purchaseOf } from '../cli/resolve.ts';
import { act } from './act.ts';
import { agentIn, cursor, groupId, groupOf, idOf as id, limit, ownKey, sealed } from './call.ts';
import { notice, noticeFor } from './claims.ts';
import { contentShape, offset, pieceOf } from './delivery.ts';
import { byHand } from './market.ts';
import { nextStep } from './next-step.ts';
import { operationOfVerb } from './next-steps.ts';
import { type Call, define, type Operation } from './operation.ts';
import { describedPage } from './room.ts';
import { flag, input, list, number, optional, output, text, tokensOut } from './schema.ts';

const purchase_id = id('a purchase');

const listPurchases = define({
  name: 'list_purchases',
  title: 'List purchases',
  description: 'Purchases of the group, and whose turn it is.',
  toolset: 'market',
  effect: 'reads',
  input: input({ group_id: groupId, limit: limit(50), cursor }),
  output: output({
    purchases: list(
      output({
        purchase_id: text(),
        offer_id: text(),
        buyer: text(),
        is_own: flag(),
        status: text(),
        amount: tokensOut("whole tokens of the buyer's"),
        next_by: optional(text()),
        next: optional(list(text())),
      }),
    ),
    next_cursor: optional(text()),
  }),
  run(call, { group_id, limit = 50, cursor }) {
    const view = groupOf(call, group_id).now;
    const own = ownKey(call);
    const nowMs = Date.now();
    const describe = (one: Purchase) => {
      const turn = nextStep(one, nowMs);
      return {
        purchase_id: one.purchase,
        offer_id: one.offer,
        buyer: one.buyer,
        is_own: one.buyer === own,
        status: one.status,
        amount: one.amount.toString(),
        ...(turn === undefined
          ? {}
          : { next_by: turn.by, next: turn.verbs.map((verb) => operationOfVerb(verb, () => true)!) }),
      };
    };
    const keyOf = ({ purchase }: Purchase) => purchase;
    const all = view.purchases();
    const { page: purchases, next } = describedPage(call, all, { keyOf, describe, cursor, limit });
    return { purchases, ...next };
  },
});

const openPurchase = define({
  name: 'open_purchase',
  title: 'Open a delivery',
  description: 'Checks and reads what was delivered to you, without accepting it.',
  toolset: 'market',
  effect: 'reads',
  // It reads a secret of the buyer's wallet.
  scope: 'write',
  input: input({ group_id: groupId, purchase_id, offset }),
  output: output({ purchase_id: text(), ...contentShape, notice }),
  async run(call, { group_id, purchase_id, offset = 0 }) {
    const group = groupOf(call, group_id);
    const { purchase } = purchaseOf(group.now, purchase_id);
    return {
      purchase_id: purchase,
      ...(await deliveredTo(call, agentIn(call, group), purchase, offset)),
      ...noticeFor([{ is_own: false }]),
    };
  },
});

const acceptPurchase = define({
  name: 'accept_purchase',
  title: 'Accept a delivery',
  description: 'Checks what was delivered to you, accepts it and pays out; the content comes back.',
  toolset: 'market',
  effect: 'ends',
  input: input({ group_id: groupId, purchase_id }),
  output: output({ purchase_id: text(), ...contentShape, tx_id: text(), height: number(), notice }),
  async run(call, { group_id, purchase_id }) {
    const group = groupOf(call, group_id);
    const agent = agentIn(call, group);
    const { purchase } = purchaseOf(group.now, purchase_id);
    const delivered = await deliveredTo(call, agent, purchase, 0);
    const receipt = await agent.acceptPurchase(purchase);
    return {
      purchase_id: purchase,
      ...delivered,
      ...sealed(receipt),
      ...noticeFor([{ is_own: false }]),
    };
  },
  async again(call, { group_id, purchase_id }, { sealed: before }) {
    if (before === undefined) return undefined;
    const group = groupOf(call, group_id);
    const { purchase } = purchaseOf(group.now, purchase_id);
    const delivered = await deliveredTo(call, agentIn(call, group), purchase, 0);
    return {
      ...{ purchase_id: purchase, ...delivered },
      ...sealed(before),
      ...noticeFor([{ is_own: false }]),
    };
  },
});

/** What was delivered, from `offset` on as far as one answer holds it. @throws NotFoundError where it does not open */
async function deliveredTo(call: Call, agent: Agent, purchase: string, offset: number) {
  const delivery = await agent.checkPurchase(purchase);
  if (delivery.status === 'bad')
    throw new NotFoundError(
      `the delivery does not open (${delivery.because}); nothing was accepted. A wrong key can be proved with dispute_purchase`,
    );
  return pieceOf(call, delivery, offset, (next) => `open_purchase with offset ${next} reads on`);
}

const idOf = (group: Group, purchase_id: string) => purchaseOf(group.now, purchase_id).purchase;

export const marketDesk: readonly Operation[] = [
  listPurchases,
  ...byHand,
  act('market', {
    name: 'grant_purchase',
    title: 'Grant a purchase',
    description: 'Hands the key of the package to its buyer (seller).',
    effect: 'adds',
    properties: { purchase_id },
    act: ({ agent, group }, { purchase_id }) => agent.grant(idOf(group, purchase_id)),
  }),
  openPurchase,
  acceptPurchase,
  act('market', {
    name: 'dispute_purchase',
    title: 'Dispute a delivery',
    description: 'Proves that the delivered key is wrong, and gets the money back (buyer).',
    effect: 'ends',
    properties: { purchase_id },
    act: ({ agent, group }, { purchase_id }) => agent.disputePurchase(idOf(group, purchase_id)),
  }),
  act('market', {
    name: 'settle_purchase',
    title: 'Settle a purchase',
    description: 'Pays out once the time to dispute has passed (anyone).',
    effect: 'ends',
    properties: { purchase_id },
    act: ({ agent, group }, { purchase_id }) => agent.settlePurchase(idOf(group, purchase_id)),
  }),
  act('market', {
    name: 'refund_purchase',
    title: 'Refund a purchase',
    description: 'Takes the money back where no key came in time (buyer).',
    effect: 'ends',
    properties: { purchase_id },
    act: ({ agent, group }, { purchase_id }) => agent.refundPurchase(idOf(group, purchase_id)),
  }),
  act('market', {
    name: 'revoke_offer',
    title: 'End an offer',
    description: 'Takes an offer off the market (its seller or an admin).',
    effect: 'ends',
    properties: { offer_id: id('an offer') },
    act: ({ agent, view }, { offer_id }) => agent.revokeOffer(offerOf(view, offer_id).offer),
  }),
];
