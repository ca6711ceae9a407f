import { expect, it } from 'vitest';
import { Pace } from '../../../views/pace.ts';

const GROUP = 'aa'.repeat(32);

/** A pace whose clock is set by hand. */
function paceAt(startMs: number) {
  const clock = { ms: startMs };
  return { clock, pace: new Pace(() => clock.ms) };
}

it('work does not rest while nothing is sealed', () => {
  const { clock, pace } = paceAt(1_000);
  pace.saw(GROUP, 500_000);
  clock.ms += 1_000;
  pace.saw(GROUP, 500_000);
  pace.worked(40);
  expect(pace.restMs).toBe(0);
});

it('a long log that is seen for the first time is no load', () => {
  const { clock, pace } = paceAt(0);
  clock.ms += 1_000;
  pace.saw(GROUP, 1_000_000);
  pace.worked(40);
  expect(pace.restMs).toBe(0);
});

it('the more is sealed, the longer work rests; never for more than a bound, and not for ever', () => {
  const restsAt = (perSecond: number): number => {
    const { clock, pace } = paceAt(0);
    pace.saw(GROUP, 0);
    clock.ms += 1_000;
    pace.saw(GROUP, perSecond);
    pace.worked(10);
    const { restMs } = pace;
    clock.ms += restMs;
    expect(pace.restMs).toBe(0);
    return restMs;
  };
  const rests = [0, 10, 100, 1_000, 2_000].map(restsAt);
  for (const [at, rest] of rests.entries()) if (at > 0) expect(rest).toBeGreaterThan(rests[at - 1]!);
  expect(restsAt(1_000_000)).toBe(restsAt(2_000));
});

it('groups count together, and a load that is over is forgotten', () => {
  const { clock, pace } = paceAt(0);
  const others = ['bb'.repeat(32), 'cc'.repeat(32)];
  for (const group of others) pace.saw(group, 0);
  clock.ms += 1_000;
  for (const group of others) pace.saw(group, 1_000);
  pace.worked(10);
  const busy = pace.restMs;
  expect(busy).toBeGreaterThan(0);
  clock.ms += 10_000;
  for (const group of others) pace.saw(group, 1_000);
  clock.ms += 1_000;
  for (const group of others) pace.saw(group, 1_000);
  pace.worked(10);
  expect(pace.restMs).toBe(0);
});
