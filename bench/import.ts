/**
 * Sections per second of an import, beside claims per second that are submitted in batches and durable:
 *
 *   node bench/import.ts
 *
 * A linear import has about the same rate in every row.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent } from '../actors/agent.ts';
import { importMarkdown } from '../interfaces/cli/import/import-markdown.ts';
import { BatteryNode } from '../node.ts';

const SECTIONS = [10_000, 20_000, 40_000];
const CLAIMS = 20_000;
const CLAIMS_PER_TRANSACTION = 250;
const TICK_MS = 10;

const base = mkdtempSync(join(tmpdir(), 'lb-bench-import-'));
try {
  await using node = await BatteryNode.openOrInit({ data: join(base, 'data') });
  for (const sections of SECTIONS) await importOf(node, sections);
  const group = await node.createGroup({ name: 'submitted' });
  const rate = await submit(group.as('node'));
  console.log(`submitted and durable: ${Math.round(rate)} claims/s`);
} finally {
  rmSync(base, { recursive: true, force: true });
}

async function importOf(node: BatteryNode, sections: number): Promise<void> {
  const group = await node.createGroup({ name: `imported ${sections}` });
  const file = join(base, `${sections}.md`);
  const texts = Array.from({ length: sections }, (_, at) => `## Part ${at}\n\nSome words about ${at}.\n`);
  writeFileSync(file, `# Title\n\n${texts.join('\n')}`);
  let stallMs = 0;
  let lastMs = performance.now();
  const clock = setInterval(() => {
    const nowMs = performance.now();
    stallMs = Math.max(stallMs, nowMs - lastMs - TICK_MS);
    lastMs = nowMs;
  }, TICK_MS);
  const { seconds } = await importMarkdown({
    group,
    agent: group.as('node'),
    data: node.data,
    paths: [file],
  });
  clearInterval(clock);
  const rate = Math.round(sections / seconds);
  console.log(`${sections} sections: ${rate}/s, longest stall ${Math.round(stallMs)} ms`);
}

async function submit(agent: Agent): Promise<number> {
  const startedMs = performance.now();
  let underWay: Promise<unknown>[] = [];
  for (let at = 0; at < CLAIMS; at += CLAIMS_PER_TRANSACTION) {
    const claims = Array.from({ length: CLAIMS_PER_TRANSACTION }, (_, more) =>
      agent.prepareClaim({ text: `Some words about ${at + more}.`, tags: ['bench'] }),
    );
    const operations = claims.flatMap((claim) => claim.operations);
    const artifacts = claims.flatMap((claim) => claim.artifacts);
    underWay.push(agent.submit(operations, artifacts));
    if (underWay.length < 4) continue;
    await Promise.all(underWay);
    underWay = [];
  }
  await Promise.all(underWay);
  return CLAIMS / ((performance.now() - startedMs) / 1000);
}
