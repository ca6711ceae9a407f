/** A clock that is far from those of the peers is not sealed by, until it is right or trusted. */
import { expect, it } from 'vitest';
import { ClockJumpedError, WatchedClock } from '../../../actors/clock.ts';

const MINUTE_MS = 60_000;

function clockAt(nowMs: number): { clock: WatchedClock; said: (string | undefined)[] } {
  const clock = new WatchedClock({ nowMs: () => nowMs, monotonicMs: () => 0 });
  const said: (string | undefined)[] = [];
  clock.onChange = (error) => said.push(error?.message);
  return { clock, said };
}

it('nothing is sealed while the median of the peers is more than five minutes away, and it is said once', () => {
  const { clock, said } = clockAt(1_000 * MINUTE_MS);
  clock.hearPeers({ aheadMs: 4 * MINUTE_MS, count: 3 });
  expect(clock.sealingMs()).toBe(1_000 * MINUTE_MS);
  clock.hearPeers({ aheadMs: 6 * MINUTE_MS, count: 3 });
  clock.hearPeers({ aheadMs: 7 * MINUTE_MS, count: 4 });
  expect(() => clock.sealingMs()).toThrow(ClockJumpedError);
  expect(clock.jumpMs).toBe(-7 * MINUTE_MS);
  expect(clock.nowMs()).toBe(1_000 * MINUTE_MS);
  expect(said).toEqual([expect.stringContaining('360 s behind the clocks of 3 peers')]);
  clock.hearPeers(undefined);
  expect(clock.sealingMs()).toBe(1_000 * MINUTE_MS);
  expect(said).toHaveLength(2);
});

it('an operator who trusts the clock is believed', () => {
  const { clock } = clockAt(1_000 * MINUTE_MS);
  clock.hearPeers({ aheadMs: -60 * MINUTE_MS, count: 5 });
  expect(() => clock.sealingMs()).toThrow('ahead of the clocks of 5 peers');
  clock.trust();
  expect(clock.sealingMs()).toBe(1_000 * MINUTE_MS);
});
