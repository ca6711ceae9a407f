/** What is bounded by the block that an address belongs to. */
import { describe, expect, it } from 'vitest';
import { blockOf, blocksOf, siteOf } from '../../../protocol/address-block.ts';
import { Defence } from '../../../protocol/defence.ts';
import {
  REQUESTS_PER_MINUTE_MAX,
  REQUESTS_PER_SITE_FACTOR,
  SITE_FACTOR,
  STRANGERS_MAX,
  STRANGERS_PER_BLOCK_MAX,
  UNPROVED_PER_BLOCK_MAX,
} from '../../../protocol/limits.ts';
import { hashOf } from '../../support/people.ts';

describe('the block of an address', () => {
  it.each([
    ['10.1.2.3', '10.1.2.0/24'],
    ['::ffff:10.1.2.3', '10.1.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2002:0a01:0203::1', '10.1.2.0/24'],
    ['64:ff9b::10.1.2.3', '10.1.2.0/24'],
    ['2001:0:4136:e378:8000:63bf:f5fe:fdfc', '10.1.2.0/24'],
    ['example.org', 'example.org'],
    ['a7.b.Example.ORG.', 'example.org'],
    ['localhost', 'localhost'],
  ])('of %s is %s', (host, block) => expect(blockOf(host)).toBe(block));

  it('is within a site, which of IPv6 is wider', () => {
    expect(blocksOf('2001:db8:1:2::3')).toEqual(['2001:db8:1:2::/64', '2001:db8:1::/48']);
    expect(siteOf('2001:db8:1:ffff::1')).toBe('2001:db8:1::/48');
    for (const one of ['10.1.2.3', '2002:a01:203::', 'example.org']) expect(siteOf(one)).toBe(blockOf(one));
  });
});

const MEMBER = hashOf('a member');
const defence = (): Defence =>
  new Defence({ nowMs: () => 0, banned: () => {}, isKnown: (peer) => peer === MEMBER });

describe('connections', () => {
  it('that have proved nothing are few in one block, however many addresses it has', () => {
    const made = defence();
    for (let at = 1; at <= UNPROVED_PER_BLOCK_MAX; at++)
      expect(made.admitAddress(`2001:db8::${at}`)).toBe(true);
    expect(made.admitAddress('2001:db8::ffff')).toBe(false);
    expect(made.admitAddress('2001:db8:0:1::1')).toBe(true);
    expect(made.proved('2001:db8::1', undefined)).toBe('refused');
    expect(made.admitAddress('2001:db8::ffff')).toBe(true);
  });

  it('are few at one site too, however many blocks it has', () => {
    const made = defence();
    const from = (at: number): string => `2001:db8:7:${at.toString(16)}::1`;
    for (let at = 0; at < SITE_FACTOR * UNPROVED_PER_BLOCK_MAX; at++)
      expect(made.admitAddress(from(at))).toBe(true);
    expect(made.admitAddress(from(999))).toBe(false);
    expect(made.admitAddress('2001:db8:8::1')).toBe(true);
    for (let at = 0; at < SITE_FACTOR * UNPROVED_PER_BLOCK_MAX; at++)
      expect(made.proved(from(at), hashOf(`stranger ${at}`))).toBe('stranger');
    for (let at = 100; at < 100 + SITE_FACTOR * (STRANGERS_PER_BLOCK_MAX - UNPROVED_PER_BLOCK_MAX); at++) {
      expect(made.admitAddress(from(at))).toBe(true);
      expect(made.proved(from(at), hashOf(`stranger ${at}`))).toBe('stranger');
    }
    expect(made.admitAddress(from(999))).toBe(true);
    expect(made.proved(from(999), hashOf('one more'))).toBe('refused');
    made.strangerLeft(from(0));
    expect(made.admitAddress(from(998))).toBe(true);
    expect(made.proved(from(998), hashOf('in its place'))).toBe('stranger');
  });

  it('of strangers are bounded by block and in all, and members get in all the same', () => {
    const made = defence();
    const place = (address: string, key: string): string => {
      expect(made.admitAddress(address)).toBe(true);
      return made.proved(address, key);
    };
    for (let at = 0; at < STRANGERS_PER_BLOCK_MAX; at++)
      expect(place(`10.0.0.${at}`, hashOf(`stranger ${at}`))).toBe('stranger');
    expect(place('10.0.0.250', hashOf('one more'))).toBe('refused');
    expect(place('10.0.0.251', MEMBER)).toBe('member');
    for (let at = STRANGERS_PER_BLOCK_MAX; at < STRANGERS_MAX; at++)
      expect(place(`10.1.${at}.1`, hashOf(`stranger ${at}`))).toBe('stranger');
    expect(place('10.2.0.1', hashOf('too many'))).toBe('refused');
    expect(place('10.2.0.2', MEMBER)).toBe('member');
    made.strangerLeft('10.0.0.0');
    expect(place('10.2.1.1', hashOf('too many'))).toBe('stranger');
  });
});

describe('strangers of one site', () => {
  it('share what they may ask for, since keys are free; members do not', () => {
    const made = defence();
    const come = (address: string, name: string): string => {
      made.admitAddress(address);
      made.proved(address, hashOf(name));
      return hashOf(name);
    };
    const asked = (peer: string): number => {
      let times = 0;
      while (times < 100_000 && made.allows('requests', peer)) times++;
      return times;
    };
    const flood = Array.from({ length: 12 }, (_, at) => asked(come(`10.0.0.${at}`, `key ${at}`)));
    expect(flood.reduce((sum, one) => sum + one, 0)).toBe(REQUESTS_PER_SITE_FACTOR * REQUESTS_PER_MINUTE_MAX);
    expect(asked(come('10.0.1.1', 'elsewhere'))).toBe(REQUESTS_PER_MINUTE_MAX);
    made.admitAddress('10.0.0.99');
    expect(made.proved('10.0.0.99', MEMBER)).toBe('member');
    expect(asked(MEMBER)).toBe(10 * REQUESTS_PER_MINUTE_MAX);
  });
});
