/** docs/OBSERVABILITY.md against the program: every metric with its kind and labels, and the example runs. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { quietNetwork, temporaryFolder, watchedNode } from './support.ts';

const root = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/OBSERVABILITY.md', root), 'utf8');

test('the table of metrics is complete', async () => {
  const { observability } = await watchedNode({});
  const metrics = observability.metrics!;
  metrics.telemetry.networkStarted(quietNetwork);
  const text = await metrics.text();
  const real = Array.from(text.matchAll(/^# TYPE (lb_\w+) (\w+)$/gm), ([, name, kind]) => `${name} ${kind}`);
  const rows = page.matchAll(/^\| `(lb_\w+)`\s*\| (\w+)\s*\|/gm);
  const documented = Array.from(rows, ([, name, kind]) => `${name} ${kind}`);
  expect(documented.sort()).toEqual(real.sort());
});

test('the example runs', () => {
  const [, code] = /^```ts\n([\s\S]*?)^```$/m.exec(page)!;
  const file = join(temporaryFolder(), 'example.mts');
  const to = (path: string): string => `from ${JSON.stringify(new URL(path, root).href)}`;
  const example = code!
    .replace("from 'battery-node/observability'", to('interfaces/observability/index.ts'))
    .replace("from 'battery-node'", to('index.ts'));
  writeFileSync(file, example);
  const output = execFileSync(process.execPath, [file], { cwd: join(file, '..'), encoding: 'utf8' });
  expect(output).toContain('# TYPE lb_blocks_total counter');
  expect(output).toMatch(/^(ok|degraded)$/m);
});
