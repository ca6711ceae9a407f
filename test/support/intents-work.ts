/** Random work on tasks. */
import { taskTable } from '../../machines/tables.ts';
import { amountOf, type IntentMaker, pick } from './intents.ts';
import {
  taskAssign,
  taskCancel,
  taskComplete,
  taskCreate,
  taskFail,
  taskProgress,
  taskRelease,
  taskStart,
} from './operations.ts';
import { type Person, personOf } from './people.ts';
import type { World } from './world.ts';

/** Of each kind of text: with the table's separator, and where UTF-16 and UTF-8 order differently. */
const IDS = ['task/ä', '\u{10000}', '\u{ffff}', ...Array.from({ length: 40 }, (_, at) => `task ${at}`)];

/** The attempt that the task is at, one time in nine another one. */
const attemptOf = (world: World, task: string, draw: number): number => {
  const attempt = world.read(taskTable, task)?.attempt ?? 1;
  return draw % 9 === 8 ? attempt + 1 : attempt;
};
const creatorOf = (world: World, task: string): Person | undefined => {
  const creator = world.read(taskTable, task)?.creator;
  return creator === undefined ? undefined : personOf(creator);
};
const assigneeOf = (world: World, task: string): Person | undefined => {
  const assignee = world.read(taskTable, task)?.assignee;
  return assignee === undefined ? undefined : personOf(assignee);
};

/** A task in one of these states, if there is any, or else any of the ids. */
function taskIn(world: World, draw: number, ...states: readonly string[]): string {
  const fitting = IDS.filter((id) => states.includes(world.read(taskTable, id)?.status ?? 'none'));
  return draw % 7 === 0 || fitting.length === 0 ? pick(IDS, draw) : pick(fitting, draw);
}

const has = (world: World, ...states: readonly string[]): boolean =>
  IDS.some((id) => states.includes(world.read(taskTable, id)?.status ?? 'none'));

const create: IntentMaker = (world, who, first, second) => ({
  operation: taskCreate(taskIn(world, first, 'none', 'completed'), {
    ...(second % 3 === 0 ? {} : { reward: amountOf(second) / 3n }),
    ...(second % 5 === 0 ? { assignee: who.publicKey } : {}),
    ...(second % 2 === 0 ? { leaseMs: 1_000 + second } : {}),
  }),
  author: undefined,
});

const byAssignee =
  (states: readonly string[], ...makers: readonly (typeof taskStart)[]): IntentMaker =>
  (world, who, first, second) => {
    if (!has(world, ...states)) return create(world, who, first, second);
    const task = taskIn(world, first, ...states);
    return {
      operation: pick(makers, second)(task, attemptOf(world, task, second)),
      author: assigneeOf(world, task),
    };
  };

export const workIntents: readonly IntentMaker[] = [
  create,
  (world, who, first, second) =>
    has(world, 'pending')
      ? { operation: taskAssign(taskIn(world, first, 'pending'), who), author: who }
      : create(world, who, first, second),
  (world, who, first) => {
    const task = taskIn(world, first, 'assigned', 'in_progress');
    return { operation: taskAssign(task, who), author: creatorOf(world, task) };
  },
  (world, _, first, second) => {
    const task = taskIn(world, first, 'pending', 'assigned', 'in_progress');
    return second % 3 === 0
      ? { operation: taskCancel(task, second % 2 ? 'enough' : undefined), author: creatorOf(world, task) }
      : undefined;
  },
  byAssignee(['assigned'], taskStart),
  byAssignee(['assigned'], taskStart, taskRelease),
  byAssignee(['in_progress'], taskProgress, taskComplete, taskComplete, taskFail),
  (world, who, first, second) => {
    const task = taskIn(world, first, 'assigned', 'in_progress');
    return { operation: taskRelease(task, attemptOf(world, task, second)), author: who };
  },
];
