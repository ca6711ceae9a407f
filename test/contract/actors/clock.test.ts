/** A clock that is set while the node runs, or between two runs: one clear line, and nothing is lost. */
import { expect, test } from 'vitest';
import { LOOK_MS } from '../../../actors/alarms.ts';
import { CLOCK_JUMP_MS_MAX } from '../../../actors/clock.ts';
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
