/**
 * The beating side of a group's presence: quiet while no identity of this node wants to be seen, else it beats for
 * those who do, at once and then at every interval.
 */
import { setup } from 'xstate';

/** Five beats may be lost before a member counts as stale. */
export const BEAT_INTERVAL_MS = 60_000;

export type PresenceMachineEvent =
  /** An identity wants to be seen. */
  | { type: 'begin' }
  /** The last one wants so no more. */
  | { type: 'end' };

export const presenceMachine = setup({
  types: { events: {} as PresenceMachineEvent },
  delays: { beatInterval: BEAT_INTERVAL_MS },
  actions: {
    /** Signs and sends a beat of everyone who wants to be seen. Given by the host. */
    beat: () => {},
  },
}).createMachine({
  id: 'presence',
  initial: 'quiet',
  states: {
    quiet: { on: { begin: 'beating' } },
    beating: {
      entry: 'beat',
      after: { beatInterval: { target: 'beating', reenter: true } },
      on: { begin: { target: 'beating', reenter: true }, end: 'quiet' },
    },
  },
});
