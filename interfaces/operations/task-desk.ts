/** Tasks as those see them who govern them, and work that is handed to a group and followed to its end. */
import type { Group } from '../../actors/group.ts';
import type { Task } from '../../actors/group-view.ts';
import { taskOperations } from '../../events/operations/tasks.ts';
import { isOpen } from '../../machines/task.machine.ts';
import { memberKey, taskOf } from '../cli/resolve.ts';
import { act } from './act.ts';
import { agentIn, amountOf, given, groupId, groupOf, member } from './call.ts';
import { notice, noticeFor } from './claims.ts';
import { Growth } from './feed.ts';
import { type Call, define, type Operation } from './operation.ts';
import { Room } from './room.ts';
import { field, flag, input, number, optional, output, span, text } from './schema.ts';
import { TaskDesk, taskShape } from './task-shape.ts';
import { assignee, attempt, newTaskId, taskId as task_id, taskTerms } from './tasks.ts';

const { task_create, task_progress, task_cancel } = taskOperations;

/** How long a caller that cannot be given a handle waits in one call. */
const WAIT_MS_MAX = 50_000;
const timeout_ms = optional(
  span(0, WAIT_MS_MAX, { default: WAIT_MS_MAX, description: 'span in milliseconds to wait at most' }),
);

/** What came of a task that somebody follows. */
const outcomeShape = output({
  group_id: text(),
  is_over: flag('false: it is not over; ask again later'),
  task: taskShape,
  result_text: optional(text()),
  next_offset: optional(number('where the result goes on: the offset to read its claim on with')),
  notice,
});

const getTask = define({
  name: 'get_task',
  title: 'Read a task',
  description: 'A task in full, with the text of its result.',
  toolset: 'default',
  effect: 'reads',
  input: input({ group_id: groupId, task_id }),
  output: outcomeShape,
  run(call, { group_id, task_id }) {
    const group = groupOf(call, group_id);
    return outcomeOf(call, group, taskOf(group.now, task_id));
  },
});

const delegateTask = define({
  name: 'delegate_task',
  title: 'Hand work to the group',
  description:
    'Creates a task and follows it to its end: its result comes back. A client with the tasks extension gets a handle at once.',
  toolset: 'tasks',
  effect: 'adds',
  input: input({
    group_id: groupId,
    title: field(task_create.fields.title),
    description: optional(field(task_create.fields.description)),
    assignee,
    ...taskTerms,
    tags: optional(field(task_create.fields.tags)),
    timeout_ms,
  }),
  output: outcomeShape,
  async run(call, { timeout_ms = WAIT_MS_MAX, ...task }) {
    const { group, task: id } = await delegate(call, task);
    return follow(call, group, id, timeout_ms);
  },
  again(call, { timeout_ms = WAIT_MS_MAX }, { sealed }) {
    const made = sealed?.effects.find(({ kind }) => kind === 'task.changed');
    return made?.kind === 'task.changed' ? follow(call, sealed!.group, made.task, timeout_ms) : undefined;
  },
});

/** What `delegate_task` makes, for those who follow it in their own way. */
export async function delegate(
  call: Call,
  task: {
    readonly group_id?: string;
    readonly title: string;
    readonly description?: string;
    readonly assignee?: string;
    readonly reward?: string | number;
    readonly lease_ms?: number;
    readonly tags?: readonly string[];
  },
): Promise<{ group: Group; task: string }> {
  const { group_id, title, description, assignee, reward, lease_ms, tags = [] } = task;
  const group = groupOf(call, group_id);
  const id = newTaskId();
  await agentIn(call, group).createTask({
    task: id,
    title,
    tags,
    ...given({
      description,
      assignee: assignee && memberKey(call.node, group.now, assignee),
      leaseMs: lease_ms,
      reward: reward === undefined ? undefined : amountOf(reward, 'reward'),
    }),
  });
  return { group, task: id };
}

const waitForTask = define({
  name: 'wait_for_task',
  title: 'Wait for a task',
  description: 'Waits until a task is over, and returns its result.',
  toolset: 'tasks',
  effect: 'reads',
  input: input({ group_id: groupId, task_id, timeout_ms }),
  output: outcomeShape,
  run(call, { group_id, task_id, timeout_ms = WAIT_MS_MAX }) {
    const group = groupOf(call, group_id);
    return follow(call, group, taskOf(group.now, task_id).task, timeout_ms);
  },
});

/** Waits for the end of a task, or for the caller's patience to be over; tells each change on the way. */
async function follow(call: Call, group: Group, id: string, timeoutMs: number) {
  const untilMs = performance.now() + timeoutMs;
  using growth = new Growth(call.node);
  let changes = 0;
  let seenMs = 0;
  for (;;) {
    const task = group.now.task(id)!;
    if (task.updatedMs !== seenMs) call.progress(++changes, undefined, `the task is ${task.status}`);
    seenMs = task.updatedMs;
    if (!isOpen(task) || !(await growth.wait(untilMs - performance.now(), call)))
      return outcomeOf(call, group, group.now.task(id)!);
  }
}

/** A task with the text of its result. */
export function outcomeOf(call: Call, group: Group, task: Task) {
  const room = new Room(call);
  const described = room.take(new TaskDesk(call, group).describe(task))!;
  const said = task.result === undefined ? undefined : group.claimContent(task.result)?.text;
  const { text, ...next } = said === undefined ? {} : room.takeText(said);
  return {
    group_id: group.groupId,
    is_over: !isOpen(task),
    task: described,
    ...given({ result_text: text }),
    ...next,
    // The result is the assignee's word, also where the task is one's own.
    ...noticeFor([{ is_own: described.is_own && said === undefined }]),
  };
}

export const taskDesk: readonly Operation[] = [
  getTask,
  delegateTask,
  waitForTask,
  act('tasks', {
    name: 'assign_task',
    title: 'Assign a task',
    description: 'Gives a task to a member (its creator or an admin).',
    effect: 'sets',
    properties: { task_id, assignee: member },
    act: ({ agent, view, call }, { task_id, assignee }) =>
      agent.assignTask(taskOf(view, task_id).task, memberKey(call.node, view, assignee)),
  }),
  act('default', {
    name: 'report_progress',
    title: 'Report progress',
    description: 'Notes how far your work is, and renews the lease of the task.',
    effect: 'adds',
    properties: { task_id, note: optional(field(task_progress.fields.note)), attempt },
    act: ({ agent, view }, { task_id, note, attempt }) =>
      agent.progressTask(taskOf(view, task_id).task, note, attempt),
  }),
  act('default', {
    name: 'release_task',
    title: 'Release a task',
    description:
      'Returns a task to the board (its assignee, creator or an admin; anyone once its lease ran out).',
    effect: 'ends',
    properties: { task_id, attempt },
    act: ({ agent, view }, { task_id, attempt }) => agent.releaseTask(taskOf(view, task_id).task, attempt),
  }),
  act('tasks', {
    name: 'cancel_task',
    title: 'Cancel a task',
    description: 'Takes a task off the board (its creator or an admin).',
    effect: 'ends',
    properties: { task_id, reason: optional(field(task_cancel.fields.reason)) },
    act: ({ agent, view }, { task_id, reason }) => agent.cancelTask(taskOf(view, task_id).task, reason),
  }),
];
