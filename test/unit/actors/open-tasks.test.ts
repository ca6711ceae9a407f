/** The open tasks of a group: always those that the whole state names, whatever was written and asked in between. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GroupView, StoredState } from '../../../actors/group-view.ts';
import { OpenTasks } from '../../../actors/tasks/open-tasks.ts';
import type { TaskStatus } from '../../../events/effects.ts';
import { type Table, Write, WriteSet } from '../../../machines/state.ts';
import { TASK_STATUSES, type TaskRecord, taskTable } from '../../../machines/tables.ts';
import { memoryGroup } from '../../../storage/memory.ts';
import { founder } from '../../support/people.ts';
import { seeded } from '../../support/seed.ts';
import { taskEntry, taskRecord } from '../../support/task-record.ts';

const people = [founder.publicKey, 'b'.repeat(64)];

const recordOf = (status: TaskStatus, assignee: string): TaskRecord =>
  taskRecord({ status, assignee: status === 'pending' ? undefined : assignee });

const change = fc.record({
  task: fc.constantFrom('a', 'é', 'z', '\u{10000}', '\uffff', 'b-1'),
  record: fc.option(
    fc
      .tuple(fc.constantFrom(...TASK_STATUSES), fc.constantFrom(...people))
      .map(([s, who]) => recordOf(s, who)),
  ),
});
type Change = { task: string; record: TaskRecord | null };

/** Commits blocks of changes, and tells `tasks` about each as the node does: after it is stored. */
async function commit(group: ReturnType<typeof memoryGroup>, tasks: OpenTasks, changes: readonly Change[]) {
  const writes = new WriteSet();
  for (const { task, record } of changes)
    writes.set(new Write(taskTable as Table<unknown>, task, record ?? undefined));
  await group.commit({
    state: Array.from(writes.of(taskTable) ?? [], ([task, { value }]) => taskEntry(task, value)),
  });
  tasks.observe(writes);
}

describe('open tasks', () => {
  test('are those of the whole state, in its order, whoever asks when', async () => {
    const ask = fc.record({
      changes: fc.array(change, { maxLength: 6 }),
      status: fc.constantFrom('open' as const, undefined, ...TASK_STATUSES),
      assignee: fc.constantFrom(undefined, ...people),
      isAsked: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(ask, { maxLength: 8 }), async (steps) => {
        const group = memoryGroup('a'.repeat(64));
        const tasks = new OpenTasks(group);
        const at = { height: 0, tsMs: 0 };
        const quick = new GroupView(new StoredState(group), at, () => tasks.list());
        const plain = new GroupView(new StoredState(group), at);
        for (const { changes, status, assignee, isAsked } of steps) {
          await commit(group, tasks, changes);
          if (!isAsked) continue;
          const filter = { ...(status && { status }), ...(assignee && { assignee }) };
          expect(quick.tasks(filter)).toEqual(plain.tasks(filter));
        }
      }),
      seeded('open tasks', 200),
    );
  });

  test('too many are not remembered, and still found', async () => {
    const group = memoryGroup('a'.repeat(64));
    const tasks = new OpenTasks(group, 2);
    const view = new GroupView(new StoredState(group), { height: 0, tsMs: 0 }, () => tasks.list());
    const pending = recordOf('pending', founder.publicKey);
    await commit(
      group,
      tasks,
      ['a', 'b'].map((task) => ({ task, record: pending })),
    );
    expect([...tasks.list()!]).toEqual(['a', 'b']);
    await commit(group, tasks, [{ task: 'c', record: pending }]);
    expect(tasks.list()).toBeUndefined();
    expect(view.tasks({ status: 'open' }).map(({ task }) => task)).toEqual(['a', 'b', 'c']);
  });
});
