/** The benchmark, with little work: it must not rot. Nothing here looks at how fast anything is. */
import { execFileSync, spawnSync } from 'node:child_process';
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
    'resident memory after opening',
    'groups and list them',
    'resident memory, idle',
    'of a core, idle',
    'compile_context over',
    'of task_progress',
    'of purchase_settle',
    'MB in one file',
    'MB in many files',
    'views and model behind',
    'MCP reads, 50 clients, all they can: p50',
    'MCP durable writes, 50 clients, all they can: p50',
  ])
    expect(named(part), part).toBeGreaterThan(0);
}, 240_000);

test('the soak measures memory and ends with a clean audit', () => {
  const soak = new URL('../../bench/soak.ts', import.meta.url).pathname;
  const run = spawnSync(process.execPath, ['--expose-gc', soak, '--minutes', '0.05', '--json'], {
    encoding: 'utf8',
  });
  const { data } = JSON.parse(run.stdout) as {
    data: { audit: string; operations: number; heard: number[]; samples: { heapMiB: number }[] };
  };
  // Whether memory is flat shows after minutes; here caches are still filling.
  expect(data.audit).toBe('sound');
  expect(data.operations).toBeGreaterThan(0);
  expect(data.heard.every((count) => count > data.operations)).toBe(true);
  expect(data.samples.every(({ heapMiB }) => heapMiB > 0)).toBe(true);
});
