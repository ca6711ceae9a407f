/** The peer book against those who fill it: what was only heard takes no place of what is known. */
import { afterEach, expect, it } from 'vitest';
import { placeOf } from '../../../protocol/addresses.ts';
import { HEARD_PER_BLOCK_MAX } from '../../../protocol/limits.ts';
import { join } from '../../../protocol/membership.ts';
import { PeerBook } from '../../../protocol/peers.ts';
import { closePeers, peer } from '../../support/network.ts';
import { hashOf } from '../../support/people.ts';
import { until } from '../../support/until.ts';

afterEach(() => closePeers());

it('addresses that anybody says never drive out those that were given or proved', async () => {
  const { node } = await peer();
  const map = node.networkPort.store.network;
  const book = new PeerBook(map);
  const key = hashOf('a peer');
  await book.add(key, ['/ip4/10.0.0.1/tcp/1'], { isPinned: true, seenMs: 1 });
  await book.add(key, ['/ip4/10.0.0.2/tcp/2'], { seenMs: 2, source: 'proved' });
  const known = ['/ip4/10.0.0.2/tcp/2', '/ip4/10.0.0.1/tcp/1'];
  for (let round = 0; round < 5; round++) {
    const heard = Array.from({ length: 8 }, (_, at) => `/ip4/10.9.${10 * round + at}.1/tcp/4242`);
    await book.add(key, heard, { seenMs: 3 });
  }
  expect(book.get(key)!.addresses.slice(0, 2)).toEqual(known);
  expect(book.get(key)!.addresses).toHaveLength(8);
  expect(new PeerBook(map).get(key)).toMatchObject({ known, isPinned: true });
});

it('peers that were only heard of are few in one block, and take no place of members and of those who were met', async () => {
  const { node } = await peer();
  const [member, met] = [hashOf('a member'), hashOf('met')];
  const book = new PeerBook(node.networkPort.store.network, (key) => key === member);
  await book.add(member, ['/ip4/10.9.0.251/tcp/1'], { seenMs: 0 });
  await book.add(met, ['/ip4/10.9.0.252/tcp/1'], { seenMs: 0, source: 'proved' });
  for (let at = 0; at < 2 * HEARD_PER_BLOCK_MAX; at++)
    await book.add(hashOf(`rumor ${at}`), [`/ip4/10.9.0.${at % 250}/tcp/${1 + at}`], { seenMs: 10 + at });
  expect(book.all()).toHaveLength(2 + HEARD_PER_BLOCK_MAX);
  expect(book.get(member)).toBeDefined();
  expect(book.get(met)).toBeDefined();
});

it('peers that show themselves on the local network are written down as far as there is a place to call them', async () => {
  const { network } = await peer();
  // Nobody is there, and each from elsewhere: whoever says so is not asked for a proof.
  for (let at = 0; at < 500; at++)
    network.peers.discovered(hashOf(`made up ${at}`), [`/ip4/127.${at % 250}.0.1/tcp/${1 + at}`]);
  await until('some are here', () => network.book.all().length > 0);
  const told = network.book.all().length;
  expect(told).toBeLessThanOrEqual(32);
  // Whoever was not reached has to wait, and holds no place meanwhile.
  await until('a place is free', () => network.dialer.foundNearby(hashOf('somebody who is there')));
});

it('where a peer is on a link is tried and held, and neither written down nor told', async () => {
  const { node, network } = await peer();
  const key = hashOf('on the cable');
  const [onLink, elsewhere] = ['/ip6zone/eth0/ip6/fe80::7/tcp/4242', '/ip4/10.1.2.3/tcp/1'];
  const { book } = network;
  await book.add(key, [onLink], { seenMs: 1, source: 'proved' });
  expect(book.get(key), 'nothing is left of it to be kept').toBeUndefined();
  book.sight(key, [onLink]);
  expect(book.waysTo(key)).toEqual([onLink]);
  await book.add(key, [elsewhere, onLink], { seenMs: 1, isPinned: true });
  expect(book.get(key)!.addresses).toEqual([elsewhere]);
  expect(book.waysTo(key), 'what is written down is of another network').toEqual([onLink, elsewhere]);
  book.sight(key, [onLink, elsewhere]);
  expect(book.waysTo(key)).toEqual([elsewhere, onLink]);
  const again = new PeerBook(node.networkPort.store.network);
  expect(again.waysTo(key)).toEqual([elsewhere]);
});

it('a code that names a place on a link leads nobody there', async () => {
  const { network } = await peer();
  const seed = new Uint8Array(32).fill(7);
  const code = {
    groupId: hashOf('g'),
    seed,
    peers: [{ key: hashOf('k'), addresses: [placeOf('fe80::7%lo', 1)] }],
  };
  await expect(join(network, code)).rejects.toThrow(/no address of .* is known/);
});
