/** The benchmark, with little work: it must not rot. Nothing here looks at how fast anything is. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('every row of the benchmark is measured', () => {
  const main = new URL('../../bench/main.ts', import.meta.url).pathname;
  const output = execFileSync(process.execPath, [main, '--smoke', '--json'], { encoding: 'utf8' });
  const { data } = JSON.parse(output) as { data: { what: string; value: number }[] };
  const named = (part: string): number | undefined => data.find(({ what }) => what.includes(part))?.value;
  for (const part of [
    'libsodium verify, 2 threads',
    'validation, 1 operation',
    'validation, 64 operations',
    'replay, 1 operation',
    'replay, 64 operations',
    'LMDB puts, flushed in batches of 64',
    '64 callers',
    'one caller, p50',
    'nobody watches',
    'with metrics',
    'with spans',
    'operations on disk',
    'resident memory',
  ])
    expect(named(part), part).toBeGreaterThan(0);
});
