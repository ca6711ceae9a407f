/** Random trade: offers of anybody, purchases at any stage, right keys and wrong ones. */
import { sha256 } from '../../crypto/hash.ts';
import { utf8 } from '../../events/bytes.ts';
import { offerTable, purchaseTable } from '../../machines/tables.ts';
import { type IntentMaker, pick } from './intents.ts';
import { offerCreate, oneTimeKey, oneTimeSecret, PACKAGE_KEY, seal, windowsIn } from './market.ts';
import { hashOf, personOf } from './people.ts';
import type { World } from './world.ts';

const offerOf = (world: World, draw: number): string =>
  world.offers.length === 0 ? hashOf('no offer') : pick(world.offers.slice(-6), draw);
/** A purchase in one of these states, if there is any, or else any of the last few. */
function purchaseIn(world: World, draw: number, ...states: readonly string[]): string {
  const fitting = world.purchases.filter((id) => states.includes(world.read(purchaseTable, id)!.status));
  const choice = draw % 7 === 0 || fitting.length === 0 ? world.purchases.slice(-4) : fitting;
  return choice.length === 0 ? hashOf('no purchase') : pick(choice, draw);
}

const buy: IntentMaker = (world, who, first) => {
  const offer = offerOf(world, first);
  const price = world.read(offerTable, offer)?.price ?? 1n;
  const terms = { amount: price, buyerKey: oneTimeKey(who), ...windowsIn(world) };
  return { operation: { type: 'purchase', offer, ...terms }, author: who };
};

export const marketIntents: readonly IntentMaker[] = [
  (world, who, first, second) => ({
    operation: offerCreate(who, BigInt(first % 40), {
      splits: [
        { to: who.publicKey, bps: 3_333 },
        { to: hashOf('somebody'), bps: second % 19 === 0 ? 1 : 6_667 },
      ],
      parents: second % 2 === 0 ? [] : [{ offer: offerOf(world, second), bps: (second % 10) * 1_000 }],
      ...(second % 3 === 0 ? { expiresMs: world.nowMs + second * 100 } : {}),
    }),
    author: who,
  }),
  (world, _, first, second) => {
    const offer = offerOf(world, first);
    const seller = world.read(offerTable, offer)?.seller;
    return second % 3 === 0
      ? {
          operation: { type: 'offer_revoke', offer },
          author: seller === undefined ? undefined : personOf(seller),
        }
      : undefined;
  },
  buy,
  buy,
  (world, _, first, second) => {
    const id = purchaseIn(world, first, 'escrowed');
    const record = world.read(purchaseTable, id);
    if (record === undefined) return undefined;
    const seller = personOf(world.read(offerTable, record.offer)!.seller);
    const key = pick([PACKAGE_KEY, sha256(utf8('wrong')), undefined], second);
    const sealedKey = key === undefined ? new Uint8Array(80) : seal(key, record.buyerKey, id);
    return { operation: { type: 'grant', purchase: id, sealedKey }, author: seller };
  },
  (world, _, first, second) => {
    const id = purchaseIn(world, first, second % 4 === 2 ? 'escrowed' : 'granted');
    const record = world.read(purchaseTable, id);
    const author = record === undefined ? undefined : personOf(record.buyer);
    const type = pick(
      ['purchase_accept', 'purchase_settle', 'purchase_refund', 'purchase_dispute'] as const,
      second,
    );
    if (type !== 'purchase_dispute') return { operation: { type, purchase: id }, author };
    const secret = author === undefined ? new Uint8Array(32) : oneTimeSecret(author);
    return { operation: { type, purchase: id, oneTimeSecret: secret }, author };
  },
];
