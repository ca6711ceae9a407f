/**
 * The life of a group's task board: idle while no open task has a deadline, else watching for the earliest. There is
 * one alarm, however many tasks there are.
 */
import { setup } from 'xstate';

export type TaskBoardEvent =
  | { type: 'deadline'; atMs: number }
  | { type: 'none' }
  /** The board takes no further part. */
  | { type: 'close' };

export const taskBoardMachine = setup({
  types: { events: {} as TaskBoardEvent },
  actions: {
    /** Sets the alarm to the earliest deadline. Given by the host. */
    arm: (_, _params: { readonly atMs: number }) => {},
    /** Takes the alarm back. Given by the host. */
    disarm: () => {},
  },
}).createMachine({
  id: 'task-board',
  initial: 'idle',
  on: { close: '.closed' },
  states: {
    idle: { on: { deadline: 'watching' } },
    watching: {
      entry: {
        type: 'arm',
        params: ({ event }) => ({ atMs: (event as Extract<TaskBoardEvent, { type: 'deadline' }>).atMs }),
      },
      exit: 'disarm',
      on: { deadline: { target: 'watching', reenter: true }, none: 'idle' },
    },
    closed: { type: 'final' },
  },
});
