/**
 * The trade of a round: the developer sells a report to the architect. The price waits in escrow until the
 * buyer has opened the package and found in it what was promised; then the royalty goes to the author of the
 * template, and the rest is split.
 */

import type { Offer, Purchase } from '../../../actors/group-view.ts';
import { sha256 } from '../../../crypto/hash.ts';
import { type Hex32, toHex } from '../../../events/bytes.ts';
import { count, shortId } from '../text.ts';
import { ensureBudget, tokens, type Workshop } from './cast.ts';
import { resultText } from './discussion.ts';
import type { AgentName } from './narrator.ts';
import type { Round } from './round.ts';

const PRICE = 60n;
const TEMPLATE_PRICE = 20n;
const ROYALTY_BPS = 1_000;
const SPLIT_BPS = { developer: 7_000, reviewer: 3_000 };
const TEMPLATE_TAG = 'template';

const TEMPLATE = `# Report

1. What was looked for, and in how many sections
2. Where it was found, by package
3. What was said against it
4. What we do
`;

/** Sells the report of this round, and brings to an end what earlier rounds left open. */
export async function trade(round: Round): Promise<void> {
  const { workshop } = round;
  const template = await offerTemplate(workshop);
  const offer = findOffer(workshop, round.tag('report')) ?? (await offerReport(round, template));
  const { buyer, isSold } = state(workshop, offer);
  if (!isSold && openPurchases(workshop, offer).length === 0) await buy(workshop, offer);
  const open = openPurchases(workshop);
  for (const purchase of open) await finish(workshop, purchase);
  // A purchase that ran out of time was refunded; the report is bought again.
  if (!state(workshop, offer).isSold) {
    await buy(workshop, offer);
    for (const purchase of openPurchases(workshop)) await finish(workshop, purchase);
  }
  const balance = workshop.group.now.balance(buyer);
  workshop.narrator.tells(`the architect has ${tokens(balance)} left`);
}

function state({ group, agents }: Workshop, offer: Hex32): { buyer: Hex32; isSold: boolean } {
  const buyer = agents.architect.publicKey;
  const purchases = group.now.purchases().filter((purchase) => purchase.offer === offer);
  return { buyer, isSold: purchases.some(({ status }) => status === 'settled' || status === 'disputed') };
}

function findOffer({ group }: Workshop, tag: string): Hex32 | undefined {
  return group.now.offers().find(({ tags, revoked }) => tags[0] === tag && !revoked)?.offer;
}

/** Purchases of our architect that are neither settled nor refunded: of one offer, or of any by our agents. */
function openPurchases({ group, agents }: Workshop, offer?: Hex32): Purchase[] {
  return group.now
    .purchases()
    .filter(({ status }) => status === 'escrowed' || status === 'granted')
    .filter((purchase) => purchase.buyer === agents.architect.publicKey)
    .filter((purchase) => (offer === undefined ? isOurs(purchase.offer) : purchase.offer === offer));

  function isOurs(offered: Hex32): boolean {
    const seller = group.now.offer(offered)?.seller;
    return Object.values(agents).some(({ publicKey }) => publicKey === seller);
  }
}

/** What other reports owe a royalty to. Offered once in the life of the group. */
async function offerTemplate(workshop: Workshop): Promise<Hex32> {
  const known = findOffer(workshop, TEMPLATE_TAG);
  if (known !== undefined) return known;
  const { offer } = await workshop.agents.reviewer.createOffer({
    title: 'Template for reports',
    content: new TextEncoder().encode(TEMPLATE),
    price: TEMPLATE_PRICE,
    tags: [TEMPLATE_TAG],
    grants: 'by_hand',
  });
  workshop.narrator.does(
    'reviewer',
    `offers ${shortId(offer)}, a template for reports, for ${tokens(TEMPLATE_PRICE)}`,
  );
  return offer;
}

async function offerReport(round: Round, template: Hex32): Promise<Hex32> {
  const { developer, reviewer } = round.workshop.agents;
  const { topic } = round.inspection;
  const content = new TextEncoder().encode(reportText(round));
  const { offer } = await developer.createOffer({
    title: `Report ${round.number}: ${topic.noun}`,
    description: descriptionOf(content),
    content,
    price: PRICE,
    tags: round.tags('report'),
    // So that the story can tell of it.
    grants: 'by_hand',
    splits: [
      { to: developer.publicKey, bps: SPLIT_BPS.developer },
      { to: reviewer.publicKey, bps: SPLIT_BPS.reviewer },
    ],
    parents: [{ offer: template, bps: ROYALTY_BPS }],
  });
  round.narrator.does(
    'developer',
    `offers ${shortId(offer)}, the report on ${topic.noun}, for ${tokens(PRICE)}: 10 % to the template, the rest 70/30 with the reviewer`,
  );
  return offer;
}

function reportText({ inspection }: Round): string {
  const { topic, hits, sectionsRead } = inspection;
  const list = hits.map(
    ({ document, heading, matches, claim }) => `- ${document}, ${heading}: ${matches} (${claim})`,
  );
  return [
    `# ${topic.noun}`,
    `Looked for in ${count(sectionsRead, 'section')}; ${count(hits.length, 'section')} ${topic.what}.`,
    resultText(inspection),
    `## What was said against it\n\n${topic.objection}`,
    `## What we do\n\n${topic.answer}`,
    `## All sections\n\n${list.join('\n')}`,
  ].join('\n\n');
}

/** What a buyer can hold the package against. */
function descriptionOf(content: Uint8Array): string {
  return `Markdown, ${content.length} bytes, SHA-256 ${toHex(sha256(content))}`;
}

async function buy(workshop: Workshop, offer: Hex32): Promise<void> {
  const { agents, narrator, group } = workshop;
  const { price } = group.now.offer(offer)!;
  await ensureBudget(workshop, 'architect', price);
  const { purchase } = await agents.architect.purchase(offer);
  narrator.does('architect', `buys it: purchase ${shortId(purchase)}, ${tokens(price)} into escrow`);
}

/** Brings an open purchase to its end, whatever state it is in. */
async function finish(workshop: Workshop, purchase: Purchase): Promise<void> {
  const { group, agents, narrator } = workshop;
  const id = purchase.purchase;
  const offer = group.now.offer(purchase.offer)!;
  if (purchase.status === 'escrowed') {
    if (Date.now() > purchase.grantUntilMs) {
      await agents.architect.refundPurchase(id);
      narrator.does('architect', `takes the money back: no grant of ${shortId(id)} came in time`);
      return;
    }
    const seller = Object.values(agents).find(({ publicKey }) => publicKey === offer.seller)!;
    await seller.grant(id);
    narrator.does(seller.name as AgentName, `grants the key of ${shortId(id)}, sealed to the buyer`);
  }
  await judge(workshop, id, offer);
}

async function judge({ agents, narrator }: Workshop, purchase: Hex32, offer: Offer): Promise<void> {
  const { architect } = agents;
  const delivery = architect.openPurchase(purchase);
  if (delivery.status !== 'opened' || descriptionOf(delivery.content) !== offer.description) {
    await architect.disputePurchase(purchase);
    narrator.does('architect', `disputes ${shortId(purchase)}: the package is not what was promised`);
    return;
  }
  narrator.does(
    'architect',
    `opens the package: ${delivery.content.length} bytes, its hash is the one promised`,
  );
  const { effects } = await architect.acceptPurchase(purchase);
  const paid = effects.flatMap((effect) => {
    if (effect.kind === 'payout.to_treasury') return [`${effect.amount} to the treasury (dust)`];
    if (effect.kind !== 'payout.made') return [];
    const to =
      Object.values(agents).find(({ publicKey }) => publicKey === effect.to)?.name ?? shortId(effect.to);
    return [`${effect.amount} ${effect.as} to the ${to}`];
  });
  narrator.does('architect', `accepts; the escrow pays ${paid.join(', ')}`);
}
