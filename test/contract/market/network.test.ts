/** Sales between nodes: members that do not seal, strangers who have no chain, and peers that lie about packages. */
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Order } from '../../../actors/market/order.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { NetworkError } from '../../../protocol/errors.ts';
import { CATCH_UP_MS, HAND_OVERS_PER_ANSWER_MAX, PACKAGE_PART_BYTES_MAX } from '../../../protocol/limits.ts';
import { closePeers, connect, joinGroup, type Peer, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(closePeers);

const CONTENT = randomBytes(7 * 1024 * 1024);

async function contentOf({ node }: Peer, order: Order): Promise<Buffer> {
  const delivery = await node.market.orders.open(order.order);
  if (delivery.status === 'bad') throw new Error(delivery.because);
  const pieces: Uint8Array[] = [];
  for await (const piece of delivery.content()) pieces.push(piece);
  return Buffer.concat(pieces);
}

const offering = (group: ReturnType<Peer['node']['group']>) =>
  group.as('node').createOffer({ title: 'guide', content: CONTENT, price: 10n });

const buy = ({ node }: Peer, groupId: Hex32, offer: Hex32, more: object = {}): Promise<Order> =>
  node.market.orders.buy({ groupId, offer, buyer: node.networkPort.signer, ...more });

const end = ({ node }: Peer, { order }: Order): Promise<Order> =>
  node.market.orders.until(order, () => false);

const hintTo = ({ key, network }: Peer) => ({ key, addresses: network.host.addresses() });

/** A seller who seals, with an offer, and a stranger who holds money. */
async function market(money = 50n) {
  const [seller, stranger] = [await peer(), await peer()];
  const group = await seller.node.createGroup({ name: 'market' });
  await group.as('node').mint(stranger.key, money);
  const { offer } = await offering(group);
  return { seller, stranger, group, groupId: group.groupId, offer };
}

describe('a member', () => {
  it('buys from a seller who does not seal either: package, grant and payout go through the network', async () => {
    const [sealer, seller, buyer] = [await peer(), await peer(), await peer()];
    const { groupId } = await sealer.node.createGroup({ name: 'three' });
    for (const member of [seller, buyer]) await joinGroup(sealer, member, groupId);
    await connect(buyer, seller);
    const { offer } = await offering(seller.node.group(groupId));
    await until('the buyer hears of it', () => buyer.node.group(groupId).now.offer(offer) !== undefined);
    const order = await end(buyer, await buy(buyer, groupId, offer));
    expect(order.state).toBe('settled');
    expect(CONTENT.equals(await contentOf(buyer, order))).toBe(true);
    expect(sealer.node.group(groupId).now.balance(buyer.key)).toBe(90n);
    expect(sealer.node.group(groupId).now.balance(seller.key)).toBe(110n);
  }, 60_000);
});

describe('a member whose node has not heard of an offer yet', () => {
  it('fetches what is new in the group before it says that there is none', async () => {
    const [seller, buyer] = [await peer(), await peer()];
    const { groupId } = await seller.node.createGroup({ name: 'late' });
    await joinGroup(seller, buyer, groupId);
    const sync = buyer.network.groups.known(groupId)!;
    await until('it is level', () => sync.status === 'idle');
    sync.pause();
    const { offer } = await offering(seller.node.group(groupId));
    expect(buyer.node.group(groupId).now.offer(offer)).toBeUndefined();
    const placed = await buy(buyer, groupId, offer);
    sync.resume();
    expect((await end(buyer, placed)).state).toBe('settled');
    await expect(buy(buyer, groupId, 'cd'.repeat(32))).rejects.toMatchObject({ code: 'not_found' });
  }, 60_000);

  it('is not kept waiting by a node that closes', async () => {
    const [seller, buyer] = [await peer(), await peer()];
    const { groupId } = await seller.node.createGroup({ name: 'gone' });
    await joinGroup(seller, buyer, groupId);
    await seller.node.close();
    await until('nobody is there to ask', () => buyer.network.peers.connectedKeys().length === 0);
    const buying = expect(buy(buyer, groupId, 'cd'.repeat(32))).rejects.toMatchObject({ code: 'not_found' });
    const startMs = performance.now();
    await Promise.all([buying, buyer.node.close()]);
    expect(performance.now() - startMs).toBeLessThan(CATCH_UP_MS);
  }, 60_000);
});

describe('a stranger', () => {
  it('hears of an offer, buys it with their last token, and is shown nothing but proofs', async () => {
    const { seller, stranger, group, groupId, offer } = await market(10n);
    await connect(stranger, seller);
    await seller.node.market.announce(groupId, offer);
    expect(await stranger.network.market.announcements.pull(seller.key)).toBe(0); // it was pushed already
    const [heard] = stranger.node.market.announcements.list();
    expect(heard!.announcement).toMatchObject({
      offer,
      groupId,
      price: 10n,
      title: 'guide',
      node: seller.key,
    });
    const order = await end(stranger, await buy(stranger, groupId, offer, { price: 10n }));
    expect(order).toMatchObject({ state: 'settled', isStranger: true });
    expect(CONTENT.equals(await contentOf(stranger, order))).toBe(true);
    expect(stranger.node.groupIds()).toEqual([]);
    expect(group.now.balance(stranger.key)).toBe(0n);
    expect(group.now.purchase(order.purchase!)!.status).toBe('settled');
  }, 60_000);

  it('is refunded when nobody grants, and disputes a wrong key', async () => {
    const { seller, stranger, group, groupId } = await market();
    await group.as('node').updatePolicy({ grant_window_ms: 1_000 });
    const peers = [hintTo(seller)];
    const byHand = { title: 'by hand', content: CONTENT, price: 10n, grants: 'by_hand' } as const;
    const { offer } = await group.as('node').createOffer(byHand);
    expect((await end(stranger, await buy(stranger, groupId, offer, { peers }))).state).toBe('refunded');
    await group.as('node').updatePolicy({ grant_window_ms: 600_000 });
    const second = await buy(stranger, groupId, offer, { peers });
    const { purchase } = await stranger.node.market.orders.until(
      second.order,
      ({ state }) => state === 'escrowed',
    );
    const sealedKey = new Uint8Array(randomBytes(80));
    await group.as('node').do({ type: 'grant', purchase: purchase!, sealedKey });
    expect((await end(stranger, second)).state).toBe('disputed');
    expect(group.now.balance(stranger.key)).toBe(50n);
    expect(group.now.disputesLost(seller.key)).toBe(1);
  }, 60_000);

  it('without money, or for another price than was announced, pays nothing and hears why', async () => {
    const { seller, stranger, group, groupId, offer } = await market(5n);
    const peers = [hintTo(seller)];
    await expect(buy(stranger, groupId, offer, { peers, price: 1n })).rejects.toMatchObject({
      code: 'offer_contradicted',
    });
    const order = await end(stranger, await buy(stranger, groupId, offer, { peers }));
    expect(order).toMatchObject({ state: 'failed', refusal: { code: 'balance_too_low' } });
    await group.as('node').mint(stranger.key, 5n);
    // The same order, and the very same transaction.
    const again = await buy(stranger, groupId, offer, { peers });
    expect(again).toMatchObject({ order: order.order, transaction: order.transaction });
    expect((await end(stranger, again)).state).toBe('settled');
    expect(group.now.purchases()).toHaveLength(1);
  }, 60_000);

  it('whose order could not be sent for a day signs it anew, and pays once', async () => {
    let aheadMs = 0;
    const clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };
    const [seller, stranger] = [await peer({ open: { clock } }), await peer({ open: { clock } })];
    const group = await seller.node.createGroup({ name: 'late' });
    await group.as('node').mint(stranger.key, 50n);
    const { offer } = await offering(group);
    const { client } = stranger.network;
    const call = client.call.bind(client);
    let isCutOff = true;
    client.call = (...args) =>
      isCutOff && args[1] === 'tx_submit'
        ? Promise.reject(new NetworkError('peer_unreachable', 'cut off by the test'))
        : call(...args);
    const placed = await buy(stranger, group.groupId, offer, { peers: [hintTo(seller)] });
    const { orders } = stranger.node.market;
    await until('it was tried', () => orders.troubleOf(placed.order) !== undefined);
    expect(orders.get(placed.order).state).toBe('requested');
    aheadMs = 25 * 3_600_000;
    isCutOff = false;
    const order = await end(stranger, placed);
    expect(order.state).toBe('settled');
    expect(order.transaction).not.toEqual(placed.transaction);
    expect(group.now.purchases()).toHaveLength(1);
    const old = group.submitSigned(placed.transaction);
    // Out of its window by now, which is asked before whether it was replaced.
    expect(await old).toMatchObject({ status: 'refused', refusal: { code: 'transaction_expired' } });
  }, 60_000);

  it('with no peer to ask is told so', async () => {
    const lonely = await peer();
    await expect(buy(lonely, 'ab'.repeat(32), 'cd'.repeat(32))).rejects.toMatchObject({
      code: 'peer_unreachable',
    });
    const { stranger, groupId, seller } = await market();
    await connect(stranger, seller);
    await expect(buy(stranger, groupId, 'cd'.repeat(32))).rejects.toMatchObject({ code: 'not_found' });
    await expect(buy(stranger, 'ab'.repeat(32), 'cd'.repeat(32))).rejects.toMatchObject({
      code: 'not_found',
    });
  }, 60_000);
});

describe('a stranger, where the sealing was handed over', () => {
  /** The market whose seller has handed the sealing to somebody else, ten times if that is wanted. */
  async function handedOver(times = 1) {
    const made = await market();
    const { seller, group, groupId } = made;
    const sealer = await peer();
    const joined = await joinGroup(seller, sealer, groupId, 'admin');
    for (let count = 0; count < times; count++) {
      const [from, to, next] = count % 2 === 0 ? [group, joined, sealer] : [joined, group, seller];
      await from.as('node').setSealers([next.key]);
      await until('the next is asked', () => to.now.handOver() !== undefined);
      await to.as('node').acceptSealing();
      await until('the sealing is there', () => to.info().status === 'sealing');
    }
    return { ...made, sealer, joined };
  }

  it('follows it, and buys what was offered before and after; the new sealer’s refusals count', async () => {
    const { seller, stranger, sealer, joined, group, groupId, offer } = await handedOver();
    const peers = [hintTo(seller)];
    const first = await end(stranger, await buy(stranger, groupId, offer, { peers }));
    expect(first).toMatchObject({ state: 'settled', isStranger: true });
    const { height } = group.head;
    expect(group.block(height).block.header.sealer).toBe(sealer.key);
    const later = { title: 'after', content: CONTENT.subarray(1), price: 41n };
    const dear = await group.as('node').createOffer(later);
    const order = await end(stranger, await buy(stranger, groupId, dear.offer, { peers }));
    expect(order).toMatchObject({ state: 'failed', refusal: { code: 'balance_too_low' } });
    await joined.as('node').mint(stranger.key, 1n);
    const again = await buy(stranger, groupId, dear.offer, { peers });
    expect((await end(stranger, again)).state).toBe('settled');
    await until('the seller is paid', () => group.now.purchase(first.purchase!)?.status === 'settled');
  }, 60_000);

  it('follows more hand-overs than fit into one answer', async () => {
    const times = HAND_OVERS_PER_ANSWER_MAX + 1;
    const { sealer, stranger, groupId, offer, seller } = await handedOver(times);
    const peers = [hintTo(sealer), hintTo(seller)];
    expect((await end(stranger, await buy(stranger, groupId, offer, { peers }))).state).toBe('settled');
  }, 60_000);

  it('pays nothing where nobody shows that it was', async () => {
    const { seller, stranger, joined, group, groupId, offer } = await handedOver();
    const { height } = await joined.as('node').mint(stranger.key, 1n);
    await until('the seller has it', () => group.head.height === height);
    const { client } = stranger.network;
    const call = client.call.bind(client);
    const asked: string[] = [];
    client.call = (...args) => {
      asked.push(args[1]);
      return args[1] === 'sealer_proofs' ? (Promise.resolve({ proofs: [] }) as never) : call(...args);
    };
    await expect(buy(stranger, groupId, offer, { peers: [hintTo(seller)] })).rejects.toMatchObject({
      code: 'proof_rejected',
    });
    expect(asked).toContain('sealer_proofs');
    expect(group.now.purchases()).toEqual([]);
  }, 60_000);

  it('is shown who seals a group for an offer that they may see, and not otherwise', async () => {
    const { seller, groupId, offer } = await handedOver();
    const nobody = await peer();
    await connect(nobody, seller);
    const { client } = nobody.network;
    for (const subject of [offer, 'cd'.repeat(32)])
      await expect(
        client.call(seller.key, 'sealer_proofs', { groupId, subject, after: 0 }),
      ).rejects.toMatchObject({ reason: 'not_found' });
  }, 60_000);
});

describe('a package that breaks off', () => {
  /** Makes a peer give so many parts of packages and no more, until the return value is called. */
  function breakOff({ network }: Peer, parts: number): () => void {
    const { artifacts } = network.port.store;
    const range = artifacts.range.bind(artifacts);
    let given = 0;
    artifacts.range = (...args) => (given++ < parts ? range(...args) : undefined);
    return () => {
      artifacts.range = range;
    };
  }

  /** The offsets of packages that a peer asks for. */
  function offsetsOf({ network }: Peer): number[] {
    const { client } = network;
    const call = client.call.bind(client);
    const offsets: number[] = [];
    client.call = (...args) => {
      if (args[1] === 'package_get') offsets.push((args[2] as { offset: number }).offset);
      return call(...args);
    };
    return offsets;
  }

  it('is gone on with from there, also after the buyer’s node was closed and opened', async () => {
    const { seller, stranger, group, groupId, offer } = await market();
    const mend = breakOff(seller, 1);
    const peers = [hintTo(seller)];
    await expect(buy(stranger, groupId, offer, { peers })).rejects.toMatchObject({
      code: 'package_unavailable',
    });
    expect(group.now.purchases()).toEqual([]);
    await stranger.node.close();
    mend();
    const later = await peer({ data: stranger.data });
    const offsets = offsetsOf(later);
    const order = await end(later, await buy(later, groupId, offer, { peers }));
    expect(order.state).toBe('settled');
    expect(offsets).toEqual([PACKAGE_PART_BYTES_MAX, 2 * PACKAGE_PART_BYTES_MAX]);
    expect(CONTENT.equals(await contentOf(later, order))).toBe(true);
  }, 60_000);

  it('is fetched from the beginning where what came first was a lie, and nobody honest is blamed', async () => {
    const { seller, stranger, groupId, group, offer } = await market();
    const liar = await peer();
    await connect(liar, seller);
    await liar.network.market.fetchPackage(group.now.offer(offer)!.packageHash, [hintTo(seller)]);
    breakOff(liar, 1);
    lie(liar);
    const { packageHash } = group.now.offer(offer)!;
    await expect(stranger.network.market.fetchPackage(packageHash, [hintTo(liar)])).rejects.toMatchObject({
      code: 'package_unavailable',
    });
    await liar.node.close();
    const offsets = offsetsOf(stranger);
    const order = await buy(stranger, groupId, offer, { peers: [hintTo(seller)] });
    expect((await end(stranger, order)).state).toBe('settled');
    const part = PACKAGE_PART_BYTES_MAX;
    expect(offsets).toEqual([part, 2 * part, 0, part, 2 * part]);
    expect(stranger.network.defence.isBanned(seller.key)).toBe(false);
  }, 60_000);
});

/** Makes a peer serve other bytes for every package. */
function lie({ network }: Peer): void {
  const { artifacts } = network.port.store;
  const range = artifacts.range.bind(artifacts);
  artifacts.range = (hash, offset, bytesMax) => {
    const bytes = range(hash, offset, bytesMax);
    if (bytes !== undefined && bytes.length > 100) bytes[100]! ^= 1;
    return bytes;
  };
}

describe('a package whose bytes were altered on the way', () => {
  it('is not paid for when nobody has another; whoever gave it is shut out', async () => {
    const { seller, stranger, group, groupId, offer } = await market();
    lie(seller);
    await expect(buy(stranger, groupId, offer, { peers: [hintTo(seller)] })).rejects.toMatchObject({
      code: 'package_unavailable',
    });
    expect(group.now.purchases()).toEqual([]);
    expect(stranger.network.defence.isBanned(seller.key)).toBe(true);
    expect(stranger.node.networkPort.store.artifacts.has(group.now.offer(offer)!.packageHash)).toBe(false);
  }, 60_000);

  it('is fetched again from somebody honest, also where both gave parts of it', async () => {
    const { seller, stranger, groupId, group, offer } = await market();
    const liar = await peer();
    await connect(liar, seller);
    const { packageHash } = group.now.offer(offer)!;
    await liar.network.market.fetchPackage(packageHash, [hintTo(seller)]);
    lie(liar);
    // The liar breaks off in the middle: the honest one goes on from there, and the whole is wrong.
    const { artifacts } = liar.network.port.store;
    const range = artifacts.range.bind(artifacts);
    let parts = 0;
    artifacts.range = (...args) => (parts++ === 1 ? undefined : range(...args));
    const order = await buy(stranger, groupId, offer, { peers: [hintTo(liar), hintTo(seller)] });
    expect((await end(stranger, order)).state).toBe('settled');
    expect(CONTENT.equals(await contentOf(stranger, order))).toBe(true);
    expect(stranger.network.defence.isBanned(seller.key)).toBe(false);
    expect(stranger.network.defence.isBanned(liar.key)).toBe(true);
  }, 60_000);
});
