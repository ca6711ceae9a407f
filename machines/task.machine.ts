/**
 * The life of a task. Who may send which event is the rule's business (tasks.ts); what an event does in a
 * state is said here and nowhere else.
 */
import { setup } from 'xstate';
import type { TaskStatus } from '../events/effects.ts';
import { compile } from './compile.ts';

export const TASK_EVENTS = [
  'assign',
  'reassign',
  'start',
  'progress',
  'complete',
  'fail',
  'release',
  'cancel',
] as const;
export type TaskEvent = (typeof TASK_EVENTS)[number];

export const taskMachine = setup({ types: { events: {} as { type: TaskEvent } } }).createMachine({
  id: 'task',
  initial: 'pending',
  states: {
    pending: { on: { assign: 'assigned', cancel: 'cancelled' } },
    assigned: {
      on: { reassign: 'assigned', start: 'in_progress', release: 'pending', cancel: 'cancelled' },
    },
    in_progress: {
      on: {
        reassign: 'assigned',
        progress: 'in_progress',
        complete: 'completed',
        fail: 'failed',
        release: 'pending',
        cancel: 'cancelled',
      },
    },
    completed: { type: 'final' },
    failed: { type: 'final' },
    cancelled: { type: 'final' },
  },
});

const ENDED: ReadonlySet<string> = new Set(
  Object.values(taskMachine.states).flatMap(({ key, type }) => (type === 'final' ? [key] : [])),
);

/** Whether a task has not ended and can still be worked on. */
export function isOpen({ status }: { readonly status: TaskStatus }): boolean {
  return !ENDED.has(status);
}

export const nextTaskStatus = compile<TaskStatus, TaskEvent>(taskMachine, TASK_EVENTS);
