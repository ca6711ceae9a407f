/** Limits and bans by a clock that the test moves. */
import { describe, expect, it } from 'vitest';
import { Defence } from '../../../protocol/defence.ts';
import {
  BAN_MS_FIRST,
  BAN_MS_MAX,
  CONNECTIONS_PER_PEER_MAX,
  HALF_OPEN_PER_MINUTE_MAX,
  PEER_TABLE_MAX,
} from '../../../protocol/limits.ts';
import { BoundedMap } from '../../../protocol/rate-limit.ts';
import { hashOf } from '../../support/people.ts';

const peer = hashOf('peer');

function defence(options: { requestsPerMinute?: number; connectionsPerAddress?: number } = {}) {
  const clock = { nowMs: 0 };
  const told: { peer: string; reason: string; forMs: number }[] = [];
  const suspected: string[] = [];
  const made = new Defence({
    nowMs: () => clock.nowMs,
    banned: (key, reason, forMs) => told.push({ peer: key, reason, forMs }),
    suspected: (who, reason) => suspected.push(`${who}: ${reason}`),
    ...options,
  });
  return { clock, told, suspected, made };
}

describe('a ban', () => {
  it('ends, grows with each repetition, is told, and stays below a day', () => {
    const { clock, told, made } = defence();
    made.punish(peer, 'a lie');
    expect(told).toEqual([{ peer, reason: 'a lie', forMs: BAN_MS_FIRST }]);
    expect(made.isBanned(peer)).toBe(true);
    expect(made.admitPeer(peer)).toBe(false);
    clock.nowMs = BAN_MS_FIRST;
    expect(made.isBanned(peer)).toBe(false);
    const second = made.punish(peer, 'another');
    expect(second).toBeGreaterThan(3 * BAN_MS_FIRST);
    for (let at = 0; at < 50; at++) made.punish(peer, 'again');
    expect(told.at(-1)!.forMs).toBe(BAN_MS_MAX);
  });

  it('of a mistake is forgotten after a while', () => {
    const { clock, made } = defence();
    made.punish(peer, 'a mistake');
    clock.nowMs = 3 * 3_600_000;
    expect(made.punish(peer, 'another, hours later')).toBeLessThan(1.01 * BAN_MS_FIRST);
  });

  it('is lifted by hand', () => {
    const { made } = defence();
    made.punish(peer, 'a lie');
    made.forgive(peer);
    expect(made.isBanned(peer)).toBe(false);
  });
});

describe('limits', () => {
  it('give a minute worth at once, and refill evenly', () => {
    const { clock, made } = defence({ requestsPerMinute: 60 });
    const take = (): boolean => made.allows('requests', peer);
    for (let at = 0; at < 60; at++) expect(take()).toBe(true);
    expect(take()).toBe(false);
    clock.nowMs = 1_000;
    expect(take()).toBe(true);
    expect(take()).toBe(false);
    expect(made.allows('requests', hashOf('another'))).toBe(true);
    expect(made.counters.rateLimited).toBe(2);
  });

  it('count connections by address and by peer', () => {
    const { made } = defence({ connectionsPerAddress: 2 });
    expect([1, 2, 3].map(() => made.admitAddress('10.0.0.1'))).toEqual([true, true, false]);
    made.addressLeft('10.0.0.1', true);
    expect(made.admitAddress('10.0.0.1')).toBe(true);
    expect(made.admitAddress('10.0.0.2')).toBe(true);
    for (let at = 0; at < CONNECTIONS_PER_PEER_MAX; at++) made.peerJoined(peer);
    expect(made.admitPeer(peer)).toBe(false);
    made.peerLeft(peer);
    expect(made.admitPeer(peer)).toBe(true);
  });

  it('keep no more entries than the table holds', () => {
    const map = new BoundedMap<number, number>(PEER_TABLE_MAX);
    for (let at = 0; at < 3 * PEER_TABLE_MAX; at++) {
      map.set(at, at);
      map.get(0);
    }
    expect(map.size).toBe(PEER_TABLE_MAX);
    expect(map.get(0)).toBe(0);
    expect(map.get(1)).toBeUndefined();
  });
});

it('a member of a common group may ask ten times as often as a stranger', () => {
  const clock = { nowMs: 0 };
  const member = hashOf('member');
  const made = new Defence({
    nowMs: () => clock.nowMs,
    banned: () => {},
    requestsPerMinute: 10,
    isKnown: (key) => key === member,
  });
  const allowed = (key: string): number =>
    Array.from({ length: 200 }).filter(() => made.allows('requests', key)).length;
  expect(allowed(peer)).toBe(10);
  expect(allowed(member)).toBeGreaterThanOrEqual(99);
});

describe('a suspicion', () => {
  it('names an address that has too much open, once a minute, and counts on', () => {
    const { clock, suspected, made } = defence({ connectionsPerAddress: 1 });
    for (let at = 0; at < 4; at++) made.admitAddress('10.0.0.1');
    expect(suspected).toEqual(['10.0.0.1: it opens more connections than one address may have']);
    expect([...made.suspected()]).toEqual([['10.0.0.1', 3]]);
    clock.nowMs = 60_000;
    made.admitAddress('10.0.0.1');
    expect(suspected).toHaveLength(2);
  });

  it('falls on handshakes that come to nothing when they are many', () => {
    const { suspected, made } = defence();
    for (let at = 0; at < HALF_OPEN_PER_MINUTE_MAX; at++) made.addressLeft('10.0.0.1', false);
    for (let at = 0; at < 20; at++) made.addressLeft('10.0.0.2', true);
    expect(suspected).toEqual([]);
    made.addressLeft('10.0.0.1', false);
    expect(suspected).toEqual(['10.0.0.1: it begins handshakes and does not finish them']);
  });

  it('is told of no more suspects in a minute than a log can bear', () => {
    const { suspected, made } = defence();
    for (let at = 0; at < 10_000; at++) made.suspect(`10.0.${at >> 8}.${at & 255}`, 'a crowd');
    expect(suspected.length).toBeLessThanOrEqual(60);
    expect([...made.suspected()].length).toBeLessThanOrEqual(PEER_TABLE_MAX);
  });
});

it('a peer that keeps asking although told that it is too often is hostile', () => {
  const { made } = defence({ requestsPerMinute: 2 });
  const answers = Array.from({ length: 22 }, () => made.admits('requests', peer));
  expect(answers.filter((isAdmitted) => isAdmitted)).toHaveLength(2);
  expect(() => made.admits('requests', peer)).toThrow('a flood of requests');
});

it('those who are shut out are listed with what is left of it', () => {
  const { clock, made } = defence();
  made.punish(peer, 'a lie');
  clock.nowMs = BAN_MS_FIRST / 2;
  expect([...made.banned()]).toEqual([[peer, BAN_MS_FIRST / 2]]);
  clock.nowMs = BAN_MS_FIRST;
  expect([...made.banned()]).toEqual([]);
});
