/** Addresses of peers as people write them, and as strangers send them. */
import { expect, it } from 'vitest';
import { UsageError } from '../../../actors/errors.ts';
import { formatInviteCode, parseInviteCode } from '../../../actors/invites.ts';
import { dialAddress, isDialable, parsePeerAddress, placeOf } from '../../../protocol/addresses.ts';
import { keyOf, keyOfText, peerIdOf } from '../../../protocol/keys.ts';
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
])('%j is none', (text) => {
  expect(() => parsePeerAddress(text)).toThrow(UsageError);
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
