/** Announcements: who may change them, what a chain has to say about them, how far a flood gets. */
import { afterEach, describe, expect, it } from 'vitest';
import { WatchedClock } from '../../../actors/clock.ts';
import {
  ANNOUNCEMENTS_MAX,
  ANNOUNCEMENTS_PER_PEER_MAX,
  ANNOUNCEMENTS_PER_SELLER_MAX,
  AnnouncementBook,
} from '../../../actors/market/announcement-book.ts';
import { contradictionOf } from '../../../actors/market/contradiction.ts';
import { randomSeed, type Signer, signerFromSeed } from '../../../crypto/identity.ts';
import {
  ANNOUNCEMENT_BYTES_MAX,
  ANNOUNCEMENT_LIFETIME_MS_MAX,
  ANNOUNCEMENT_PREFIX,
  type AnnouncementContent,
  decodeAnnouncement,
  encodeAnnouncement,
  encodeAnnouncementPayload,
} from '../../../events/announcement.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { ManualTime } from '../../support/manual-time.ts';
import { closePeers, connect, joinGroup, peer } from '../../support/network.ts';
import { hashOf } from '../../support/people.ts';
import { until } from '../../support/until.ts';
import { temporaryStore } from '../../unit/storage/temporary.ts';

afterEach(closePeers);

const alice = signerFromSeed(randomSeed());
const mallory = signerFromSeed(randomSeed());
const PEER = hashOf('peer');
const DAY_MS = 24 * 3_600_000;

function bookAt(time = new ManualTime()) {
  const { market } = temporaryStore();
  const book = () => new AnnouncementBook({ map: market, clock: new WatchedClock(time) });
  return { time, book: book(), reopen: book };
}

function say(seller: Signer, time: ManualTime, more: Partial<AnnouncementContent> = {}): Uint8Array {
  const nowMs = time.nowMs();
  const payload = encodeAnnouncementPayload({
    groupId: hashOf('group'),
    offer: hashOf('offer'),
    seller: seller.publicKey,
    title: 'A guide',
    tags: ['guide'],
    price: 10n,
    packageHash: hashOf('package'),
    tsMs: nowMs,
    expiresMs: nowMs + DAY_MS,
    node: PEER,
    addresses: ['/ip4/10.0.0.1/tcp/4242'],
    ...more,
  });
  return encodeAnnouncement(payload, seller.sign(ANNOUNCEMENT_PREFIX, payload));
}

const prices = (book: AnnouncementBook): bigint[] =>
  book.list().map(({ announcement }) => announcement.price);

describe('the book', () => {
  it('keeps a seller’s word across restarts, until it expires', async () => {
    const { time, book, reopen } = bookAt();
    expect(book.take(say(alice, time), PEER)).toBe('taken');
    await book.flushed();
    expect(prices(reopen())).toEqual([10n]);
    time.advance(DAY_MS + 1);
    expect(prices(reopen())).toEqual([]);
  });

  it('lets nobody overwrite another’s: not by their own key, not by a changed byte', () => {
    const { time, book } = bookAt();
    const bytes = say(alice, time);
    book.take(bytes, PEER);
    time.advance(60_000);
    expect(book.take(say(mallory, time, { price: 1n }), PEER)).toBe('taken');
    expect(book.take(say(mallory, time, { price: 2n, seller: alice.publicKey }), PEER)).toBe(
      'signature_invalid',
    );
    const price = bytes.indexOf(10, 140);
    const changed = bytes.with(price, 1);
    // Later than the first, or it would not even be looked at.
    const later = say(alice, time);
    expect(book.take(later.with(later.length - 1, later.at(-1)! ^ 1), PEER)).toBe('signature_invalid');
    expect(book.take(changed, PEER)).toMatch(/known|malformed|signature_invalid/);
    expect(book.get(alice.publicKey, hashOf('offer'))!.announcement.price).toBe(10n);
  });

  it('of two by one seller the later one counts, and a change every few seconds is too many', () => {
    const { time, book } = bookAt();
    const old = say(alice, time);
    book.take(old, PEER);
    time.advance(5_000);
    expect(book.take(say(alice, time, { price: 11n }), PEER)).toBe('too_soon');
    time.advance(6_000);
    expect(book.take(say(alice, time, { price: 12n }), PEER)).toBe('taken');
    expect(book.take(old, PEER)).toBe('known');
    expect(prices(book)).toEqual([12n]);
  });

  it('takes nothing that is expired, of the future, or good for ever', () => {
    const { time, book } = bookAt();
    const nowMs = time.nowMs();
    expect(book.take(say(alice, time, { expiresMs: nowMs }), PEER)).toBe('expired');
    expect(book.take(say(alice, time, { tsMs: nowMs + 600_000 }), PEER)).toBe('out_of_time');
    const tooLong = nowMs + ANNOUNCEMENT_LIFETIME_MS_MAX + 1;
    expect(book.take(say(alice, time, { expiresMs: tooLong }), PEER)).toBe('out_of_time');
    expect(book.take(Uint8Array.of(1, 2, 3), PEER)).toBe('malformed');
    expect(book.list()).toEqual([]);
  });

  it('a seller has a share; a flood from one peer drives out only what that peer brought', () => {
    const { time, book } = bookAt();
    const other = hashOf('another peer');
    expect(book.take(say(alice, time), other)).toBe('taken');
    for (let at = 0; at <= ANNOUNCEMENTS_PER_SELLER_MAX; at++) {
      const verdict = book.take(say(mallory, time, { offer: hashOf(`m ${at}`) }), PEER);
      expect(verdict).toBe(at < ANNOUNCEMENTS_PER_SELLER_MAX ? 'taken' : 'too_many');
    }
    // As many sellers as one likes: keys cost nothing.
    for (let at = 0; at < ANNOUNCEMENTS_PER_PEER_MAX + 50; at++)
      book.take(say(signerFromSeed(randomSeed()), time, { offer: hashOf(`s ${at}`) }), PEER);
    const byPeer = (peerKey: Hex32) => book.list().filter(({ from }) => from === peerKey).length;
    expect(byPeer(PEER)).toBe(ANNOUNCEMENTS_PER_PEER_MAX);
    expect(byPeer(other)).toBe(1);
  });

  it('strangers of one block of addresses count as one peer, also after a restart', async () => {
    const { time, book, reopen } = bookAt();
    const block = '2001:db8:0:0::/64';
    const honest = hashOf('an honest peer');
    book.take(say(alice, time, { offer: hashOf('first') }), honest, '10.0.0.0/24');
    const bring = (to: AnnouncementBook, at: number): void => {
      const seller = signerFromSeed(randomSeed());
      expect(to.take(say(seller, time, { offer: hashOf(`k ${at}`) }), hashOf(`key ${at}`), block)).toBe(
        'taken',
      );
    };
    for (let at = 0; at < ANNOUNCEMENTS_PER_PEER_MAX + 20; at++) bring(book, at);
    expect(book.list()).toHaveLength(ANNOUNCEMENTS_PER_PEER_MAX + 1);
    await book.flushed();
    const again = reopen();
    for (let at = 0; at < 20; at++) bring(again, 10_000 + at);
    expect(again.list()).toHaveLength(ANNOUNCEMENTS_PER_PEER_MAX + 1);
    expect(again.list().filter(({ from }) => from === honest)).toHaveLength(1);
  });

  it('is bounded in all, and makes room among what the greediest peer has brought', () => {
    const { time, book } = bookAt();
    const honest = hashOf('an honest peer');
    expect(book.take(say(alice, time, { offer: hashOf('first') }), honest)).toBe('taken');
    const flooders = Math.ceil(ANNOUNCEMENTS_MAX / ANNOUNCEMENTS_PER_PEER_MAX) + 1;
    const sellers = Array.from({ length: 9 }, () => signerFromSeed(randomSeed()));
    for (let flooder = 0; flooder < flooders; flooder++)
      for (let at = 0; at < ANNOUNCEMENTS_PER_PEER_MAX; at++) {
        const offer = hashOf(`f ${flooder} ${at}`);
        const seller = sellers[at % 9]!;
        // A seller of one's own for each flooder's share.
        const key = flooder === 0 ? seller : signerFromSeed(randomSeed());
        book.take(say(key, time, { offer }), hashOf(`flooder ${flooder}`));
      }
    expect(book.list().length).toBeLessThanOrEqual(ANNOUNCEMENTS_MAX);
    expect(book.get(alice.publicKey, hashOf('first'))).toBeDefined();
    expect(book.take(say(alice, time, { offer: hashOf('second') }), honest)).toBe('taken');
    expect(book.get(alice.publicKey, hashOf('first'))).toBeDefined();
  }, 60_000);

  it('fits every title into a message of gossip, with as many tags and addresses as find room', () => {
    const time = new ManualTime();
    const tags = Array.from({ length: 20 }, (_, at) => `${at % 10}${'\u{1f4d6}'.repeat(63)}`);
    const addresses = Array.from({ length: 4 }, (_, at) => `/dns/${`${at}`.repeat(240)}/tcp/1`);
    const bytes = say(alice, time, { title: '\u{1f4d6}'.repeat(256), tags, addresses });
    expect(bytes.length).toBeLessThanOrEqual(ANNOUNCEMENT_BYTES_MAX);
    const read = decodeAnnouncement(bytes);
    expect(read.title).toBe('\u{1f4d6}'.repeat(256));
    expect(read.addresses.length).toBeGreaterThan(0);
  });
});

describe('between nodes', () => {
  it('members hear by gossip, strangers when they ask; a stranger passes on what they heard', async () => {
    const [seller, member, stranger, far] = [await peer(), await peer(), await peer(), await peer()];
    const { groupId } = await seller.node.createGroup({ name: 'announced' });
    const group = await joinGroup(seller, member, groupId);
    const content = new Uint8Array(10);
    const { offer } = await seller.node
      .group(groupId)
      .as('node')
      .createOffer({ title: 'o', content, price: 5n });
    await until('the member has it', () => group.now.offer(offer) !== undefined);
    await seller.node.market.announce(groupId, offer);
    await until('the member heard', () => member.node.market.announcements.list().length === 1);
    await connect(stranger, member);
    expect(await stranger.network.market.announcements.pull(member.key)).toBe(1);
    await connect(stranger, far);
    const { taken } = await stranger.network.market.announcements.push();
    expect(taken).toBe(1);
    expect(far.node.market.announcements.list()[0]!.announcement).toMatchObject({ offer, price: 5n });
  }, 60_000);

  it('what the chain contradicts is shown as that and not passed on; what is forged costs the connection', async () => {
    const [seller, liar, reader] = [await peer(), await peer(), await peer()];
    const { groupId } = await seller.node.createGroup({ name: 'lied about', policy: { discoverable: true } });
    const group = seller.node.group(groupId);
    const { offer } = await group
      .as('node')
      .createOffer({ title: 'o', content: new Uint8Array(9), price: 5n });
    await connect(liar, seller);
    const { packageHash } = group.now.offer(offer)!;
    const lie = {
      groupId,
      offer,
      title: 'o',
      tags: [],
      price: 1n,
      packageHash,
      node: liar.key,
      addresses: [],
    };
    await liar.node.market.announcements.announce(liar.node.networkPort.signer, lie);
    await liar.network.market.announcements.push();
    const heard = seller.node.market.announcements.list();
    expect(heard).toHaveLength(1);
    const found = group.now.offer(offer);
    expect(contradictionOf(heard[0]!.announcement, found, Date.now())).toBe('other_seller');
    expect(contradictionOf({ ...heard[0]!.announcement, seller: found!.seller }, found, Date.now())).toBe(
      'other_price',
    );
    expect(contradictionOf(heard[0]!.announcement, undefined, Date.now())).toBe('not_on_chain');
    await connect(reader, seller);
    expect(await reader.network.market.announcements.pull(seller.key)).toBe(0);

    const time = { nowMs: () => Date.now() } as ManualTime;
    const forged = say(alice, time).with(100, 7);
    const pushing = liar.network.client.call(seller.key, 'market_push', { announcements: [forged] });
    await expect(pushing).rejects.toMatchObject({ code: 'peer_unreachable' });
    expect(seller.network.defence.isBanned(liar.key)).toBe(true);
  }, 60_000);

  it('a seller renews an announcement when half its time has passed, and drops what they revoked', async () => {
    let aheadMs = 0;
    const clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };
    const seller = await peer({ open: { clock } });
    const { groupId } = await seller.node.createGroup({ name: 'renewed' });
    const agent = seller.node.group(groupId).as('node');
    const content = new Uint8Array(10);
    const { offer } = await agent.createOffer({ title: 'kept', content, price: 5n });
    const { offer: gone } = await agent.createOffer({ title: 'gone', content, price: 5n });
    for (const one of [offer, gone]) await seller.node.market.announce(groupId, one);
    const book = seller.node.market.announcements;
    const first = book.get(seller.key, offer)!.announcement.expiresMs;
    await agent.revokeOffer(gone);
    aheadMs = 30 * 3_600_000;
    expect(book.list()).toEqual([]);
    await seller.network.market.announcements.renew();
    expect(book.list().map(({ announcement }) => announcement.offer)).toEqual([offer]);
    expect(book.get(seller.key, offer)!.announcement.expiresMs).toBeGreaterThan(first);
  }, 60_000);
});
