/** Tasks as those see them who work on them: made, taken, done. What only governs them is in `task-desk.ts`. */
import { randomBytes } from 'node:crypto';
import type { Agent } from '../../actors/agent.ts';
import { unwrap } from '../../actors/agent.ts';
import type { Group } from '../../actors/group.ts';
import type { GroupView, Task, TaskFilter } from '../../actors/group-view.ts';
import { CLAIM_TEXT_BYTES_MAX, LEASE_MS_MAX, LEASE_MS_MIN } from '../../events/limits.ts';
import { taskOperations } from '../../events/operations/tasks.ts';
import type { Receipt } from '../../events/receipt.ts';
import type { Operation as SignedOperation } from '../../events/registry.ts';
import { TASK_STATUSES } from '../../machines/tables.ts';
import { assertNewTask, memberKey, referenceId, taskOf } from '../cli/resolve.ts';
import { agentIn, amountOf, cursor, given, groupId, groupOf, idOf, limit, member, sealed } from './call.ts';
import { notice, noticeFor } from './claims.ts';
import { type Call, define } from './operation.ts';
import { describedPage } from './room.ts';
import { field, input, list, optional, output, point, span, text, textUpTo, words } from './schema.ts';
import { hasTags } from './tags.ts';
import { TaskDesk, taskChange, taskShape } from './task-shape.ts';

const { task_create, task_start, task_fail } = taskOperations;
/** More tasks than a search finds. */
const RANK_DIGITS = 6;

export const taskId = text('id of a task');
export const attempt = optional(
  field(task_start.fields.attempt, 'attempt of the task that you work on; refused if it is at another'),
);
export const assignee = optional(member);
/** What a task may be made with besides. */
export const taskTerms = {
  reward: optional(
    field(task_create.fields.reward, "whole tokens: yours, kept until the end; an admin's are minted at it"),
  ),
  lease_ms: optional(
    span(LEASE_MS_MIN, LEASE_MS_MAX, {
      description: 'span in milliseconds: longest silence before others may take it',
    }),
  ),
};

export const createTask = define({
  name: 'create_task',
  title: 'Create a task',
  description: 'Puts work on the board of the group.',
  toolset: 'default',
  effect: 'adds',
  input: input({
    group_id: groupId,
    title: field(task_create.fields.title),
    task_id: optional(field(task_create.fields.task, 'id of the new task; made up if left out')),
    description: optional(field(task_create.fields.description)),
    assignee,
    due_ms: optional(point('point in time: milliseconds since 1970')),
    ...taskTerms,
    tags: optional(field(task_create.fields.tags)),
  }),
  output: taskChange,
  async run(call, { group_id, task_id = newTaskId(), title, tags = [], ...more }) {
    const group = groupOf(call, group_id);
    assertNewTask(group.now, task_id);
    const { reward, assignee, description, due_ms, lease_ms } = more;
    const receipt = await agentIn(call, group).createTask({
      task: task_id,
      title,
      tags,
      ...given({
        description,
        assignee: assignee && memberKey(call.node, group.now, assignee),
        dueMs: due_ms,
        leaseMs: lease_ms,
        reward: reward === undefined ? undefined : amountOf(reward, 'reward'),
      }),
    });
    return { ...changed(group, task_id), ...sealed(receipt) };
  },
});

export function newTaskId(): string {
  return `task-${randomBytes(4).toString('hex')}`;
}

/** A task as a change left it. */
export function changed(group: Group, task: string) {
  const { status, attempt } = group.now.task(task)!;
  return { task_id: task, status, attempt };
}

export const startTask = define({
  name: 'start_task',
  title: 'Start a task',
  description: 'Takes a free task, or one whose lease ran out, and starts it; or starts one assigned to you.',
  toolset: 'default',
  effect: 'sets',
  input: input({ group_id: groupId, task_id: taskId, attempt }),
  output: taskChange,
  async run(call, { group_id, task_id, attempt }) {
    const group = groupOf(call, group_id);
    const task = taskOf(group.now, task_id);
    const receipt = await start(agentIn(call, group), group.now, task, attempt);
    return { ...changed(group, task.task), ...sealed(receipt) };
  },
});

/** Whether anybody may take the task: it is pending, its lease has run out, or who had it may no longer act. */
export function isFree(view: GroupView, task: Task, nowMs: number): boolean {
  const { status, leaseUntilMs } = task;
  return status === 'pending' || (leaseUntilMs !== undefined && leaseUntilMs < nowMs) || view.isLeft(task);
}

/** Takes what is free and starts it in one transaction, so that nobody stands with a task that they may not start. */
export async function start(
  agent: Agent,
  view: GroupView,
  task: Task,
  attempt = task.attempt,
): Promise<Receipt> {
  const { task: id, status, assignee } = task;
  if (assignee === agent.publicKey || !isFree(view, task, Date.now())) return agent.startTask(id, attempt);
  const operations: SignedOperation[] = [
    ...(status === 'pending' ? [] : [{ type: 'task_release', task: id, attempt } as const]),
    { type: 'task_assign', task: id, assignee: agent.publicKey },
    // Every assignment counts up the attempt.
    { type: 'task_start', task: id, attempt: attempt + 1 },
  ];
  return unwrap(await agent.submit(operations));
}

export const completeTask = define({
  name: 'complete_task',
  title: 'Complete a task',
  description: 'Completes your task, with a claim as its result or a text that becomes one.',
  toolset: 'default',
  effect: 'ends',
  input: input({
    group_id: groupId,
    task_id: taskId,
    result: optional(idOf('a claim')),
    result_text: optional(textUpTo(CLAIM_TEXT_BYTES_MAX, 'published as a claim of yours')),
    attempt,
  }),
  output: output({ ...taskChange.properties, result: optional(text()) }),
  async run(call, { group_id, task_id, result, result_text, attempt }) {
    const group = groupOf(call, group_id);
    const agent = agentIn(call, group);
    const task = taskOf(group.now, task_id);
    const { task: id, attempt: present } = task;
    const said = result_text === undefined ? undefined : agent.prepareClaim({ text: result_text });
    const claim = said?.claim ?? (result === undefined ? undefined : referenceId(group.now, result));
    const operations: SignedOperation[] = [
      ...(said?.operations ?? []),
      { type: 'task_complete', task: id, attempt: attempt ?? present, result: claim },
    ];
    const receipt = unwrap(await agent.submit(operations, said?.artifacts));
    return { ...changed(group, id), ...given({ result: claim }), ...sealed(receipt) };
  },
});

export const failTask = define({
  name: 'fail_task',
  title: 'Fail a task',
  description: 'Gives up your task as failed.',
  toolset: 'default',
  effect: 'ends',
  input: input({
    group_id: groupId,
    task_id: taskId,
    error: optional(field(task_fail.fields.error)),
    attempt,
  }),
  output: taskChange,
  async run(call, { group_id, task_id, error, attempt }) {
    const group = groupOf(call, group_id);
    const { task } = taskOf(group.now, task_id);
    const receipt = await agentIn(call, group).failTask(task, error, attempt);
    return { ...changed(group, task), ...sealed(receipt) };
  },
});

export const listTasks = define({
  name: 'list_tasks',
  title: 'List tasks',
  description: 'Tasks of the group by id, or those that fit a query.',
  toolset: 'default',
  effect: 'reads',
  input: input({
    group_id: groupId,
    query: optional(text('words to find')),
    status: optional(words(['open', ...TASK_STATUSES])),
    assignee,
    tags: optional(field(task_create.fields.tags)),
    limit: limit(50),
    cursor,
  }),
  output: output({ tasks: list(taskShape), next_cursor: optional(text()), notice }),
  async run(call, { group_id, query, status, assignee, tags = [], limit = 50, cursor }) {
    const group = groupOf(call, group_id);
    const view = group.now;
    const of = assignee === undefined ? {} : { assignee: memberKey(call.node, view, assignee) };
    const ranks = query === undefined ? undefined : await ranksOf(call, group, query);
    const fitting = idsOf(view, { ...of, ...given({ status }) }, tags);
    const found = ranks === undefined ? fitting : byRank(fitting, ranks);
    const desk = new TaskDesk(call, group);
    const { page: tasks, next } = describedPage(call, found, {
      keyOf: (task) => ranks?.get(task) ?? task,
      describe: (task) => desk.describe(view.task(task)!),
      cursor,
      limit,
    });
    return { tasks, ...next, ...noticeFor(tasks) };
  },
});

/** What tasks are about is read where the tags matter, and where a task is shown. */
function idsOf(view: GroupView, filter: TaskFilter, tags: readonly string[]): string[] {
  if (tags.length === 0) return view.taskIds(filter);
  return view.tasks(filter).flatMap((task) => (hasTags(task, tags) ? [task.task] : []));
}

/** The tasks that words find, by id, with their places as text, which sorts as they rank. */
async function ranksOf(call: Call, group: Group, query: string): Promise<ReadonlyMap<string, string>> {
  const question = { query, limit: Number.MAX_SAFE_INTEGER };
  const { tasks } = await call.node.views.searchTasks(group.groupId, question, { signal: call.signal });
  return new Map(tasks.map(({ task }, rank) => [task, String(rank).padStart(RANK_DIGITS, '0')]));
}

/** Those of the tasks that have a rank, best first. */
function byRank(tasks: readonly string[], ranks: ReadonlyMap<string, string>): string[] {
  return tasks
    .filter((task) => ranks.has(task))
    .sort((one, other) => (ranks.get(one)! < ranks.get(other)! ? -1 : 1));
}
