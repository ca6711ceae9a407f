/**
 * The life of a node, and of the actors that it supervises.
 *
 * An actor that fails takes nothing else with it: it is noted here with its reason and started again after a wait
 * that doubles from one failure to the next, up to a bound. It counts as sound again only when it has done some
 * work, so that one which loads well and fails at its first commit still waits longer each time. What is damaged
 * is not started again by itself: reading the same bytes again gives the same answer.
 */
import { assign, enqueueActions, setup } from 'xstate';

/** The first wait, doubled by each failure that follows. */
export const RESTART_MS_MIN = 1_000;
/** The longest wait: a full disk is looked at again within minutes of having been cleared. */
export const RESTART_MS_MAX = 5 * 60_000;

export type Part = 'chain' | 'tasks' | 'presence';
/** An actor of a group: its part and the group's id. */
export type ActorName = `${Part}/${string}`;

/** An actor that has failed and not been sound since. */
export interface Failure {
  readonly reason: string;
  /** How often it failed in a row. */
  readonly attempts: number;
  /** Whether it is down now; otherwise it runs again and has yet to prove itself. */
  readonly isDown: boolean;
  /** When it is started again, wall time in milliseconds; absent where that would not help. */
  readonly retryAtMs: number | undefined;
}

export interface NodeContext {
  readonly failures: Readonly<Record<ActorName, Failure>>;
}

export type NodeEvent =
  | { type: 'opened' }
  | { type: 'failed'; actor: ActorName; reason: string; isDamaged: boolean; nowMs: number }
  | { type: 'restart'; actor: ActorName }
  | { type: 'loaded'; actor: ActorName }
  | { type: 'sound'; actor: ActorName }
  | { type: 'drain' }
  | { type: 'drained' };

/** The wait before the start that follows failure number `attempts`, milliseconds. */
export function restartDelayMs(attempts: number): number {
  // 2^30 is far above the bound; a larger exponent would only lose precision.
  return Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** Math.min(attempts - 1, 30));
}

/** The failure that `event` makes of what was known before. */
function failureAfter(
  before: Failure | undefined,
  event: Extract<NodeEvent, { type: 'failed' }>,
  restarts: boolean,
): Failure {
  const { reason, isDamaged, nowMs } = event;
  const attempts = (before?.attempts ?? 0) + 1;
  const retryAtMs = isDamaged || !restarts ? undefined : nowMs + restartDelayMs(attempts);
  return { reason, attempts, isDown: true, retryAtMs };
}

const timerOf = (actor: ActorName): string => `restart/${actor}`;

export const nodeMachine = setup({
  types: { context: {} as NodeContext, events: {} as NodeEvent },
  actions: {
    /** Starts the actor again. Given by the host. */
    restartActor: (_, _params: { readonly actor: ActorName }) => {},
    noteAndRetry: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'failed') return;
      const failure = failureAfter(context.failures[event.actor], event, true);
      enqueue.assign({ failures: { ...context.failures, [event.actor]: failure } });
      enqueue.cancel(timerOf(event.actor));
      if (failure.retryAtMs !== undefined)
        enqueue.raise(
          { type: 'restart', actor: event.actor },
          { id: timerOf(event.actor), delay: failure.retryAtMs - event.nowMs },
        );
    }),
    note: assign(({ context, event }) =>
      event.type !== 'failed'
        ? {}
        : {
            failures: {
              ...context.failures,
              [event.actor]: failureAfter(context.failures[event.actor], event, false),
            },
          },
    ),
    noteUp: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'loaded') return;
      const failure = context.failures[event.actor];
      if (failure === undefined) return;
      enqueue.cancel(timerOf(event.actor));
      const up = { ...failure, isDown: false, retryAtMs: undefined };
      enqueue.assign({ failures: { ...context.failures, [event.actor]: up } });
    }),
    forget: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'sound') return;
      enqueue.cancel(timerOf(event.actor));
      const { [event.actor]: _, ...failures } = context.failures;
      enqueue.assign({ failures });
    }),
    callOffRestarts: enqueueActions(({ context, enqueue }) => {
      const failures: Record<ActorName, Failure> = {};
      for (const [actor, failure] of Object.entries(context.failures) as [ActorName, Failure][]) {
        enqueue.cancel(timerOf(actor));
        failures[actor] = { ...failure, retryAtMs: undefined };
      }
      enqueue.assign({ failures });
    }),
  },
  guards: {
    isDown: ({ context, event }) =>
      event.type === 'restart' && context.failures[event.actor]?.isDown === true,
  },
}).createMachine({
  id: 'node',
  initial: 'starting',
  context: { failures: {} },
  states: {
    starting: { on: { opened: 'running', drain: 'draining' } },
    running: {
      on: {
        failed: { actions: 'noteAndRetry' },
        restart: {
          guard: 'isDown',
          actions: { type: 'restartActor', params: ({ event }) => ({ actor: event.actor }) },
        },
        loaded: { actions: 'noteUp' },
        sound: { actions: 'forget' },
        drain: 'draining',
      },
    },
    draining: {
      entry: 'callOffRestarts',
      on: { failed: { actions: 'note' }, drained: 'stopped' },
    },
    stopped: { type: 'final' },
  },
});

export type NodeStatus = 'starting' | 'running' | 'draining' | 'stopped';
