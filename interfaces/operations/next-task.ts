/**
 * `next_task`: one call that leaves an agent with work in hand, or says why there is none.
 *
 * First comes what the agent runs already: a worker that was started again goes on where it stopped, and the lease
 * of its task is renewed. Then what was given to it; then what is free, and a task is free too once its lease has run
 * out, or once its assignee may no longer act: it is released, taken and started in one transaction, so that of all
 * who ask exactly one gets it.
 */
import type { Agent } from '../../actors/agent.ts';
import { RefusedError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import type { GroupView, Task } from '../../actors/group-view.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { taskOperations } from '../../events/operations/tasks.ts';
import { refuse } from '../../events/refusals.ts';
import { count } from '../cli/text.ts';
import { agentIn, given, groupId, groupOf } from './call.ts';
import { assertWanted } from './cancelled.ts';
import { notice, noticeFor } from './claims.ts';
import { type Call, define } from './operation.ts';
import { field, flag, input, number, optional, output, text } from './schema.ts';
import { hasTags } from './tags.ts';
import { TaskDesk, taskShape } from './task-shape.ts';
import { isFree, start } from './tasks.ts';

export const nextTask = define({
  name: 'next_task',
  title: 'Take the next task',
  description:
    'Gives you the task that you run, or takes and starts the best one you may do now; of all who ask, exactly one gets it.',
  toolset: 'default',
  effect: 'adds',
  input: input({ group_id: groupId, tags: optional(field(taskOperations.task_create.fields.tags)) }),
  output: output({
    task: optional(taskShape),
    is_resumed: optional(flag('it was yours and under way')),
    why: optional(text('why there is none, and what to do')),
    retry_at_ms: optional(number('milliseconds since 1970')),
    notice,
  }),
  async run(call, { group_id, tags = [] }) {
    const group = groupOf(call, group_id);
    const agent = agentIn(call, group);
    mayWork(group.now, agent.publicKey);
    for (const task of candidates(group.now, agent.publicKey, tags)) {
      // Nothing was taken, and that there was nothing would be no answer to whoever asks again.
      assertWanted(call.signal);
      if (!(await won(agent, group.now, task))) continue;
      const resumed = task.status === 'in_progress' && task.assignee === agent.publicKey;
      return inHand(call, group, task.task, resumed);
    }
    return whyNone(group.now, agent.publicKey, tags);
  },
  again(call, _, { sealed }) {
    const change = sealed?.effects.findLast(({ kind }) => kind === 'task.changed');
    if (sealed === undefined || change?.kind !== 'task.changed') return undefined;
    return inHand(call, sealed.group, change.task, change.event === 'progress');
  },
});

/** The task that the caller works on from now on. */
function inHand(call: Call, group: Group, id: string, isResumed: boolean) {
  const task = new TaskDesk(call, group).describe(group.now.task(id)!);
  return { task, ...given({ is_resumed: isResumed || undefined }), ...noticeFor([task]) };
}

/** Whoever may do no task at all is told so, and not that there is none. @throws RefusedError */
function mayWork(view: GroupView, own: Hex32): void {
  const role = view.roleOf(own);
  if (role === undefined || role === 'viewer')
    throw new RefusedError(refuse('role_insufficient', { needed: 'member', actual: role ?? 'none' }));
}

/** Candidates that one call tries: others may be faster, and a call must end. */
const TRIES_MAX = 64;

/** What the agent could work on now: what it runs, what is assigned to it, then the most urgent and the best paid. */
function candidates(view: GroupView, own: Hex32, tags: readonly string[]): Task[] {
  const nowMs = Date.now();
  const dueOf = ({ dueMs }: Task): number => dueMs ?? Number.MAX_SAFE_INTEGER;
  return view
    .tasks({ status: 'open' })
    .filter((task) => hasTags(task, tags) && (task.assignee === own || isFree(view, task, nowMs)))
    .sort(
      (one, other) =>
        rankOf(one, own) - rankOf(other, own) ||
        dueOf(one) - dueOf(other) ||
        byReward(one, other) ||
        one.createdMs - other.createdMs ||
        (one.task < other.task ? -1 : 1),
    )
    .slice(0, TRIES_MAX);
}

function rankOf({ status, assignee }: Task, own: Hex32): number {
  if (assignee !== own) return 2;
  return status === 'in_progress' ? 0 : 1;
}

function byReward(task: Task, other: Task): number {
  const [one, two] = [task.reward ?? 0n, other.reward ?? 0n];
  return one === two ? 0 : one > two ? -1 : 1;
}

/** Refusals that mean that somebody else was faster; all others are about the agent itself. */
const LOST = new Set([
  'task_state',
  'task_attempt_stale',
  'not_task_assignee',
  'task_unknown',
  // Whoever held it has renewed the lease meanwhile.
  'lease_running',
]);

/** Whether the agent has the task in hand now. */
async function won(agent: Agent, view: GroupView, task: Task): Promise<boolean> {
  try {
    await takeUp(agent, view, task);
    return true;
  } catch (error) {
    if (error instanceof RefusedError && LOST.has(error.refusal.code)) return false;
    throw error;
  }
}

async function takeUp(agent: Agent, view: GroupView, task: Task): Promise<void> {
  const isRunning = task.assignee === agent.publicKey && task.status === 'in_progress';
  if (!isRunning) await start(agent, view, task);
  else if (task.leaseMs !== undefined) await agent.progressTask(task.task, undefined, task.attempt);
}

/** Why there was nothing, in counts of what is open, and what to do about it. */
function whyNone(view: GroupView, own: Hex32, tags: readonly string[]) {
  const nowMs = Date.now();
  const open = view.tasks({ status: 'open' });
  const fitting = open.filter((task) => hasTags(task, tags));
  const held = fitting.filter((task) => task.assignee !== own && !isFree(view, task, nowMs));
  const ends = held.flatMap(({ leaseUntilMs }) => leaseUntilMs ?? []).sort((one, other) => one - other);
  const parts = [
    open.length === 0 ? 'the group has no open task; create_task makes one' : undefined,
    open.length > fitting.length
      ? `${count(open.length - fitting.length, 'open task')} without these tags; ask without tags for any`
      : undefined,
    held.length > 0
      ? `${count(held.length, 'task')} in the hands of others, ${ends.length} of them with a lease; list_tasks shows whose`
      : undefined,
    fitting.length > held.length ? 'others were faster at what was free; ask again' : undefined,
  ].filter((part) => part !== undefined);
  return {
    why: parts.join('. '),
    ...given({ retry_at_ms: ends[0] && ends[0] + 1 }),
  };
}
