/** The node machine by `transition()`: what it waits for, what it never retries, and what it forgets. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { initialTransition, type SnapshotFrom, transition } from 'xstate';
import {
  type ActorName,
  type NodeEvent,
  nodeMachine,
  RESTART_MS_MAX,
  RESTART_MS_MIN,
  restartDelayMs,
} from '../../../actors/node/node.machine.ts';
import { seeded } from '../../support/seed.ts';

const CHAIN: ActorName = `chain/${'a'.repeat(64)}`;
const OTHER: ActorName = `chain/${'b'.repeat(64)}`;
type Snapshot = SnapshotFrom<typeof nodeMachine>;

const failed = (actor: ActorName, isDamaged = false, nowMs = 1_000): NodeEvent => ({
  type: 'failed',
  actor,
  reason: 'no space',
  isDamaged,
  nowMs,
});

/** Sends events one after the other; the actions of the last come back. */
function run(...events: NodeEvent[]) {
  let snapshot: Snapshot = initialTransition(nodeMachine)[0];
  let actions: readonly { type: string; params?: unknown }[] = [];
  for (const event of events) [snapshot, actions] = transition(nodeMachine, snapshot, event);
  return { snapshot, actions };
}

test('it starts, runs, drains and stops', () => {
  expect(run().snapshot.value).toBe('starting');
  expect(run({ type: 'opened' }).snapshot.value).toBe('running');
  expect(run({ type: 'opened' }, { type: 'drain' }).snapshot.value).toBe('draining');
  expect(run({ type: 'drain' }).snapshot.value).toBe('draining');
  const { snapshot } = run({ type: 'opened' }, { type: 'drain' }, { type: 'drained' });
  expect([snapshot.value, snapshot.status]).toEqual(['stopped', 'done']);
});

test('a failure is noted with its reason and schedules one restart', () => {
  const { snapshot, actions } = run({ type: 'opened' }, failed(CHAIN));
  expect(snapshot.context.failures[CHAIN]).toEqual({
    reason: 'no space',
    attempts: 1,
    isDown: true,
    retryAtMs: 1_000 + RESTART_MS_MIN,
  });
  const raised = actions.filter(({ type }) => type === 'xstate.raise');
  expect(raised).toMatchObject([
    { params: { event: { type: 'restart', actor: CHAIN }, delay: RESTART_MS_MIN } },
  ]);
  expect(snapshot.context.failures[OTHER]).toBeUndefined();
});

test('what is damaged is noted and not started again by itself', () => {
  const { snapshot, actions } = run({ type: 'opened' }, failed(CHAIN, true));
  expect(snapshot.context.failures[CHAIN]).toMatchObject({ isDown: true, retryAtMs: undefined });
  expect(actions.filter(({ type }) => type === 'xstate.raise')).toEqual([]);
});

test('a restart starts the actor, and only one that is down', () => {
  const restart: NodeEvent = { type: 'restart', actor: CHAIN };
  const { actions } = run({ type: 'opened' }, failed(CHAIN), restart);
  expect(actions).toMatchObject([{ type: 'restartActor', params: { actor: CHAIN } }]);
  expect(run({ type: 'opened' }, failed(CHAIN), { type: 'loaded', actor: CHAIN }, restart).actions).toEqual(
    [],
  );
  expect(run({ type: 'opened' }, restart).actions).toEqual([]);
});

test('one that loads and fails again waits longer; one that worked begins anew', () => {
  const loaded: NodeEvent = { type: 'loaded', actor: CHAIN };
  const sound: NodeEvent = { type: 'sound', actor: CHAIN };
  const again = run({ type: 'opened' }, failed(CHAIN), loaded, failed(CHAIN)).snapshot.context.failures[
    CHAIN
  ];
  expect(again).toMatchObject({ attempts: 2, retryAtMs: 1_000 + 2 * RESTART_MS_MIN });
  const worked = run({ type: 'opened' }, failed(CHAIN), loaded, sound);
  expect(worked.snapshot.context.failures).toEqual({});
  const anew = run({ type: 'opened' }, failed(CHAIN), loaded, sound, failed(CHAIN));
  expect(anew.snapshot.context.failures[CHAIN]?.attempts).toBe(1);
});

test('draining calls every restart off and schedules no more', () => {
  const { snapshot, actions } = run({ type: 'opened' }, failed(CHAIN), failed(OTHER), { type: 'drain' });
  expect(actions.filter(({ type }) => type === 'xstate.cancel')).toHaveLength(2);
  expect(Object.values(snapshot.context.failures).map(({ retryAtMs }) => retryAtMs)).toEqual([
    undefined,
    undefined,
  ]);
  const late = run({ type: 'opened' }, { type: 'drain' }, failed(CHAIN));
  expect(late.actions.filter(({ type }) => type === 'xstate.raise')).toEqual([]);
  expect(late.snapshot.context.failures[CHAIN]).toMatchObject({ reason: 'no space', retryAtMs: undefined });
});

test('the wait doubles, never shrinks and is bounded', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), (attempts) => {
      const delay = restartDelayMs(attempts);
      expect(delay).toBeGreaterThanOrEqual(RESTART_MS_MIN);
      expect(delay).toBeLessThanOrEqual(RESTART_MS_MAX);
      expect(restartDelayMs(attempts + 1)).toBe(Math.min(RESTART_MS_MAX, 2 * delay));
    }),
    seeded('restart delays', 300),
  );
});
