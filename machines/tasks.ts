/**
 * Tasks: exactly one winner, and no late answer counts.
 *
 * Every assignment counts up the task's attempt, and whoever works names the attempt they work on: a fencing
 * token, so that an answer from before a release or a reassignment is refused. A reward that an admin promises
 * is minted on completion, if they are an admin then; one that a plain member promises is taken from them at once
 * and held in escrow. The author names which of the two they mean: whoever promised as an admin, and is one no more
 * when the task is sealed, does not pay for it themself.
 *
 * A task may be given to a member without asking. It counts against what they may hold once they agree: by taking
 * it, or by starting what was given. So nobody fills another's hands.
 */
import type { Hex32 } from '../events/bytes.ts';
import type { Effect } from '../events/effects.ts';
import {
  LEASE_MS_MAX,
  LEASE_MS_MIN,
  OPEN_TASKS_PER_ASSIGNEE_MAX,
  REFERENCE_WEIGHT,
  RETURNED_TASK_WEIGHT,
  RETURNED_TASKS_MAX,
} from '../events/limits.ts';
import type { TaskOperation } from '../events/operations/tasks.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { OperationOf } from '../events/registry.ts';
import type { RuleContext, Rules } from './domain.ts';
import { unknownReference } from './knowledge.ts';
import { cannotPay, credit, holdInEscrow, payEarned, releaseEscrow, reward } from './ledger.ts';
import { hasRole, lacksRole, roleOf } from './roles.ts';
import type { StateView } from './state.ts';
import { assignmentTable, loadTable, type TaskRecord, taskTable, taskTextTable } from './tables.ts';
import { nextTaskStatus, type TaskEvent } from './task.machine.ts';

const escrowOf = (task: string): string => `task/${task}`;

type EffectEvent = Extract<Effect, { kind: 'task.changed' }>['event'];

function emitChange(
  context: RuleContext,
  task: string,
  event: EffectEvent,
  record: TaskRecord,
  extra: { note?: string } = {},
): void {
  context.emit({
    kind: 'task.changed',
    task,
    event,
    status: record.status,
    attempt: record.attempt,
    by: context.author,
    ...(record.assignee === undefined ? {} : { assignee: record.assignee }),
    ...(record.leaseUntilMs === undefined ? {} : { leaseUntilMs: record.leaseUntilMs }),
    ...(record.result === undefined ? {} : { result: record.result }),
    ...(record.reward === undefined ? {} : { reward: record.reward, rewardFrom: record.rewardFrom }),
    ...extra,
  });
}

// Assignments: which open tasks a member holds.

function openTasks(state: StateView, member: Hex32): number {
  return state.get(loadTable, member)?.open ?? 0;
}

/** The member's agreement to a task: from here on it counts among those they hold. */
function agree(state: StateView, member: Hex32): void {
  state.put(loadTable, member, { open: openTasks(state, member) + 1 });
}

function takeUp(state: StateView, member: Hex32, task: string, attempt: number, taken: boolean): void {
  state.put(assignmentTable, `${member}/${task}`, { attempt });
  if (taken) agree(state, member);
}

/** Frees the assignee, if there is one. */
function layDown(state: StateView, task: string, { assignee: member, taken }: TaskRecord): void {
  if (member === undefined) return;
  state.delete(assignmentTable, `${member}/${task}`);
  if (!taken) return;
  const open = openTasks(state, member) - 1;
  if (open === 0) state.delete(loadTable, member);
  else state.put(loadTable, member, { open });
}

/** Refuses unless `assignee` may act and, where they take the task themselves, can hold one more. */
function cannotTake(state: StateView, assignee: Hex32, taken: boolean): Refusal | undefined {
  if (!hasRole(state, assignee, 'member')) return refuse('assignee_unable', { assignee });
  return taken ? overloaded(state, assignee) : undefined;
}

function overloaded(state: StateView, assignee: Hex32): Refusal | undefined {
  return openTasks(state, assignee) >= OPEN_TASKS_PER_ASSIGNEE_MAX
    ? refuse('assignee_overloaded', { assignee, max: OPEN_TASKS_PER_ASSIGNEE_MAX })
    : undefined;
}

const leaseFrom = (record: TaskRecord, nowMs: number): number | undefined =>
  record.leaseMs === undefined ? undefined : nowMs + record.leaseMs;

function create(operation: OperationOf<'task_create'>, context: RuleContext): Refusal | undefined {
  const { state, author, nowMs } = context;
  const { task, assignee, reward: promised, leaseMs } = operation;
  const refused = lacksRole(context, 'member');
  if (refused !== undefined) return refused;
  const mayNotMint = operation.rewardFrom === 'mint' ? lacksRole(context, 'admin') : undefined;
  if (mayNotMint !== undefined) return mayNotMint;
  if (promised === 0n) return refuse('amount_zero', {});
  if (state.get(taskTable, task) !== undefined) return refuse('task_exists', { task });
  if (leaseMs !== undefined && (leaseMs < LEASE_MS_MIN || leaseMs > LEASE_MS_MAX))
    return refuse('lease_out_of_range', { leaseMs, min: LEASE_MS_MIN, max: LEASE_MS_MAX });
  const taken = assignee === author;
  const unable = assignee === undefined ? undefined : cannotTake(state, assignee, taken);
  if (unable !== undefined) return unable;
  const { rewardFrom = roleOf(state, author) === 'admin' ? 'mint' : 'escrow' } = operation;
  if (promised !== undefined && rewardFrom === 'escrow') {
    const poor = cannotPay(state, author, promised);
    if (poor !== undefined) return poor;
    holdInEscrow(state, author, escrowOf(task), promised);
  }
  const record: TaskRecord = {
    status: assignee === undefined ? 'pending' : 'assigned',
    creator: author,
    createdMs: nowMs,
    updatedMs: nowMs,
    dueMs: operation.dueMs,
    assignee,
    taken,
    attempt: assignee === undefined ? 0 : 1,
    leaseMs,
    leaseUntilMs: assignee === undefined || leaseMs === undefined ? undefined : nowMs + leaseMs,
    reward: promised,
    rewardFrom,
    result: undefined,
    error: undefined,
  };
  if (assignee !== undefined) takeUp(state, assignee, task, 1, taken);
  const { title, description, tags } = operation;
  state.put(taskTable, task, record);
  state.put(taskTextTable, task, { title, description, tags });
  emitChange(context, task, 'create', record);
  return undefined;
}

function assign(operation: OperationOf<'task_assign'>, context: RuleContext): Refusal | undefined {
  const { state, author, nowMs } = context;
  const { task, assignee } = operation;
  const refused = lacksRole(context, 'member');
  if (refused !== undefined) return refused;
  const record = state.get(taskTable, task);
  if (record === undefined) return refuse('task_unknown', { task });
  const takes = assignee === author && (record.assignee === undefined || isLeft(state, record));
  if (!takes && !governs(context, record)) {
    // A task that another one was faster to take: say so, rather than that the loser lacks a right.
    if (assignee === author) return refuse('task_state', { task, status: record.status, event: 'assign' });
    return refuse('not_task_creator', { task, creator: record.creator });
  }
  const event: TaskEvent = record.assignee === undefined ? 'assign' : 'reassign';
  const status = nextTaskStatus(record.status, event);
  if (status === undefined) return refuse('task_state', { task, status: record.status, event });
  if (record.assignee === assignee) return refuse('assignee_unchanged', { task, assignee });
  const taken = assignee === author;
  const unable = cannotTake(state, assignee, taken);
  if (unable !== undefined) return unable;
  const attempt = record.attempt + 1;
  layDown(state, task, record);
  takeUp(state, assignee, task, attempt, taken);
  const leaseUntilMs = leaseFrom(record, nowMs);
  const next = { ...record, status, assignee, taken, attempt, leaseUntilMs, updatedMs: nowMs };
  state.put(taskTable, task, next);
  emitChange(context, task, 'assign', next);
  return undefined;
}

/** The task and its next state, or why the assignee may not do this in this attempt. */
function workOn(
  context: RuleContext,
  task: string,
  attempt: number,
  event: TaskEvent,
): { record: TaskRecord; status: TaskRecord['status'] } | Refusal {
  const record = context.state.get(taskTable, task);
  if (record === undefined) return refuse('task_unknown', { task });
  if (attempt !== record.attempt)
    return refuse('task_attempt_stale', { task, attempt, current: record.attempt });
  const status = nextTaskStatus(record.status, event);
  if (status === undefined) return refuse('task_state', { task, status: record.status, event });
  if (record.assignee !== context.author)
    return refuse('not_task_assignee', { task, assignee: record.assignee });
  return lacksRole(context, 'member') ?? { record, status };
}

function start(operation: OperationOf<'task_start'>, context: RuleContext): Refusal | undefined {
  const { task, attempt } = operation;
  const work = workOn(context, task, attempt, 'start');
  if ('code' in work) return work;
  const { record } = work;
  if (!record.taken) {
    const refused = overloaded(context.state, context.author);
    if (refused !== undefined) return refused;
    agree(context.state, context.author);
  }
  keepWorking(context, task, { ...record, taken: true }, work.status, 'start', {});
  return undefined;
}

function progress(operation: OperationOf<'task_progress'>, context: RuleContext): Refusal | undefined {
  const { task, attempt, note } = operation;
  const work = workOn(context, task, attempt, 'progress');
  if ('code' in work) return work;
  keepWorking(context, task, work.record, work.status, 'progress', note === undefined ? {} : { note });
  return undefined;
}

/** Start and progress: the assignee goes on, and the lease with them. */
function keepWorking(
  context: RuleContext,
  task: string,
  record: TaskRecord,
  status: TaskRecord['status'],
  event: 'start' | 'progress',
  extra: { note?: string },
): void {
  const { nowMs } = context;
  const next = { ...record, status, leaseUntilMs: leaseFrom(record, nowMs), updatedMs: nowMs };
  context.state.put(taskTable, task, next);
  emitChange(context, task, event, next, extra);
}

/** Writes a task that came to an end and frees its assignee. */
function end(context: RuleContext, task: string, record: TaskRecord, event: EffectEvent): void {
  const { state, nowMs } = context;
  layDown(state, task, record);
  const next = { ...record, taken: false, leaseUntilMs: undefined, updatedMs: nowMs };
  state.put(taskTable, task, next);
  emitChange(context, task, event, next);
}

function complete(operation: OperationOf<'task_complete'>, context: RuleContext): Refusal | undefined {
  const { task, attempt, result } = operation;
  const work = workOn(context, task, attempt, 'complete');
  if ('code' in work) return work;
  if (result !== undefined) context.weigh(REFERENCE_WEIGHT);
  const unknown = result === undefined ? undefined : unknownReference(context.state, result);
  if (unknown !== undefined) return unknown;
  end(context, task, { ...work.record, status: work.status, result }, 'complete');
  payReward(context, task, work.record);
  return undefined;
}

function payReward(context: RuleContext, task: string, record: TaskRecord): void {
  const { state } = context;
  const { reward: amount, assignee, creator } = record;
  if (amount === undefined || assignee === undefined) return;
  if (record.rewardFrom === 'mint') {
    // New money is an admin's word, and worth what that word is worth now.
    if (roleOf(state, creator) === 'admin') reward(context, 'task', assignee, amount);
    else
      context.emit({ kind: 'reward.skipped', source: 'task', to: assignee, amount, because: 'promise_void' });
    return;
  }
  const held = releaseEscrow(state, escrowOf(task));
  // One's own money meets no cap. Of anybody else's, none goes back to who promised it, or filling the account up
  // would be a way not to pay.
  if (assignee === creator) credit(state, assignee, held);
  const { paid, above } = assignee === creator ? { paid: held, above: 0n } : payEarned(state, assignee, held);
  if (paid > 0n) context.emit({ kind: 'reward.paid', source: 'task', to: assignee, amount: paid });
  if (above > 0n) context.emit({ kind: 'reward.to_treasury', task, to: assignee, amount: above });
}

/** A promised reward that is not paid goes back to a plain member who put it into escrow. */
function returnReward(context: RuleContext, task: string, record: TaskRecord): void {
  if (record.reward === undefined || record.rewardFrom !== 'escrow') return;
  const { creator: to } = record;
  const amount = releaseEscrow(context.state, escrowOf(task));
  credit(context.state, to, amount);
  context.emit({ kind: 'reward.returned', task, to, amount });
}

function fail(operation: OperationOf<'task_fail'>, context: RuleContext): Refusal | undefined {
  const { task, attempt, error } = operation;
  const work = workOn(context, task, attempt, 'fail');
  if ('code' in work) return work;
  end(context, task, { ...work.record, status: work.status, error }, 'fail');
  returnReward(context, task, work.record);
  return undefined;
}

function release(operation: OperationOf<'task_release'>, context: RuleContext): Refusal | undefined {
  const { state, author, nowMs } = context;
  const { task, attempt } = operation;
  const record = state.get(taskTable, task);
  if (record === undefined) return refuse('task_unknown', { task });
  if (attempt !== record.attempt)
    return refuse('task_attempt_stale', { task, attempt, current: record.attempt });
  if (nextTaskStatus(record.status, 'release') === undefined)
    return refuse('task_state', { task, status: record.status, event: 'release' });
  const { leaseUntilMs } = record;
  const hasRunOut = leaseUntilMs !== undefined && nowMs > leaseUntilMs;
  if (author !== record.assignee && !hasRunOut && !isLeft(state, record) && !governs(context, record))
    return refuse('lease_running', { task, untilMs: leaseUntilMs });
  returnToPending(context, task, record);
  return undefined;
}

/** Whether the author decides about the task: as its creator, if still a member, or as an admin. */
function governs({ state, author }: RuleContext, { creator }: TaskRecord): boolean {
  const role = roleOf(state, author);
  return role === 'admin' || (role === 'member' && author === creator);
}

function returnToPending(context: RuleContext, task: string, record: TaskRecord): void {
  const { state, nowMs } = context;
  layDown(state, task, record);
  const status = nextTaskStatus(record.status, 'release')!;
  const freed = { assignee: undefined, taken: false, leaseUntilMs: undefined };
  const next = { ...record, ...freed, status, updatedMs: nowMs };
  state.put(taskTable, task, next);
  emitChange(context, task, 'release', next);
}

/** Whether a task's assignee may no longer act, and left it where it was: whoever wants it takes it. */
function isLeft(state: StateView, { assignee }: TaskRecord): boolean {
  return assignee !== undefined && !hasRole(state, assignee, 'member');
}

/** Returns the first open tasks of a member who may no longer act; the others are left. */
export function returnTasksOf(context: RuleContext, member: Hex32): void {
  const { state } = context;
  for (const key of state.firstIds(assignmentTable, `${member}/`, RETURNED_TASKS_MAX)) {
    const task = key.slice(member.length + 1);
    context.weigh(RETURNED_TASK_WEIGHT);
    returnToPending(context, task, state.get(taskTable, task)!);
  }
}

function cancel(operation: OperationOf<'task_cancel'>, context: RuleContext): Refusal | undefined {
  const { state } = context;
  const { task, reason } = operation;
  const refused = lacksRole(context, 'member');
  if (refused !== undefined) return refused;
  const record = state.get(taskTable, task);
  if (record === undefined) return refuse('task_unknown', { task });
  if (!governs(context, record)) return refuse('not_task_creator', { task, creator: record.creator });
  const status = nextTaskStatus(record.status, 'cancel');
  if (status === undefined) return refuse('task_state', { task, status: record.status, event: 'cancel' });
  end(context, task, { ...record, status, error: reason }, 'cancel');
  returnReward(context, task, record);
  return undefined;
}

export const taskRules: Rules<TaskOperation> = {
  task_create: create,
  task_assign: assign,
  task_start: start,
  task_progress: progress,
  task_complete: complete,
  task_fail: fail,
  task_release: release,
  task_cancel: cancel,
};
