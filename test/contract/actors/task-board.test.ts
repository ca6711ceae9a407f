/** The task board: each deadline is told once, on time, by one timer, whatever the clock does and whoever restarts. */
import { expect, test } from 'vitest';
import { initialTransition, transition } from 'xstate';
import { Alarms, LOOK_MS } from '../../../actors/alarms.ts';
import { DEADLINES_MAX } from '../../../actors/bounds.ts';
import { WatchedClock } from '../../../actors/clock.ts';
import { taskBoardMachine } from '../../../actors/tasks/task-board.machine.ts';
import { TaskBoard } from '../../../actors/tasks/task-board.ts';
import { CENSUS_DELAY_MS } from '../../../actors/tasks/task-boards.ts';
import type { MomentEvent } from '../../../events/bus.ts';
import { memoryGroup } from '../../../storage/memory.ts';
import { ManualTime, until } from '../../support/manual-time.ts';
import { openTestNode, type TestNode } from '../../support/node.ts';
import { taskEntry, taskRecord } from '../../support/task-record.ts';

const MINUTE_MS = 60_000;

const told = (moments: readonly MomentEvent[]) =>
  moments.flatMap((event) =>
    event.kind === 'task.overdue' || event.kind === 'task.leaseExpired'
      ? [`${event.kind} ${event.task}`]
      : [],
  );

/** Waits until a board has been made and has read its tasks: that takes turns, not time. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
}

async function groupOf(at: TestNode) {
  const group = await at.node.createGroup({ name: 'g' });
  return group.as('node');
}

test('idle and watching, by transition()', () => {
  const [idle] = initialTransition(taskBoardMachine);
  const [watching, armed] = transition(taskBoardMachine, idle, { type: 'deadline', atMs: 5 });
  expect([watching.value, armed]).toMatchObject(['watching', [{ type: 'arm', params: { atMs: 5 } }]]);
  const [earlier, moved] = transition(taskBoardMachine, watching, { type: 'deadline', atMs: 3 });
  expect([earlier.value, moved.map(({ type }) => type)]).toEqual(['watching', ['disarm', 'arm']]);
  const [none, disarmed] = transition(taskBoardMachine, earlier, { type: 'none' });
  expect([none.value, disarmed.map(({ type }) => type)]).toEqual(['idle', ['disarm']]);
  expect(transition(taskBoardMachine, none, { type: 'close' })[0].status).toBe('done');
});

test('a due time and a lease are told when they have passed, once each, and nothing is sealed', async () => {
  const at = await openTestNode();
  const agent = await groupOf(at);
  const nowMs = at.time.nowMs();
  await agent.createTask({ task: 'due', title: 'x', dueMs: nowMs + 10 * MINUTE_MS });
  await agent.createTask({ task: 'leased', title: 'x', leaseMs: 5 * MINUTE_MS, assignee: agent.publicKey });
  await agent.createTask({ task: 'done', title: 'x', dueMs: nowMs + MINUTE_MS, assignee: agent.publicKey });
  await agent.startTask('done');
  await agent.completeTask('done');
  await settled();
  const { height } = at.node.group('g').head;
  at.time.advance(5 * MINUTE_MS);
  expect(told(at.moments)).toEqual([]);
  at.time.advance(1);
  expect(told(at.moments)).toEqual(['task.leaseExpired leased']);
  at.time.advance(10 * MINUTE_MS);
  expect(told(at.moments)).toEqual(['task.leaseExpired leased', 'task.overdue due']);
  expect(at.moments.find(({ kind }) => kind === 'task.leaseExpired')).toMatchObject({
    leaseUntilMs: nowMs + 5 * MINUTE_MS,
    attempt: 1,
    assignee: agent.publicKey,
  });
  // A change that moves no deadline tells nothing again.
  await agent.assignTask('due', agent.publicKey);
  await agent.progressTask('leased').catch(() => {});
  at.time.advance(60 * MINUTE_MS);
  expect(told(at.moments)).toHaveLength(2);
  expect(at.node.group('g').head.height).toBe(height + 1);
});

test('whoever hears that a lease has run out may release the task at once', async () => {
  const at = await openTestNode();
  const agent = await groupOf(at);
  const { publicKey } = await at.node.createIdentity('bob');
  await agent.addMember(publicKey, 'member');
  await agent.createTask({ task: 't', title: 'x', leaseMs: MINUTE_MS, assignee: agent.publicKey });
  await settled();
  const bob = at.node.group('g').as('bob');
  const released = new Promise((resolve, reject) => {
    at.node.bus.moment$.subscribe(({ kind }) => {
      if (kind === 'task.leaseExpired') bob.releaseTask('t').then(resolve, reject);
    });
  });
  at.time.advance(MINUTE_MS + 1);
  await released;
  expect(at.node.group('g').now.task('t')).toMatchObject({ status: 'pending' });
});

test('a renewed lease is told by its new time', async () => {
  const at = await openTestNode();
  const agent = await groupOf(at);
  await agent.createTask({ task: 't', title: 'x', leaseMs: 10 * MINUTE_MS, assignee: agent.publicKey });
  await agent.startTask('t');
  for (let renewals = 0; renewals < 5; renewals++) {
    at.time.advance(4 * MINUTE_MS);
    await agent.progressTask('t');
  }
  expect(told(at.moments)).toEqual([]);
  await settled();
  at.time.advance(10 * MINUTE_MS + 1);
  expect(told(at.moments)).toEqual(['task.leaseExpired t']);
});

test('what passed while the node was off is told after the start, in groups that nobody loaded', async () => {
  const at = await openTestNode();
  const agent = await groupOf(at);
  await agent.createTask({ task: 'past', title: 'x', dueMs: at.time.nowMs() + MINUTE_MS });
  await agent.createTask({ task: 'ahead', title: 'x', dueMs: at.time.nowMs() + 120 * MINUTE_MS });
  await at.restart(60 * MINUTE_MS);
  expect(told(at.moments)).toEqual([]);
  at.time.advance(CENSUS_DELAY_MS);
  await until(() => told(at.moments).length > 0);
  expect(told(at.moments)).toEqual(['task.overdue past']);
  await settled();
  at.time.advance(60 * MINUTE_MS);
  expect(told(at.moments)).toEqual(['task.overdue past', 'task.overdue ahead']);
});

test('one timer, however many tasks and groups have deadlines', async () => {
  const at = await openTestNode();
  at.time.advance(CENSUS_DELAY_MS);
  await settled();
  const before = at.time.timers;
  for (let groups = 0; groups < 3; groups++) {
    const agent = (await at.node.createGroup({ name: `g${groups}` })).as('node');
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        agent.createTask({ task: `${n}`, title: 'x', dueMs: at.time.nowMs() + n * MINUTE_MS + 5 }),
      ),
    );
  }
  await settled();
  expect(at.time.timers).toBe(before);
  at.time.advance(10);
  expect(told(at.moments)).toHaveLength(3);
});

test('a clock that was set makes nothing overdue until it is right again or trusted', async () => {
  const at = await openTestNode();
  const agent = await groupOf(at);
  await agent.createTask({ task: 't', title: 'x', dueMs: at.time.nowMs() + 30 * MINUTE_MS });
  await settled();
  at.time.jump(60 * MINUTE_MS);
  at.time.advance(2 * LOOK_MS);
  expect(told(at.moments)).toEqual([]);
  at.time.jump(-60 * MINUTE_MS);
  at.time.advance(20 * MINUTE_MS);
  expect(told(at.moments)).toEqual([]);
  at.time.jump(60 * MINUTE_MS);
  at.time.advance(LOOK_MS);
  at.node.trustClock();
  at.time.advance(LOOK_MS);
  expect(told(at.moments)).toEqual(['task.overdue t']);
});

/** A board over tasks in memory that are due at these times, counted from now. */
async function boardOver(dueInMs: readonly number[]) {
  const time = new ManualTime();
  const clock = new WatchedClock(time);
  const reader = memoryGroup('a'.repeat(64));
  await reader.commit({
    state: dueInMs.map((ms, n) => taskEntry(`${n}`, taskRecord({ dueMs: time.nowMs() + ms }))),
  });
  const seen: string[] = [];
  const failures: Error[] = [];
  const board = new TaskBoard({
    reader,
    alarms: new Alarms(clock, time),
    clock,
    tell: (event) => seen.push(told([event])[0]!),
    failed: (error) => failures.push(error),
  });
  return { board, time, seen, failures };
}

test('more deadlines than are held: none is forgotten, none is told twice, memory stays bounded', async () => {
  const total = DEADLINES_MAX * 2 + 500;
  // Every third one shares its time with a thousand others.
  const times = Array.from({ length: total }, (_, n) => (n % 3 === 0 ? 7 * MINUTE_MS : (n % 600) * 1_000));
  const { board, time, seen, failures } = await boardOver(times);
  await board.load();
  for (let seconds = 0; seconds < 610; seconds += 5) {
    time.advance(5_000);
    await settled();
  }
  expect(failures).toEqual([]);
  expect(seen).toHaveLength(total);
  expect(new Set(seen).size).toBe(total);
});

test('a board that is read again tells nothing twice', async () => {
  const { board, time, seen } = await boardOver([0, MINUTE_MS]);
  await board.load();
  time.advance(1);
  await board.load();
  expect(seen).toEqual(['task.overdue 0']);
  time.advance(2 * MINUTE_MS);
  await board.load();
  expect(seen).toEqual(['task.overdue 0', 'task.overdue 1']);
});
