/**
 * The verbs that move a task along. Each says which attempt it belongs to where `--attempt` is given, so that an
 * answer that comes too late is refused instead of counting for somebody else's work.
 */
import type { Command } from 'commander';
import type { Agent } from '../../../actors/agent.ts';
import { UsageError } from '../../../actors/errors.ts';
import type { GroupView, Task } from '../../../actors/group-view.ts';
import { taskOperations } from '../../../events/operations/tasks.ts';
import type { Receipt } from '../../../events/receipt.ts';
import type { BatteryNode } from '../../../node.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { checkClaimText, checkOptional } from '../fields.ts';
import { parseCount } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { givenOf, isIdLike, memberKey, referenceId, subjectOf, subjectOption, taskOf } from '../resolve.ts';

interface WorkOptions {
  readonly task?: string;
  readonly attempt?: string;
  readonly assignee?: string;
  readonly note?: string;
  readonly result?: string;
  readonly text?: string;
  readonly error?: string;
  readonly reason?: string;
}

interface Work {
  readonly agent: Agent;
  readonly task: Task;
  readonly attempt: number;
  readonly options: WorkOptions;
  readonly node: BatteryNode;
  readonly view: GroupView;
}

interface Step {
  readonly usage: string;
  readonly summary: string;
  readonly done: string;
  readonly example: string;
  /** Adds `--attempt`. */
  readonly hasAttempt?: boolean;
  /** What else may be said, by a flag or by an argument behind the task. */
  readonly also?: {
    readonly name: 'assignee' | 'note' | 'result' | 'error' | 'reason';
    readonly placeholder: string;
    readonly description: string;
  };
  readonly configure?: (command: Command) => Command;
  readonly run: (work: Work) => Promise<Receipt>;
}

const { task_progress, task_fail, task_cancel } = taskOperations;

const STEPS: readonly Step[] = [
  {
    usage: 'assign-task',
    summary: 'Assign a task, or take a pending one for yourself.',
    done: 'Assigned',
    example: 'lb assign-task task_002 carol',
    also: { name: 'assignee', placeholder: 'member', description: 'who is to do it (default: you)' },
    run: ({ agent, task, options, node, view }) =>
      agent.assignTask(
        task.task,
        options.assignee === undefined ? agent.publicKey : memberKey(node, view, options.assignee),
      ),
  },
  {
    usage: 'take-task',
    summary: 'Take a pending task for yourself. Of several who try, one succeeds.',
    done: 'Took',
    example: 'lb take-task task_001 --as bob',
    run: ({ agent, task }) => agent.takeTask(task.task),
  },
  {
    usage: 'start-task',
    summary: 'Start the work (assignee).',
    done: 'Started',
    example: 'lb start-task task_001 --as bob',
    hasAttempt: true,
    run: ({ agent, task, attempt }) => agent.startTask(task.task, attempt),
  },
  {
    usage: 'progress-task',
    summary: 'Report progress and renew the lease (assignee).',
    done: 'Noted progress of',
    example: 'lb progress-task task_001 "half done" --as bob',
    hasAttempt: true,
    also: { name: 'note', placeholder: 'text', description: 'what was done' },
    run: ({ agent, task, attempt, options }) =>
      agent.progressTask(
        task.task,
        checkOptional(options.note, '--note', task_progress.fields.note),
        attempt,
      ),
  },
  {
    usage: 'complete-task',
    summary: 'Complete the work (assignee).',
    done: 'Completed',
    example: 'lb complete-task task_001 "The API answers, and its tests pass" --as bob',
    hasAttempt: true,
    also: {
      name: 'result',
      placeholder: 'claim',
      description: 'claim or experience with the result; what is no id is a text that is published as one',
    },
    configure: (command) => command.option('--text <text>', 'a text that is published as the result'),
    run: complete,
  },
  {
    usage: 'fail-task',
    summary: 'Give the work up as failed (assignee).',
    done: 'Failed',
    example: 'lb fail-task task_003 "Blocked by dependency" --as bob',
    hasAttempt: true,
    also: { name: 'error', placeholder: 'text', description: 'why' },
    run: ({ agent, task, attempt, options }) =>
      agent.failTask(task.task, checkOptional(options.error, '--error', task_fail.fields.error), attempt),
  },
  {
    usage: 'release-task',
    summary: 'Return a task to pending (assignee; anyone once its lease has run out).',
    done: 'Released',
    example: 'lb release-task task_002 --as carol',
    hasAttempt: true,
    run: ({ agent, task, attempt }) => agent.releaseTask(task.task, attempt),
  },
  {
    usage: 'cancel-task',
    summary: 'Cancel a task (creator or admin).',
    done: 'Cancelled',
    example: 'lb cancel-task task_002 "not needed any more"',
    also: { name: 'reason', placeholder: 'text', description: 'why' },
    run: ({ agent, task, options }) =>
      agent.cancelTask(task.task, checkOptional(options.reason, '--reason', task_cancel.fields.reason)),
  },
];

export function registerWork(program: Command, context: CliContext): void {
  for (const step of STEPS) {
    const { usage, summary, example } = step;
    verb<WorkOptions>(
      program,
      context,
      { usage, summary, example, heading: 'Tasks and presence', inGroup: true, signs: true },
      (command) => {
        subjectOption(command, 'task', 'the task');
        if (step.also) subjectOption(command, step.also.name, step.also.description, step.also.placeholder);
        if (step.hasAttempt)
          command.option('--attempt <number>', 'the attempt that is meant (default: the present one)');
        return step.configure?.(command) ?? command;
      },
      (run) => perform(run, step),
    );
  }
}

/** With a claim by its id, or with a text that becomes one in the same transaction. */
async function complete({ agent, task, attempt, options, view }: Work): Promise<Receipt> {
  const { result, text } = options;
  if (result !== undefined && text !== undefined)
    throw new UsageError('give the result once: a claim, or a text with --text');
  if (text === undefined && (result === undefined || isIdLike(result)))
    return agent.completeTask(task.task, result && referenceId(view, result), attempt);
  const said = checkClaimText(text ?? result!, text === undefined ? 'the result' : '--text');
  const { unwrap } = await import('../../../actors/agent.ts');
  const { claim, operations, artifacts } = agent.prepareClaim({ text: said });
  const completion = { type: 'task_complete' as const, task: task.task, attempt, result: claim };
  return unwrap(await agent.submit([...operations, completion], artifacts));
}

async function perform(run: Run<WorkOptions>, step: Step): Promise<void> {
  const options: WorkOptions = {
    ...run.options,
    ...givenOf(run, step.also ? ['task', step.also.name] : ['task']),
  };
  const node = await run.node();
  const group = await run.group();
  const view = group.now;
  const task = taskOf(view, subjectOf('task', options.task, undefined));
  const attempt =
    options.attempt === undefined ? task.attempt : parseCount(options.attempt, '--attempt', 0, 0xffff_ffff);
  const agent = await run.agent();
  const receipt = await step.run({ agent, task, attempt, options, node, view });
  const after = group.now.task(task.task)!;
  printReceipt(run, receipt, `${step.done} the task`, {
    task: after.task,
    status: after.status,
    attempt: after.attempt,
  });
}
