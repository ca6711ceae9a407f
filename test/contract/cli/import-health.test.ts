/** A node that imports is a node that answers: monitors, and whoever asks it anything else. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { freePort } from '../../support/loopback.ts';
import { runVerb, startNode, stopNode, type UpNode } from '../../support/owner.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-import-health-'));
const data = join(base, 'node');
const docs = join(base, 'docs');
const nodes: UpNode[] = [];
afterAll(async () => {
  for (const node of nodes) await stopNode(node);
  rmSync(base, { recursive: true, force: true });
});

const SECTIONS = 20_000;
/** So many answers between the beginning and the end of an import, however fast both are. */
const ANSWERS_MIN = 10;

const lb = (...args: string[]) =>
  runVerb([...args, '--json'], data, { isForwarding: true, isServedOnly: true });

it('/health and reading verbs answer all through an import', async () => {
  mkdirSync(docs);
  const sections = Array.from({ length: SECTIONS }, (_, at) => `## Part ${at}\n\nSome words about ${at}.\n`);
  writeFileSync(join(docs, 'big.md'), `# Big\n\nx\n\n${sections.join('\n')}`);
  const port = await freePort();
  await runVerb(['init'], data, { isForwarding: false });
  await runVerb(['create-group', '--name', 'library'], data, { isForwarding: false });
  nodes.push(await startNode(data, {}, ['--metrics-port', String(port)]));

  let isDone = false;
  const startedMs = performance.now();
  const importing = lb('import', docs).finally(() => {
    isDone = true;
  });
  const healthMs: number[] = [];
  const readMs: number[] = [];
  while (!isDone) {
    const askedMs = performance.now();
    const { ok } = await fetch(`http://127.0.0.1:${port}/health`);
    const heardMs = performance.now();
    const read = await lb('group-info');
    if (isDone) break;
    expect([ok, read.code]).toEqual([true, 0]);
    healthMs.push(heardMs - askedMs);
    readMs.push(performance.now() - heardMs);
  }
  const { code, stdout } = await importing;
  const tookMs = performance.now() - startedMs;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ data: { claims: SECTIONS + 1 } });
  const [health, read] = [healthMs, readMs].map((all) => all.sort((a, b) => a - b));
  const p99 = (all: number[]): string => `${all[Math.floor(0.99 * (all.length - 1))]!.toFixed(0)} ms`;
  console.log(
    `${health!.length} answers in ${tookMs.toFixed(0)} ms; p99: /health ${p99(health!)}, group-info ${p99(read!)}`,
  );
  expect(health!.length).toBeGreaterThan(ANSWERS_MIN);
  // Nobody waits for a part of the import that anybody would notice.
  expect(health!.at(-1)).toBeLessThan(tookMs / 5);
}, 240_000);
