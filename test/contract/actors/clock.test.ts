/** A clock that is set while the node runs, or between two runs: one clear line, and nothing is lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LOOK_MS } from '../../../actors/alarms.ts';
import {
  CLOCK_JUMP_MS_MAX,
  ClockJumpedError,
  ClockUncertainError,
  WatchedClock,
} from '../../../actors/clock.ts';
import { BatteryNode } from '../../../node.ts';
import { ManualTime } from '../../support/manual-time.ts';
import { openTestNode, type TestNode } from '../../support/node.ts';

const HOUR_MS = 3_600_000;

const jumps = ({ moments }: TestNode) =>
  moments.flatMap((event) => (event.kind === 'clock.jumped' ? [event.message] : []));

test('a clock that jumps back by an hour: one line, no block with a wrong time, and all goes on afterwards', async () => {
  const at = await openTestNode();
  const group = await at.node.createGroup({ name: 'g' });
  const agent = group.as('node');
  await agent.createTask({ task: 'before', title: 'x' });
  at.time.jump(-HOUR_MS);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => agent.createTask({ task: `during ${n}`, title: 'x' })),
  );
  const reasons = outcomes.map((one) => (one.status === 'rejected' ? one.reason : undefined));
  expect(new Set(reasons.map((error: { code?: string } | undefined) => error?.code))).toEqual(
    new Set(['clock_jumped']),
  );
  const line = (reasons[0] as Error).message;
  expect(line).toContain('jumped back by 3600 s');
  expect(line).not.toContain('\n');
  at.time.advance(10 * LOOK_MS);
  expect(jumps(at)).toEqual([line]);
  expect(group.info()).toMatchObject({ status: 'sealing', haltReason: undefined });
  expect(group.head.height).toBe(1);

  at.time.jump(HOUR_MS);
  for (let n = 0; n < 20; n++) await agent.createTask({ task: `during ${n}`, title: 'x' });
  expect(group.now.tasks()).toHaveLength(21);
  expect(at.moments.filter(({ kind }) => kind === 'clock.restored')).toHaveLength(1);
  expect((await group.audit()).status).toBe('sound');
});

test('a jump is noticed also where nobody seals', async () => {
  const at = await openTestNode();
  at.time.jump(-HOUR_MS);
  expect(jumps(at)).toEqual([]);
  at.time.advance(LOOK_MS);
  expect(jumps(at)).toHaveLength(1);
});

test('a node that starts an hour before its last block seals on, and block time never goes back', async () => {
  const at = await openTestNode();
  await at.node.createGroup({ name: 'g' });
  await at.node.group('g').as('node').createTask({ task: 'before', title: 'x' });
  const { tsMs } = at.node.group('g').head;
  at.time.jump(-HOUR_MS);
  await at.restart();
  const group = at.node.group('g');
  await group.as('node').createTask({ task: 'after', title: 'x' });
  expect(group.head).toMatchObject({ height: 2, tsMs });
  expect(jumps(at)).toEqual([]);
  expect((await group.audit()).status).toBe('sound');
});

test('drift and small corrections are followed', async () => {
  const at = await openTestNode();
  const agent = (await at.node.createGroup({ name: 'g' })).as('node');
  for (let n = 0; n < 30; n++) {
    at.time.jump((n % 2 === 0 ? 1 : -1) * (CLOCK_JUMP_MS_MAX - 1));
    at.time.advance(LOOK_MS);
    await agent.createTask({ task: `${n}`, title: 'x' });
  }
  expect(jumps(at)).toEqual([]);
});

test('a laptop that slept goes on: nothing is refused, and what came due in its sleep rings', async () => {
  const at = await openTestNode();
  const group = await at.node.createGroup({ name: 'g' });
  const agent = group.as('node');
  const dueMs = at.time.nowMs() + HOUR_MS;
  await agent.createTask({ task: 'before', title: 'x', dueMs });
  at.time.sleep(6 * 60_000);
  await agent.createTask({ task: 'after a nap', title: 'x' });
  at.time.sleep(30 * 24 * HOUR_MS);
  at.time.advance(LOOK_MS);
  await agent.createTask({ task: 'after a month', title: 'x' });
  expect(group.head.tsMs).toBe(at.time.nowMs());
  expect(jumps(at)).toEqual([]);
  expect(at.moments.filter(({ kind }) => kind === 'task.overdue')).toHaveLength(1);
  expect(at.node.clockJumpMs).toBeUndefined();
});

test('sleep does not hide a clock that was set meanwhile', async () => {
  const at = await openTestNode();
  const agent = (await at.node.createGroup({ name: 'g' })).as('node');
  at.time.sleep(8 * HOUR_MS);
  at.time.jump(HOUR_MS);
  await expect(agent.createTask({ task: 't', title: 'x' })).rejects.toMatchObject({ code: 'clock_jumped' });
  expect(jumps(at)).toHaveLength(1);
  at.time.jump(-HOUR_MS);
  await agent.createTask({ task: 't', title: 'x' });
});

/** A clock of two hands, as an embedder may give one: nothing counts sleep. */
function twoHands() {
  const hands = { wallMs: 1_750_000_000_000, monotonicMs: 0 };
  return { hands, clock: { nowMs: () => hands.wallMs, monotonicMs: () => hands.monotonicMs } };
}

test('without a clock that counts sleep, a night is followed, a day is asked about, and back is a jump', () => {
  const { hands, clock } = twoHands();
  const watched = new WatchedClock(clock);
  watched.sealingMs();
  hands.wallMs += 10 * 60_000;
  expect(watched.sealingMs(hands.wallMs - 10 * 60_000)).toBe(hands.wallMs);
  hands.wallMs += 7 * HOUR_MS;
  expect(watched.sealingMs(hands.wallMs - 7 * HOUR_MS)).toBe(hands.wallMs);
  hands.wallMs += 24 * HOUR_MS;
  expect(() => watched.sealingMs()).toThrow(ClockJumpedError);
  hands.wallMs -= 24 * HOUR_MS;
  expect(watched.sealingMs()).toBe(hands.wallMs);
  hands.wallMs -= HOUR_MS;
  expect(() => watched.sealingMs()).toThrow(ClockJumpedError);
});

test('a node that starts with a clock a day ahead seals nothing until a peer or a person says that it is right', async () => {
  const { hands, clock } = twoHands();
  const folder = mkdtempSync(join(tmpdir(), 'lb-clock-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const open = () => BatteryNode.openOrInit({ data: join(folder, 'node'), clock });
  {
    await using node = await open();
    await (await node.createGroup({ name: 'g' })).as('node').createTask({ task: 'before', title: 'x' });
  }
  hands.wallMs += 25 * HOUR_MS;
  const ahead = hands.wallMs;
  {
    await using node = await open();
    const group = node.group('g');
    await expect(group.as('node').createTask({ task: 't', title: 'x' })).rejects.toMatchObject({
      code: 'clock_uncertain',
      jumpMs: 25 * HOUR_MS,
    });
    await expect(node.createGroup({ name: 'another' })).rejects.toMatchObject({ code: 'clock_uncertain' });
    expect(group.head.height).toBe(1);
    expect(node.clockDoubt(group.head.tsMs)).toMatchObject({ code: 'clock_uncertain' });
  }
  // A look with a wrong clock vouches for nothing.
  {
    await using node = await open();
    const group = node.group('g');
    expect(node.clockDoubt(group.head.tsMs)).toMatchObject({ code: 'clock_uncertain' });
    node.trustClock();
    await group.as('node').createTask({ task: 'trusted', title: 'x' });
    expect(group.head.tsMs).toBe(ahead);
  }
  hands.wallMs -= 25 * HOUR_MS;
  await using node = await open();
  const group = node.group('g');
  const agent = group.as('node');
  const refused = await agent.submit([{ type: 'profile_set', name: 'x' }]);
  expect(refused).toMatchObject({ status: 'refused', refusal: { code: 'transaction_expired' } });
  const { height, tsMs, effects } = await agent.correctTime();
  expect(tsMs).toBe(hands.wallMs);
  expect(effects).toEqual([
    { kind: 'time.corrected', fromMs: ahead, toMs: hands.wallMs, by: agent.publicKey },
  ]);
  await agent.createTask({ task: 'writable again', title: 'x', leaseMs: 60_000 });
  expect(group.head).toMatchObject({ height: height + 1, tsMs: hands.wallMs });
  await expect(agent.correctTime()).rejects.toMatchObject({ refusal: { code: 'time_not_ahead' } });
  expect((await group.audit()).status).toBe('sound');
});

test('in the same boot the time between two runs is known: a month of rest is nothing, an hour ahead is a jump', async () => {
  const time = new ManualTime();
  const clock = Object.assign(time, { bootId: () => 'this boot' });
  const at = await openTestNode(clock);
  await at.node.createGroup({ name: 'g' });
  await at.restart(30 * 24 * HOUR_MS);
  await at.node.group('g').as('node').createTask({ task: 'a month later', title: 'x' });
  await at.node.close();
  time.jump(HOUR_MS);
  await at.restart();
  const group = at.node.group('g');
  await expect(group.as('node').createTask({ task: 't', title: 'x' })).rejects.toMatchObject({
    code: 'clock_jumped',
    jumpMs: HOUR_MS,
  });
  time.jump(-HOUR_MS);
  await group.as('node').createTask({ task: 't', title: 'x' });
});

test('one peer who shows the same time is word enough where nobody knows, and none against a jump', () => {
  const { hands, clock } = twoHands();
  const known = { wallMs: hands.wallMs - 100 * HOUR_MS, sinceBootMs: undefined, bootId: undefined };
  const watched = new WatchedClock(clock, undefined, known);
  expect(() => watched.sealingMs()).toThrow(ClockUncertainError);
  watched.hearPeers({ aheadMs: -25 * HOUR_MS, count: 1 });
  expect(() => watched.sealingMs()).toThrow(ClockUncertainError);
  watched.hearPeers({ aheadMs: 1_000, count: 1 });
  expect(watched.sealingMs()).toBe(hands.wallMs);
  hands.wallMs -= HOUR_MS;
  watched.hearPeers({ aheadMs: 0, count: 1 });
  expect(() => watched.sealingMs()).toThrow(ClockJumpedError);
  watched.hearPeers({ aheadMs: 0, count: 3 });
  expect(watched.sealingMs()).toBe(hands.wallMs);
});
