/** The heaviest blocks of the market: offers with sixteen receivers and sixteen parents, all of them fat. */
import type { FinalBlock } from '../../actors/chain/judge.ts';
import { sha256 } from '../../crypto/hash.ts';
import type { Signer } from '../../crypto/identity.ts';
import { x25519 } from '../../crypto/x25519.ts';
import { type Hex32, toHex, utf8 } from '../../events/bytes.ts';
import type { MarketOperation } from '../../events/operations/market.ts';
import type { Operation } from '../../events/registry.ts';
import { offerIdOf, purchaseIdOf } from '../../machines/market.ts';
import { benchGenesis } from '../workload.ts';
import { type Case, count, FAT_TAGS, FAT_TEXT, id, upTo } from './case.ts';
import { Ground, requestsOf } from './ground.ts';

const offerCreate = (parents: Hex32[], at: number, fat: boolean): Operation => ({
  type: 'offer_create',
  packageHash: id('package'),
  keyHash: id('key'),
  title: 'o',
  description: fat ? FAT_TEXT : undefined,
  tags: fat ? FAT_TAGS : [],
  price: 1_000_000n,
  splits: count(16, (to) => ({ to: id(`split ${at} ${to}`), bps: 625 })),
  parents: parents.map((offer) => ({ offer, bps: 500 })),
  expiresMs: undefined,
});

function idsMade(finals: readonly FinalBlock[], type: 'offer_create' | 'purchase'): Hex32[] {
  const idOf = type === 'purchase' ? purchaseIdOf : offerIdOf;
  return finals.flatMap(({ judged }) =>
    judged.accepted.flatMap(({ txIdBytes, operations }) =>
      operations.map((_, at) => idOf(txIdBytes, at, sha256)),
    ),
  );
}

/** Offers of a member each of which has the sixteen parents before it. */
function offers(ground: Ground, many: number): Hex32[] {
  const [seller] = ground.members as [Signer];
  const bare = idsMade(
    ground.all(
      count(16, (at) => offerCreate([], at, true)),
      seller,
      8,
    ),
    'offer_create',
  );
  return idsMade(
    ground.all(
      count(many, (at) => offerCreate(bare, at, true)),
      seller,
      8,
    ),
    'offer_create',
  );
}

const secret = sha256(utf8('one-time secret'));
const purchaseOf = (offer: Hex32): Operation => ({
  type: 'purchase',
  offer,
  amount: 1_000_000n,
  buyerKey: toHex(x25519.publicKey(secret)),
  grantWindowMs: benchGenesis.policy.grant_window_ms,
  disputeWindowMs: benchGenesis.policy.dispute_window_ms,
});

function market(many: number, upTo: 'offered' | 'bought' | 'granted') {
  const ground = new Ground(2);
  const [seller, buyer] = ground.members as [Signer, Signer];
  const offered = offers(ground, many);
  ground.all([{ type: 'mint', to: buyer.publicKey, amount: 10n ** 12n }], ground.founder);
  const bought =
    upTo === 'offered' ? [] : idsMade(ground.all(offered.map(purchaseOf), buyer, 64), 'purchase');
  if (upTo === 'granted')
    ground.all(
      bought.map((purchase) => ({ type: 'grant', purchase, sealedKey: new Uint8Array(80) })),
      seller,
      64,
    );
  return { ground, seller, buyer, offered, bought };
}

const DAYS_MS = 3 * 86_400_000;

const ends =
  (type: 'purchase_accept' | 'purchase_settle' | 'purchase_refund' | 'purchase_dispute'): Case =>
  ({ many }) => {
    const { ground, buyer, bought } = market(many, type === 'purchase_refund' ? 'bought' : 'granted');
    if (type === 'purchase_settle' || type === 'purchase_refund') ground.nowMs += DAYS_MS;
    const operations = bought.map(
      (purchase): Operation =>
        type === 'purchase_dispute' ? { type, purchase, oneTimeSecret: secret } : { type, purchase },
    );
    return { ground, requests: requestsOf(operations, buyer, type === 'purchase_dispute' ? 24 : 30) };
  };

export const MARKET_CASES: { readonly [K in MarketOperation['type']]: Case } = {
  offer_create: ({ many }) => {
    const ground = new Ground(1);
    const [seller] = ground.members as [Signer];
    const parents = offers(ground, 16);
    const more = upTo(many, (at) => offerCreate(parents, at, false));
    return { ground, requests: requestsOf(more, seller, 32) };
  },
  offer_revoke: ({ many }) => {
    const { ground, offered } = market(many, 'offered');
    const all = offered.map((offer): Operation => ({ type: 'offer_revoke', offer }));
    return { ground, requests: requestsOf(all, ground.founder, 64) };
  },
  purchase: ({ many }) => {
    const { ground, buyer, offered } = market(many, 'offered');
    return { ground, requests: requestsOf(offered.map(purchaseOf), buyer, 128) };
  },
  grant: ({ many }) => {
    const { ground, seller, bought } = market(many, 'bought');
    const grants = bought.map(
      (purchase): Operation => ({ type: 'grant', purchase, sealedKey: new Uint8Array(80) }),
    );
    return { ground, requests: requestsOf(grants, seller, 128) };
  },
  purchase_accept: ends('purchase_accept'),
  purchase_settle: ends('purchase_settle'),
  purchase_refund: ends('purchase_refund'),
  purchase_dispute: ends('purchase_dispute'),
};
