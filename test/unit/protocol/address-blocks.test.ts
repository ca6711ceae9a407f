/** What is bounded by the block that an address belongs to. */
import { describe, expect, it } from 'vitest';
import { blockOf } from '../../../protocol/addresses.ts';
import { Defence } from '../../../protocol/defence.ts';
import { STRANGERS_MAX, STRANGERS_PER_BLOCK_MAX, UNPROVED_PER_BLOCK_MAX } from '../../../protocol/limits.ts';
import { hashOf } from '../../support/people.ts';

describe('the block of an address', () => {
  it.each([
    ['10.1.2.3', '10.1.2.0/24'],
    ['::ffff:10.1.2.3', '10.1.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['example.org', 'example.org'],
  ])('of %s is %s', (host, block) => expect(blockOf(host)).toBe(block));
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
