/** The boards of all groups: a group whose tasks cannot be read fails alone, and is read again when that may help. */
import { expect, test } from 'vitest';
import { Alarms } from '../../../actors/alarms.ts';
import { WatchedClock } from '../../../actors/clock.ts';
import { RESTART_MS_MIN } from '../../../actors/node/node.machine.ts';
import { Supervisor } from '../../../actors/node/supervisor.ts';
import { CENSUS_DELAY_MS, TaskBoards } from '../../../actors/tasks/task-boards.ts';
import type { MomentEvent } from '../../../events/bus.ts';
import { taskTable } from '../../../machines/tables.ts';
import { StorageError } from '../../../storage/errors.ts';
import { memoryGroup } from '../../../storage/memory.ts';
import { ManualTime, until } from '../../support/manual-time.ts';
import { taskEntry, taskRecord } from '../../support/task-record.ts';

const DUE_MS = 60_000;

async function boards(ids: readonly string[]) {
  const time = new ManualTime();
  const clock = new WatchedClock(time);
  const supervisor = new Supervisor({ clock, timers: time });
  supervisor.opened();
  const record = taskRecord({ dueMs: time.nowMs() + DUE_MS });
  const readers = new Map(ids.map((id) => [id, memoryGroup(id)]));
  for (const reader of readers.values()) await reader.commit({ state: [taskEntry('t', record)] });
  const told: MomentEvent[] = [];
  const registry = { groupIds: () => ids };
  const made = new TaskBoards({
    alarms: new Alarms(clock, time),
    clock,
    timers: time,
    supervisor,
    groupIds: () => registry.groupIds(),
    readerOf: (id) => readers.get(id)!,
    tell: (event) => told.push(event),
  });
  return { boards: made, registry, readers, supervisor, time, told };
}

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

test('a group that cannot be read for a moment is read again, and its deadline is still told', async () => {
  const { readers, supervisor, time, told } = await boards([A, B]);
  const reader = readers.get(A)!;
  const read = reader.stateRange.bind(reader);
  reader.stateRange = () => {
    throw new StorageError('io', 'the disk failed');
  };
  time.advance(CENSUS_DELAY_MS);
  await until(() => supervisor.failureOf('tasks', A) !== undefined);
  expect(supervisor.failureOf('tasks', A)).toMatchObject({ reason: 'the disk failed', isDown: true });
  expect(supervisor.failureOf('tasks', B)).toBeUndefined();
  reader.stateRange = read;
  time.advance(RESTART_MS_MIN);
  await until(() => supervisor.failureOf('tasks', A) === undefined);
  time.advance(2 * DUE_MS);
  expect(told.map((event) => 'groupId' in event && event.groupId).sort()).toEqual([A, B]);
});

test('a group with a damaged record is left alone; the census goes on to the others', async () => {
  const { readers, supervisor, time, told } = await boards([A, B]);
  await readers.get(A)!.commit({ state: [[`${taskTable.prefix}broken`, Uint8Array.of(0xc1)]] });
  time.advance(CENSUS_DELAY_MS);
  await until(() => supervisor.failureOf('tasks', A) !== undefined);
  expect(supervisor.failureOf('tasks', A)).toMatchObject({ isDown: true, retryAtMs: undefined });
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
  time.advance(2 * DUE_MS);
  expect(told).toMatchObject([{ kind: 'task.overdue', groupId: B, task: 't' }]);
});

test('a registry that cannot be read for a moment is read again, and is sound when it was', async () => {
  const { registry, supervisor, time, told } = await boards([A]);
  const { groupIds } = registry;
  registry.groupIds = () => {
    throw new StorageError('io', 'the disk failed');
  };
  time.advance(CENSUS_DELAY_MS);
  await until(() => supervisor.failureOf('tasks', 'census')?.isDown === true);
  registry.groupIds = groupIds;
  time.advance(RESTART_MS_MIN);
  await until(() => supervisor.failures().length === 0);
  time.advance(2 * DUE_MS);
  expect(told).toMatchObject([{ kind: 'task.overdue', groupId: A }]);
});

test('a group that cannot even be opened is down alone, and is tried again', async () => {
  const { readers, supervisor, time, told } = await boards([A, B]);
  const reader = readers.get(A)!;
  readers.delete(A);
  readers.get = (id) => {
    if (id === A) throw new StorageError('io', 'the disk failed');
    return Map.prototype.get.call(readers, id);
  };
  time.advance(CENSUS_DELAY_MS);
  await until(() => supervisor.failureOf('tasks', A)?.isDown === true);
  readers.get = (id) => (id === A ? reader : Map.prototype.get.call(readers, id));
  time.advance(RESTART_MS_MIN);
  await until(() => supervisor.failures().length === 0);
  time.advance(2 * DUE_MS);
  expect(told.map((event) => 'groupId' in event && event.groupId).sort()).toEqual([A, B]);
});

test('tasks of a block whose commit was never told are there after the group is loaded again', async () => {
  const { boards: all, readers, time, told } = await boards([A]);
  time.advance(CENSUS_DELAY_MS);
  expect([...all.openTasks(A)!]).toEqual(['t']);
  const dueMs = time.nowMs() + DUE_MS;
  await readers.get(A)!.commit({ state: [taskEntry('untold', taskRecord({ dueMs }))] });
  all.reload(A);
  expect([...all.openTasks(A)!]).toEqual(['t', 'untold']);
  await new Promise((resolve) => setImmediate(resolve));
  time.advance(2 * DUE_MS);
  expect(told).toMatchObject([{ task: 't' }, { task: 'untold' }]);
});

test('boards that were stopped read nothing and tell nothing', async () => {
  const { boards: all, time, told } = await boards([A]);
  all.stop();
  time.advance(CENSUS_DELAY_MS + 2 * DUE_MS);
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([]);
});
