/** The peer book against those who fill it: what was only heard takes no place of what is known. */
import { afterEach, expect, it } from 'vitest';
import { HEARD_PER_BLOCK_MAX } from '../../../protocol/limits.ts';
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
