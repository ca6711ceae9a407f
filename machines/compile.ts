/**
 * Compiles a flat XState machine into a lookup table, for the path that judges hundreds of thousands of
 * operations a second. The machine stays the one source of truth: the table is made by asking it.
 */
import { type AnyStateMachine, transition } from 'xstate';

/** The next state for a state and an event, or nothing where the machine does not move. */
export type TransitionTable<S extends string, E extends string> = (status: S, event: E) => S | undefined;

/** @param events the event types to ask for; the machine's own list, so that none is forgotten */
export function compile<S extends string, E extends string>(
  machine: AnyStateMachine,
  events: readonly E[],
): TransitionTable<S, E> {
  const table = new Map<string, S>();
  for (const status of Object.keys(machine.states)) {
    const snapshot = machine.resolveState({ value: status, context: {} });
    for (const type of events) {
      if (!snapshot.can({ type })) continue;
      const [next] = transition(machine, snapshot, { type });
      table.set(`${status} ${type}`, next.value as S);
    }
  }
  return (status, event) => table.get(`${status} ${event}`);
}
