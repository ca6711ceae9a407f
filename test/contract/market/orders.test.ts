/** Buying and granting on one node: what an order does by itself, and that it pays once whatever is repeated. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Group } from '../../../actors/group.ts';
import { memberChain } from '../../../actors/market/market-chain.ts';
import { isFinal } from '../../../actors/market/order.machine.ts';
import type { Order } from '../../../actors/market/order.ts';
import { createPackageKey, packageHashOf } from '../../../crypto/package.ts';
import { sealPackageKey } from '../../../crypto/sealed-box.ts';
import { fromHex, type Hex32, toHex, utf8 } from '../../../events/bytes.ts';
import { BatteryNode } from '../../../node.ts';

let data: string;
let node: BatteryNode;
let group: Group;
let bobKey: Hex32;

const CONTENT = utf8('Validate all inputs.');

async function open(): Promise<void> {
  node = await BatteryNode.openOrInit({ data, threads: 1, durability: 'commit' });
  onTestFinished(() => node.close());
}

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lb-orders-'));
  data = join(folder, 'node');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await open();
  group = await node.createGroup({
    name: 'orders',
    policy: { grant_window_ms: 1_000, dispute_window_ms: 600_000 },
  });
  bobKey = (await node.createIdentity('bob')).publicKey;
  await group.as('node').mint(bobKey, 100n);
});

async function restart(): Promise<void> {
  await node.close();
  await open();
  group = node.group(group.groupId);
}

const signer = (key: Hex32) => node.networkPort.signers().find(({ publicKey }) => publicKey === key)!;

function buy(offer: Hex32, more: { again?: boolean; price?: bigint } = {}): Promise<Order> {
  return node.market.orders.buy({ groupId: group.groupId, offer, buyer: signer(bobKey), ...more });
}

const end = (order: Order): Promise<Order> => node.market.orders.until(order.order, () => false);

const offer = async (grants: 'automatic' | 'by_hand' = 'automatic', content: Uint8Array = CONTENT) =>
  (await group.as('node').createOffer({ title: 'guide', content, price: 10n, grants })).offer;

async function contentOf(order: Order): Promise<string> {
  const delivery = await node.market.orders.open(order.order);
  if (delivery.status === 'bad') throw new Error(delivery.because);
  const pieces: Uint8Array[] = [];
  for await (const piece of delivery.content()) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** Grants bytes that no honest seller would. */
async function grantBadly(purchase: Hex32, how: 'wrong key' | 'noise'): Promise<void> {
  const { buyerKey } = group.now.purchase(purchase)!;
  const sealedKey =
    how === 'noise'
      ? new Uint8Array(80).fill(7)
      : sealPackageKey({
          packageKey: createPackageKey(),
          buyerKey: fromHex(buyerKey),
          purchaseId: fromHex(purchase),
        })!;
  await group.as('node').do({ type: 'grant', purchase, sealedKey });
}

const paidFor = (id: Hex32): number => group.now.purchases().filter((one) => one.offer === id).length;
const balance = (): bigint => group.now.balance(bobKey);

describe('an order', () => {
  it('runs from the signature to the payout by itself, and ends with the content', async () => {
    const states: string[] = [];
    node.market.orders.changed$.subscribe(({ state }) => states.push(state));
    const order = await end(await buy(await offer()));
    expect(order).toMatchObject({ state: 'settled', price: 10n });
    expect(states).toEqual(['requested', 'escrowed', 'granted', 'verified', 'settled']);
    expect(await contentOf(order)).toBe('Validate all inputs.');
    expect(balance()).toBe(90n);
  });

  it('bought again it is the same order, unless one says so; two at once are one', async () => {
    const id = await offer();
    const [first, second] = await Promise.all([buy(id), buy(id)]);
    expect(second.order).toBe(first.order);
    await end(first);
    expect((await buy(id)).order).toBe(first.order);
    await restart();
    expect(await buy(id)).toMatchObject({ order: first.order, state: 'settled' });
    expect(paidFor(id)).toBe(1);
    const another = await end(await buy(id, { again: true }));
    expect(another.order).not.toBe(first.order);
    expect(paidFor(id)).toBe(2);
    expect(balance()).toBe(80n);
  });

  it('goes on after a restart, from wherever it was', async () => {
    const id = await offer('by_hand');
    const order = await buy(id);
    await node.market.orders.until(order.order, ({ state }) => state === 'escrowed');
    await restart();
    const { purchase } = node.market.orders.get(order.order);
    await group.as('node').grant(purchase!);
    const ended = await node.market.orders.until(order.order, () => false);
    expect(ended.state).toBe('settled');
    expect(paidFor(id)).toBe(1);
  });

  it('is told of at once by a node that has closed', async () => {
    const order = await end(await buy(await offer()));
    await node.close();
    expect(await node.market.orders.until(order.order, () => false)).toEqual(order);
  });

  it('takes the money back when no grant comes in time', async () => {
    const order = await end(await buy(await offer('by_hand')));
    expect(order.state).toBe('refunded');
    expect(balance()).toBe(100n);
  });

  it.each(['wrong key', 'noise'] as const)('disputes a grant of %s, and has the money back', async (how) => {
    const order = await buy(await offer('by_hand'));
    const { purchase } = await node.market.orders.until(order.order, ({ state }) => state === 'escrowed');
    await grantBadly(purchase!, how);
    expect((await end(order)).state).toBe('disputed');
    expect(balance()).toBe(100n);
    expect(group.now.disputesLost(signer(bobKey).publicKey)).toBe(0);
    expect(group.now.disputesLost(group.as('node').publicKey)).toBe(1);
  });

  it('does not accept a package that the promised key does not open', async () => {
    const real = await offer('by_hand');
    const other = await offer('by_hand', utf8('another package'));
    // The key of one, the package of another: right by every hash that the offer names.
    const [{ packageHash }, { keyHash }] = [group.now.offer(other)!, group.now.offer(real)!];
    const receipt = await group.as('node').do({
      type: 'offer_create',
      packageHash,
      keyHash,
      title: 'mixed',
      description: undefined,
      tags: [],
      price: 10n,
      splits: [{ to: group.as('node').publicKey, bps: 10_000 }],
      parents: [],
      expiresMs: undefined,
    });
    const [created] = receipt.effects;
    const mixed = created!.kind === 'offer.created' ? created!.offer : '';
    const order = await buy(mixed);
    const { purchase } = await node.market.orders.until(order.order, ({ state }) => state === 'escrowed');
    // The granter cannot: the key is kept under the other package. So the seller does it by hand.
    const keys = await import('../../../actors/market/wallet.ts');
    const { packageHash: realHash } = group.now.offer(real)!;
    const seller = node.networkPort.signer;
    const packageKey = keys.recallSecret(node.networkPort.store.wallet, seller, 'package', realHash);
    const { buyerKey } = group.now.purchase(purchase!)!;
    const sealedKey = sealPackageKey({
      packageKey,
      buyerKey: fromHex(buyerKey),
      purchaseId: fromHex(purchase!),
    })!;
    await group.as('node').do({ type: 'grant', purchase: purchase!, sealedKey });
    const looked = await node.market.orders.until(order.order, ({ state }) => state === 'unfit');
    expect(looked.state).toBe('unfit');
    expect(group.now.purchase(purchase!)!.status).toBe('granted');
  });

  it('pays nothing where the rules would refuse, and says so before anything is signed', async () => {
    const id = await offer();
    await expect(buy(id, { price: 9n })).rejects.toMatchObject({ code: 'offer_contradicted' });
    await group.as('bob').transfer(group.as('node').publicKey, 95n);
    await expect(buy(id)).rejects.toMatchObject({ refusal: { code: 'balance_too_low' } });
    await group.as('node').revokeOffer(id);
    await expect(buy(id)).rejects.toMatchObject({ refusal: { code: 'offer_revoked' } });
    expect(node.market.orders.list()).toEqual([]);
    expect(balance()).toBe(5n);
  });

  it('is not made for bytes that are no package, whatever key is promised', async () => {
    const { keyHash } = group.now.offer(await offer())!;
    for (const [bytes, code] of [
      [utf8('LBPK, they say, and nothing that was encrypted'), 'package_not_recognised'],
      [Uint8Array.of(...utf8('LBPK'), 1, 7), 'package_does_not_open'],
    ] as const) {
      const hash = packageHashOf(bytes);
      await node.networkPort.store.artifacts.put(hash, bytes);
      const { effects } = await group.as('node').do({
        type: 'offer_create',
        packageHash: toHex(hash),
        keyHash,
        title: 'nothing',
        description: undefined,
        tags: [],
        price: 10n,
        splits: [{ to: group.as('node').publicKey, bps: 10_000 }],
        parents: [],
        expiresMs: undefined,
      });
      const [created] = effects;
      await expect(buy(created!.kind === 'offer.created' ? created!.offer : '')).rejects.toMatchObject({
        code,
      });
    }
    expect(group.now.purchases()).toEqual([]);
  });

  it('takes up a purchase that was made without one', async () => {
    const id = await offer('by_hand');
    const { purchase } = await group.as('bob').purchase(id);
    const order = await buy(id);
    await group.as('node').grant(purchase);
    expect(await end(order)).toMatchObject({ state: 'settled', purchase });
    expect(paidFor(id)).toBe(1);
  });
});

describe('a member’s chain', () => {
  it('knows what became of an order that ended while nobody looked, also where it was taken up', async () => {
    const order = await end(await buy(await offer()));
    const { store, outbox } = node.networkPort;
    const chain = memberChain({
      store: store.group(group.groupId),
      outbox,
      chain: () => node.networkPort.chain(group.groupId),
      refresh: () => {},
      catchUp: async () => true,
    });
    const forgetful = { ...order, purchase: undefined };
    const found = { purchase: order.purchase, status: 'settled' };
    expect(await chain.purchaseOf(forgetful)).toMatchObject(found);
    expect(await chain.purchaseOf({ ...forgetful, transaction: new Uint8Array(0) })).toMatchObject(found);
    expect(await chain.purchaseOf({ ...forgetful, order: 'ab'.repeat(32) })).toBeUndefined();
  });
});

describe('a seller’s node', () => {
  it('settles what its buyer never accepts, as soon as they may no longer dispute it', async () => {
    await group.as('node').updatePolicy({ dispute_window_ms: 1_000 });
    const { purchase } = await group.as('bob').purchase(await offer());
    await group.as('node').grant(purchase);
    // A buyer who wants the money back all the same gets nothing for a right key, however often they try.
    for (let times = 0; times < 2; times++)
      await expect(group.as('bob').disputePurchase(purchase)).rejects.toMatchObject({
        refusal: { code: 'dispute_unfounded' },
      });
    const settled = () => group.now.purchase(purchase)!.status === 'settled';
    for await (const _ of node.watch({ kinds: ['block.sealed'] })) if (settled()) break;
    expect(group.now.balance(group.as('node').publicKey)).toBe(110n);
  }, 20_000);

  it('settles after a restart what ran out while it was away', async () => {
    await group.as('node').updatePolicy({ dispute_window_ms: 1_000 });
    const id = await offer('by_hand');
    const { purchase } = await group.as('bob').purchase(id);
    await group.as('node').grant(purchase);
    const { packageHash, seller } = group.now.offer(id)!;
    await node.networkPort.store.wallet.delete(utf8(`manual/${seller}/${packageHash}`));
    await restart();
    const settled = () => group.now.purchase(purchase)!.status === 'settled';
    for await (const _ of node.watch({ kinds: ['block.sealed'] })) if (settled()) break;
    expect(settled()).toBe(true);
  }, 20_000);

  it('grants what was bought while it was away, once', async () => {
    const id = await offer('by_hand');
    await group.as('bob').purchase(id);
    const { packageHash, seller } = group.now.offer(id)!;
    // The mark goes, as if the offer had been an ordinary one and the node had died before it granted.
    await node.networkPort.store.wallet.delete(utf8(`manual/${seller}/${packageHash}`));
    await restart();
    const order = await buy(id);
    expect((await end(order)).state).toBe('settled');
    const grants = [...Array(group.head.height + 1).keys()].flatMap((height) =>
      group
        .block(height)
        .transactions.flatMap(({ operations }) => operations.filter(({ type }) => type === 'grant')),
    );
    expect(grants).toHaveLength(1);
  });

  it('grants by hand what is being granted by itself, with one grant', async () => {
    const id = await offer();
    const { purchase } = await group.as('bob').purchase(id);
    const receipts = await Promise.all([1, 2, 3].map(() => group.as('node').grant(purchase)));
    const later = await group.as('node').grant(purchase);
    expect(new Set([...receipts, later].map(({ txId }) => txId)).size).toBe(1);
    expect(later.effects).toMatchObject([{ kind: 'purchase.changed', status: 'granted' }]);
    expect(isFinal('granted')).toBe(false);
  });
});
