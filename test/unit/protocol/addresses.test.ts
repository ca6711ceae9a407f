/** Addresses of peers as people write them, and as strangers send them. */
import { multiaddr } from '@multiformats/multiaddr';
import { expect, it } from 'vitest';
import { UsageError } from '../../../actors/errors.ts';
import { formatInviteCode, parseInviteCode } from '../../../actors/invites.ts';
import {
  canBeTried,
  dialAddress,
  hostOf,
  isDialable,
  isOnLink,
  parsePeerAddress,
  placeOf,
} from '../../../protocol/addresses.ts';
import { keyOf, keyOfText, peerIdOf } from '../../../protocol/keys.ts';
import { withoutZone } from '../../../protocol/link-local.ts';
import { alice, hashOf } from '../../support/people.ts';

const key = alice.publicKey;
const peerId = peerIdOf(key).toString();

it('a key is a peer id and back', () => {
  expect(peerId).toMatch(/^12D3KooW/);
  expect(keyOf(peerIdOf(key))).toBe(key);
  expect(keyOfText(peerId)).toBe(key);
  expect(keyOfText('no peer id')).toBeUndefined();
});

it.each<[string, string]>([
  [`/ip4/10.0.0.2/tcp/4242/p2p/${peerId}`, '/ip4/10.0.0.2/tcp/4242'],
  [`/dns4/example.org/tcp/4242/p2p/${peerId}`, '/dns4/example.org/tcp/4242'],
  [`${key}@10.0.0.2:4242`, '/ip4/10.0.0.2/tcp/4242'],
  [`${key}@[::1]:4242`, '/ip6/::1/tcp/4242'],
  [`${key}@example.org:4242`, '/dns/example.org/tcp/4242'],
  [`/ip6zone/eth0/ip6/fe80::7/tcp/4242/p2p/${peerId}`, '/ip6zone/eth0/ip6/fe80::7/tcp/4242'],
  [`${key}@[fe80::7%br-0]:4242`, '/ip6zone/br-0/ip6/fe80::7/tcp/4242'],
])('%s is an address', (text, address) => {
  expect(parsePeerAddress(text)).toEqual({ key, address });
  expect(dialAddress({ key, address }).toString()).toBe(`${address}/p2p/${peerId}`);
});

it.each([
  '',
  '/ip4/10.0.0.2/tcp/4242',
  `/ip4/10.0.0.2/udp/4242/p2p/${peerId}`,
  `/ip4/10.0.0.2/tcp/0/p2p/${peerId}`,
  `/ip4/300.0.0.2/tcp/1/p2p/${peerId}`,
  `/ip4/10.0.0.2/tcp/4242/p2p/${peerId}/p2p-circuit`,
  `${key}@10.0.0.2:99999`,
  `${key}@:1`,
  '/unix/%2fetc%2fpasswd',
  // Only what is good on a link has a zone, and that has one.
  `/ip6zone/eth0/ip6/2001:db8::7/tcp/4242/p2p/${peerId}`,
  `/ip6zone/eth0/ip4/10.0.0.2/tcp/4242/p2p/${peerId}`,
  `/ip6zone/eth0/ip6/fe80::7/tcp/0/p2p/${peerId}`,
  `/ip6zone/eth0/ip6/fe80::7/tcp/1/ws/p2p/${peerId}`,
])('%j is none', (text) => {
  expect(() => parsePeerAddress(text)).toThrow(UsageError);
});

it.each([`/ip6/fe80::7/tcp/4242/p2p/${peerId}`, `${key}@[fe80::7]:4242`, `${key}@[FEBF::7]:4242`])(
  '%s lacks the interface, and that is said',
  (text) => expect(() => parsePeerAddress(text)).toThrow(/needs the name of your interface/),
);

it('what is good on one link only is tried here, and is nothing for others', () => {
  const onLink = placeOf('fe80::7%eth0', 4242);
  expect([isOnLink(onLink), canBeTried(onLink), isDialable(onLink)]).toEqual([true, true, false]);
  for (const elsewhere of ['/ip6/fd00::7/tcp/1', '/ip4/169.254.1.1/tcp/1', '/dns/fe80.example.org/tcp/1'])
    expect([isOnLink(elsewhere), isDialable(elsewhere)], elsewhere).toEqual([false, true]);
  expect([isOnLink('/ip6/fe80::7/tcp/1'), isDialable('/ip6/fe80::7/tcp/1')]).toEqual([false, false]);
  expect(hostOf(multiaddr(onLink))).toBe('fe80::7');
});

it('a connection that comes in over a link has an address without its zone', () => {
  for (const [given, shown] of [
    ['fe80::7%br-0', 'fe80::7'],
    ['fd00::7', 'fd00::7'],
  ]) {
    const socket = Object.create({ remoteAddress: given });
    withoutZone(socket);
    expect(socket.remoteAddress).toBe(shown);
  }
});

it('only TCP to a host is dialled', () => {
  expect(isDialable(placeOf('127.0.0.1', 1))).toBe(true);
  for (const wrong of [
    '/ip4/127.0.0.1',
    '/unix/a',
    '/ip4/1.2.3.4/tcp/1/ws',
    `/dns/${'x'.repeat(300)}/tcp/1`,
    'x',
  ])
    expect(isDialable(wrong), wrong).toBe(false);
});

it('a join code carries where to ask, or not', () => {
  const groupId = hashOf('group');
  const seed = new Uint8Array(32).fill(7);
  const plain = formatInviteCode(groupId, seed);
  expect(plain).toMatch(/^lbi1/);
  expect(parseInviteCode(plain)).toEqual({ groupId, seed, peers: [] });
  const peers = [{ key, addresses: ['/ip4/10.0.0.2/tcp/4242', '/ip6/::1/tcp/4242'] }];
  const code = formatInviteCode(groupId, seed, peers);
  expect(code).toMatch(/^lbi2/);
  expect(parseInviteCode(code)).toEqual({ groupId, seed, peers });
  for (const wrong of [code.slice(0, -3), `${code}AAAA`, `${plain}AAAA`, `lbi3${code.slice(4)}`, 'lbi2', ''])
    expect(() => parseInviteCode(wrong), wrong).toThrow(UsageError);
});
