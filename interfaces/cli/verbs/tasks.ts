/** `create-task`, `list-tasks`, `show-task`: the board. What moves a task along is in `work.ts`. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { Group } from '../../../actors/group.ts';
import type { Task } from '../../../actors/group-view.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { TaskStatus } from '../../../events/effects.ts';
import { LEASE_MS_MAX, LEASE_MS_MIN } from '../../../events/limits.ts';
import { taskOperations } from '../../../events/operations/tasks.ts';
import { TASK_STATUSES } from '../../../machines/tables.ts';
import type { BatteryNode } from '../../../node.ts';
import { hasTags } from '../../operations/tags.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { checkText, parseTags } from '../fields.ts';
import { parseAmount, parseSpan, parseTime, parseWord } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { assertNewTask, memberKey, subjectOf, subjectOption, taskOf } from '../resolve.ts';
import { type Column, type Field, printFields, printTable } from '../table.ts';
import { formatMoment, formatSpan, formatTime } from '../text.ts';

const heading = 'Tasks and presence';
/** How long a search waits for the index to come up to the log: it ends with the verb, so it may take a while. */
const CATCH_UP_MS = 600_000;
/** A result that is no claim is shown up to this size; `show` tells the size of a larger one. */
const RESULT_BYTES_SHOWN = 64 * 1024;

interface ListOptions {
  readonly status?: string;
  readonly assignee?: string;
  readonly tags?: string;
  readonly search?: string;
}

interface CreateOptions {
  readonly id?: string;
  readonly title?: string;
  readonly description?: string;
  readonly assignee?: string;
  readonly due?: string;
  readonly reward?: string;
  readonly lease?: string;
  readonly tags?: string;
}

export function registerTasks(program: Command, context: CliContext): void {
  verb<CreateOptions>(
    program,
    context,
    {
      usage: 'create-task',
      summary: 'Create a task.',
      heading,
      example: [
        'lb create-task "Implement API" --id task_001 --reward 50 --due 2d',
        'lb create-task "Review API" --id task_002 --assignee bob --lease 4h',
      ].join('\n'),
      details:
        "An admin's reward is minted on completion; a member's is taken from their balance now and comes back if the task fails.",
      inGroup: true,
      signs: true,
    },
    (command) =>
      command
        .argument('[title]', 'title')
        .option('--title <text>', 'the same as a flag')
        .option('--id <task>', 'id, any text (default: a random one)')
        .option('--description <text>', 'what is to be done')
        .option('--assignee <member>', 'who is to do it')
        .option('--due <when>', 'a span from now, or a time')
        .option('--reward <tokens>', 'for completing it')
        .option('--lease <span>', 'must report progress within this span, or anyone may release it')
        .option('--tags <a,b>', 'tags'),
    createTask,
  );
  verb<ListOptions>(
    program,
    context,
    {
      usage: 'list-tasks',
      summary: 'List tasks.',
      heading,
      example:
        'lb list-tasks --status open\nlb list-tasks --assignee bob\nlb list-tasks --search "config file"',
      details:
        'A search finds words of id, title, description, tags, result and error, and lists the best first.',
      inGroup: true,
      at: true,
    },
    (command) =>
      command
        .option('--status <status>', `open, ${TASK_STATUSES.join(', ')}`)
        .option('--assignee <member>', 'of this member')
        .option('--tags <a,b>', 'with all of these tags')
        .option('--search <text>', 'that have these words; nothing in them is syntax'),
    listTasks,
  );
  verb<{ task?: string }>(
    program,
    context,
    {
      usage: 'show-task',
      summary: 'Show a task in full.',
      heading,
      example: 'lb show-task task_001',
      inGroup: true,
      at: true,
    },
    (command) => subjectOption(command, 'task', 'the task'),
    async (run) => {
      const view = await run.view();
      const task = taskOf(view, subjectOf('task', run.options.task, run.args[0]));
      const group = await run.group();
      const name = await run.namer(view);
      const resultText = resultTextOf(group, task);
      run.print({ height: view.height, task, resultText }, () =>
        printFields(run.out, taskFields(task, name, run.timeOf(view), resultText)),
      );
    },
  );
}

async function createTask(run: Run<CreateOptions>): Promise<void> {
  const { assignee } = run.options;
  const terms = termsOf(run);
  const node = await run.node();
  const view = (await run.group()).now;
  assertNewTask(view, terms.task);
  const to = assignee === undefined ? {} : { assignee: memberKey(node, view, assignee) };
  const receipt = await (await run.agent()).createTask({ ...terms, ...to });
  printReceipt(run, receipt, 'Created the task', { task: terms.task });
}

/** What was typed, held against what a task takes. */
function termsOf(run: Run<CreateOptions>) {
  const { id, description, due, reward, lease, tags } = run.options;
  const title = subjectOf('title', run.options.title, run.args[0]);
  const fields = taskOperations.task_create.fields;
  const dueMs = due === undefined ? undefined : dueTime(run, due);
  return {
    task: id === undefined ? `task-${randomBytes(4).toString('hex')}` : checkText(id, '--id', fields.task),
    title: checkText(title, 'the title', fields.title),
    tags: parseTags(tags),
    ...(description === undefined
      ? {}
      : { description: checkText(description, '--description', fields.description) }),
    ...(dueMs === undefined ? {} : { dueMs }),
    ...(reward === undefined ? {} : { reward: parseAmount(reward, '--reward') }),
    ...(lease === undefined ? {} : { leaseMs: parseSpan(lease, '--lease', LEASE_MS_MIN, LEASE_MS_MAX) }),
  };
}

/** A deadline may lie in the past, since work may be written down late; but mostly it is a slip. */
function dueTime(run: Run<CreateOptions>, due: string): number {
  const nowMs = Date.now();
  const dueMs = parseTime(due, '--due', nowMs, 'from now');
  if (dueMs <= nowMs) run.warn(`the task is overdue from the start: --due is ${formatMoment(dueMs, nowMs)}`);
  return dueMs;
}

async function listTasks(run: Run<ListOptions>): Promise<void> {
  const { status, assignee, search } = run.options;
  const tags = parseTags(run.options.tags);
  const wanted = status === undefined ? undefined : parseWord(status, '--status', ['open', ...TASK_STATUSES]);
  const view = await run.view();
  const node = await run.node();
  const of = assignee === undefined ? {} : { assignee: memberKey(node, view, assignee) };
  const fitting = view
    .tasks({ ...of, ...(wanted && { status: wanted as TaskStatus | 'open' }) })
    .filter((task) => hasTags(task, tags));
  const group = await run.group();
  const tasks = search === undefined ? fitting : await foundAmong(node, group, fitting, search, run.signal);
  const name = await run.namer(view);
  run.print({ height: view.height, tasks }, () =>
    printTable(
      run.out,
      taskColumns(name, run.timeOf(view)),
      tasks,
      search === undefined ? 'no tasks; make one with: lb create-task' : 'no task has any of these words',
    ),
  );
}

/** Those of the tasks that words find, best first. */
async function foundAmong(
  node: BatteryNode,
  { groupId }: Group,
  tasks: readonly Task[],
  query: string,
  signal: AbortSignal,
): Promise<Task[]> {
  const question = { query, limit: Number.MAX_SAFE_INTEGER };
  const found = (await node.views.searchTasks(groupId, question, { waitMs: CATCH_UP_MS, signal })).tasks;
  const byId = new Map(tasks.map((task) => [task.task, task]));
  return found.flatMap(({ task }) => byId.get(task) ?? []);
}

function taskColumns(name: (key: Hex32) => string, nowMs: number): readonly Column<Task>[] {
  return [
    { header: 'task', value: ({ task }) => task, isFlexible: true },
    { header: 'status', value: ({ status }) => status },
    { header: 'title', value: ({ title }) => title, isText: true },
    {
      header: 'assignee',
      value: ({ assignee }) => (assignee === undefined ? '' : name(assignee)),
      plain: ({ assignee }) => assignee ?? '',
      isFlexible: true,
    },
    { header: 'reward', value: ({ reward }) => (reward === undefined ? '' : String(reward)), align: 'right' },
    {
      header: 'due',
      value: (task) => dueText(task, nowMs),
      plain: ({ dueMs }) => (dueMs === undefined ? '' : formatTime(dueMs)),
      isFlexible: true,
    },
  ];
}

function dueText({ dueMs, status }: Task, nowMs: number): string {
  if (dueMs === undefined) return '';
  const isOver = ['completed', 'failed', 'cancelled'].includes(status);
  if (isOver) return formatTime(dueMs).slice(0, 16);
  return dueMs < nowMs ? `overdue by ${formatSpan(nowMs - dueMs)}` : `in ${formatSpan(dueMs - nowMs)}`;
}

function leaseText({ leaseUntilMs }: Task, nowMs: number): string | undefined {
  if (leaseUntilMs === undefined) return undefined;
  const isOver = nowMs > leaseUntilMs;
  return `${formatMoment(leaseUntilMs, nowMs)}${isOver ? '; anyone may release the task: lb release-task' : ''}`;
}

/** What a task's result says, where it is a claim or text, and is on this node. */
export function resultTextOf(group: Group, { result }: Task): string | undefined {
  if (result === undefined) return undefined;
  const claim = group.claimContent(result);
  if (claim !== undefined) return claim.text;
  const bytes = group.artifact(result);
  if (bytes === undefined || bytes.length > RESULT_BYTES_SHOWN) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A task's fields for people. */
export function taskFields(
  task: Task,
  name: (key: Hex32) => string,
  nowMs: number,
  resultText?: string,
): Field[] {
  const { reward, rewardFrom, leaseMs } = task;
  return [
    ['task', task.task],
    ['title', task.title],
    ['status', task.status],
    ['description', task.description],
    ['creator', name(task.creator)],
    ['assignee', task.assignee === undefined ? undefined : name(task.assignee)],
    ['attempt', String(task.attempt)],
    [
      'reward',
      reward === undefined
        ? undefined
        : `${reward} (${rewardFrom === 'mint' ? 'minted on completion' : 'held in escrow'})`,
    ],
    ['tags', task.tags.length === 0 ? undefined : task.tags.join(', ')],
    ['created', formatTime(task.createdMs)],
    ['updated', formatTime(task.updatedMs)],
    ['due', task.dueMs === undefined ? undefined : formatMoment(task.dueMs, nowMs)],
    ['lease', leaseMs === undefined ? undefined : formatSpan(leaseMs)],
    ['lease until', leaseText(task, nowMs)],
    ['result', task.result],
    ['result text', resultText],
    ['error', task.error],
  ];
}
