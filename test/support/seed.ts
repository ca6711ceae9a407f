/** Seeds of property tests: printed at the start, and given back with LB_SEED to see the same run again. */
import { randomInt } from 'node:crypto';
import type { Parameters } from 'fast-check';

/** Parameters for `fc.assert` with a seed that was printed. `runs` is how many cases are tried. */
export function seeded<T>(name: string, runs: number): Parameters<T> {
  const given = process.env.LB_SEED;
  const seed = given === undefined ? randomInt(2 ** 31) : Number(given);
  process.stderr.write(`${name}: LB_SEED=${seed}\n`);
  // Shrinking a long history may take for ever; what there is by then is told.
  return { seed, numRuns: runs, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true };
}
