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

const IDS = ['t', 'u', 'task/ä', '\u{10000}', '\u{ffff}', 'six', 'seven', 'eight'];

/** The attempt that the task is at, one time in nine another one. */
const attemptOf = (world: World, task: string, draw: number): number => {
  const attempt = world.read(taskTable, task)?.attempt ?? 1;
  return draw % 9 === 8 ? attempt + 1 : attempt;
};
const assigneeOf = (world: World, task: string): Person | undefined => {
  const assignee = world.read(taskTable, task)?.assignee;
  return assignee === undefined ? undefined : personOf(assignee);
};

export const workIntents: readonly IntentMaker[] = [
  (_, who, first, second) => ({
    operation: taskCreate(pick(IDS, first), {
      ...(second % 3 === 0 ? {} : { reward: amountOf(second) / 3n }),
      ...(second % 5 === 0 ? { assignee: who.publicKey } : {}),
      ...(second % 2 === 0 ? { leaseMs: 1_000 + second } : {}),
    }),
    author: undefined,
  }),
  (_, who, first) => ({ operation: taskAssign(pick(IDS, first), who), author: who }),
  (world, __, first, second) => {
    const task = pick(IDS, first);
    const creator = world.read(taskTable, task)?.creator;
    const author = creator === undefined ? undefined : personOf(creator);
    return { operation: taskCancel(task, second % 2 ? 'enough' : undefined), author };
  },
  (world, __, first, second) => {
    const task = pick(IDS, first);
    const attempt = attemptOf(world, task, second);
    const make = pick(
      [taskStart, taskStart, taskProgress, taskComplete, taskComplete, taskFail, taskRelease],
      second,
    );
    return { operation: make(task, attempt), author: assigneeOf(world, task) };
  },
];
