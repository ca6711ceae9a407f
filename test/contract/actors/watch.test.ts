/** Watching: bounded queues, and a notice that says exactly what was skipped and where to read it again. */
import { expect, test } from 'vitest';
import { WATCHERS_MAX } from '../../../actors/bounds.ts';
import { Bus } from '../../../actors/bus.ts';
import type { Group } from '../../../actors/group.ts';
import { Watchers } from '../../../actors/watch.ts';
import { cursorBefore, type EventsSkipped, formatCursor, type LogEvent } from '../../../events/bus.ts';
import { openTestNode } from '../../support/node.ts';

const isNotice = (event: object): event is EventsSkipped =>
  'kind' in event && event.kind === 'events.skipped';
const isLog = (event: object): event is LogEvent => 'event' in event;

async function work(group: Group, name: string, count: number): Promise<void> {
  const agent = group.as('node');
  for (let n = 0; n < count; n++) await agent.createTask({ task: `${name} ${n}`, title: 'x' });
}

/** Every cursor of a group's log. */
async function cursorsOf(group: Group): Promise<string[]> {
  const cursors: string[] = [];
  for await (const event of group.events({ untilHead: true })) cursors.push(formatCursor(event));
  return cursors;
}

test('one who keeps up gets everything in order, and no notice', async () => {
  const { node } = await openTestNode();
  const group = await node.createGroup({ name: 'g' });
  const events = node.watch({ kinds: ['task.changed'] });
  await work(group, 'a', 5);
  const seen: string[] = [];
  for await (const event of events) {
    if (isLog(event) && event.event.kind === 'task.changed') seen.push(event.event.task);
    if (seen.length === 5) break;
  }
  expect(seen).toEqual(['a 0', 'a 1', 'a 2', 'a 3', 'a 4']);
});

test('a watcher that is too slow is told what it skipped, and finds exactly that in the log', async () => {
  const { node } = await openTestNode();
  const groups = [await node.createGroup({ name: 'a' }), await node.createGroup({ name: 'b' })];
  const stop = new AbortController();
  const events = node.watch({ eventsMax: 8, signal: stop.signal });
  const before = await Promise.all(groups.map(cursorsOf));
  for (const group of groups) await work(group, 'x', 20);
  await groups[0]!.as('node').submit([{ type: 'mint', to: groups[0]!.as('node').publicKey, amount: 0n }]);
  stop.abort();
  const got: string[] = [];
  const notices: EventsSkipped[] = [];
  let moments = 0;
  for await (const event of events)
    if (isNotice(event)) notices.push(event);
    else if (isLog(event)) got.push(formatCursor(event));
    else moments++;
  expect(notices).toHaveLength(1);
  const [notice] = notices;
  expect(got.length + moments).toBeLessThanOrEqual(8);
  expect(moments + notice!.moments).toBe(1);
  const again: string[] = [];
  for (const { after, last } of notice!.gaps) {
    const group = node.group(last.groupId);
    for await (const event of group.events({ ...(after === undefined ? {} : { after }), untilHead: true })) {
      again.push(formatCursor(event));
      if (formatCursor(event) === formatCursor(last)) break;
    }
  }
  expect(again).toHaveLength(notice!.logEvents);
  const all = (await Promise.all(groups.map(cursorsOf))).flat();
  expect([...before.flat(), ...again, ...got].sort()).toEqual(all.sort());
});

test('a slow watcher holds no more than its bound and never slows the chain', async () => {
  const { node } = await openTestNode();
  const group = await node.createGroup({ name: 'g' });
  const idle = node.watch({ eventsMax: 4 });
  const agent = group.as('node');
  const total = 400;
  await Promise.all(Array.from({ length: total }, (_, n) => agent.createTask({ task: `${n}`, title: 'x' })));
  const first = (await idle.next()).value;
  if (first === undefined || !isNotice(first)) throw new Error('the first must be the notice');
  const { height } = group.head;
  expect(first.logEvents).toBeGreaterThanOrEqual(total + height - 4);
  let left = 0;
  const drained = (async () => {
    for await (const _ of idle) left++;
  })();
  await node.close();
  await drained;
  expect(left).toBeLessThanOrEqual(4);
  expect(first.logEvents + left).toBe(total + height);
});

test('only the kinds and the group that were asked for', async () => {
  const { node } = await openTestNode();
  const [a, b] = [await node.createGroup({ name: 'a' }), await node.createGroup({ name: 'b' })];
  const stop = new AbortController();
  const events = node.watch({ groupId: a.groupId, kinds: ['task.changed'], signal: stop.signal });
  await work(a, 'mine', 1);
  await work(b, 'other', 1);
  stop.abort();
  const seen = [];
  for await (const event of events) seen.push(isLog(event) && event.groupId);
  expect(seen).toEqual([a.groupId]);
});

test('a watcher that leaves makes room, also before its first event and while it waits for one', async () => {
  const bus = new Bus();
  const watchers = new Watchers(bus);
  const all = Array.from({ length: WATCHERS_MAX }, () => watchers.watch({}));
  expect(() => watchers.watch({})).toThrow(expect.objectContaining({ code: 'too_many_watchers' }));
  await all[0]!.return(undefined);
  const waiting = all[1]!.next();
  await all[1]!.return(undefined);
  expect((await waiting).done).toBe(true);
  watchers.watch({});
  watchers.watch({});
  expect(() => watchers.watch({})).toThrow(expect.objectContaining({ code: 'too_many_watchers' }));
  expect(() => new Watchers(bus).watch({ eventsMax: 1 })).toThrow(expect.objectContaining({ code: 'usage' }));
});

test('the place before an event', () => {
  const groupId = 'a'.repeat(64);
  expect(cursorBefore({ groupId, height: 3, index: 2 })).toEqual({ groupId, height: 3, index: 1 });
  expect(cursorBefore({ groupId, height: 3, index: 0 })?.height).toBe(2);
  expect(cursorBefore({ groupId, height: 0, index: 0 })).toBeUndefined();
});
