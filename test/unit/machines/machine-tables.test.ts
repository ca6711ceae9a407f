/** The compiled tables say what the machines say, for every event in every state. */
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, createActor, transition } from 'xstate';
import { nextPurchaseStatus, PURCHASE_EVENTS, purchaseMachine } from '../../../machines/purchase.machine.ts';
import { nextTaskStatus, TASK_EVENTS, taskMachine } from '../../../machines/task.machine.ts';

const CASES: [
  string,
  AnyStateMachine,
  readonly string[],
  (status: never, event: never) => string | undefined,
][] = [
  ['task', taskMachine, TASK_EVENTS, nextTaskStatus],
  ['purchase', purchaseMachine, PURCHASE_EVENTS, nextPurchaseStatus],
];

describe.each(CASES)('%s', (_, machine, events, next) => {
  const states = Object.keys(machine.states);

  it('every state and event, by transition()', () => {
    for (const status of states)
      for (const type of events) {
        const snapshot = machine.resolveState({ value: status, context: {} });
        const [after] = transition(machine, snapshot, { type });
        const expected = snapshot.can({ type }) ? after.value : undefined;
        expect(next(status as never, type as never), `${status} ${type}`).toBe(expected);
      }
  });

  it('every state and event, by a running actor', () => {
    for (const status of states)
      for (const type of events) {
        const actor = createActor(machine, {
          snapshot: machine.resolveState({ value: status, context: {} }),
        }).start();
        // A machine that has ended takes nothing any more, and warns whoever tries.
        if (actor.getSnapshot().status === 'active') actor.send({ type });
        expect(actor.getSnapshot().value).toBe(next(status as never, type as never) ?? status);
      }
  });

  it('the machine knows no event that the table was not asked for', () => {
    expect([...machine.events].sort()).toEqual([...events].sort());
  });

  it('every state can be reached, and nothing leads out of a final one', () => {
    const reached = new Set<string>([machine.config.initial as string]);
    for (const status of reached)
      for (const type of events) {
        const to = next(status as never, type as never);
        if (to !== undefined) reached.add(to);
      }
    expect([...reached].sort()).toEqual([...states].sort());
    for (const status of states.filter((state) => machine.states[state]!.type === 'final'))
      for (const type of events) expect(next(status as never, type as never)).toBeUndefined();
  });

  it('strange words have no next state', () => {
    expect(next('pending ' as never, events[0] as never)).toBeUndefined();
    expect(next('constructor' as never, 'toString' as never)).toBeUndefined();
  });
});
