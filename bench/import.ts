/**
 * Rows: sections per second of an import, and what it takes of memory, for little and for ten times as much, in one
 * file and in many. Beside it stand claims that are submitted in batches and are durable: what an import cannot
 * exceed.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Agent } from '../actors/agent.ts';
import { BatteryNode } from '../node.ts';
import type { ImportRun } from './import-child.ts';
import type { Row } from './row.ts';

const CLAIMS = 20_000;
const CLAIMS_PER_TRANSACTION = 250;
const LITTLE_BYTES = 10_000_000;
const MUCH_BYTES = 100_000_000;
/** With a heading, about half a page. */
const SECTION_BYTES = 1_000;
const SECTIONS_PER_FILE = 20;
const WORDS = 'A section says what it has to say in some words, and then it ends. ';

export async function measureImport(scale: number): Promise<Row[]> {
  const base = mkdtempSync(join(tmpdir(), 'lb-bench-'));
  try {
    const submitted = await measureSubmitted(base, Math.ceil(CLAIMS * scale));
    const rows: Row[] = [{ what: 'claims submitted in batches, durable', value: submitted.rate, unit: '/s' }];
    for (const kind of ['one file', 'many files'] as const)
      for (const bytes of [LITTLE_BYTES * scale, MUCH_BYTES * scale])
        rows.push(...rowsOf(kind, bytes, base, submitted));
    return rows;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

interface Submitted {
  readonly rate: number;
  readonly processorSeconds: number;
}

function rowsOf(kind: 'one file' | 'many files', bytes: number, base: string, submitted: Submitted): Row[] {
  const place = mkdtempSync(join(base, 'run-'));
  const path = join(place, 'docs');
  mkdirSync(path);
  write(
    path,
    Math.ceil(bytes / SECTION_BYTES),
    kind === 'one file' ? Number.POSITIVE_INFINITY : SECTIONS_PER_FILE,
  );
  const child = fileURLToPath(new URL('./import-child.ts', import.meta.url));
  const output = execFileSync(process.execPath, [child, join(place, 'data'), path], { encoding: 'utf8' });
  const { sections, seconds, processorSeconds, stallMs, ownBytes, heapBytes } = JSON.parse(
    output,
  ) as ImportRun;
  const mebibytes = (size: number): number => size / 2 ** 20;
  const rate = sections / seconds;
  rmSync(place, { recursive: true });
  return [
    {
      what: `sections imported, ${Math.round(bytes / 1e4) / 100} MB in ${kind}`,
      value: rate,
      unit: '/s',
      against: { what: 'claims submitted', share: rate / submitted.rate },
      bar: '≥ 5,000',
    },
    {
      what: '  processor time for 1,000 of them, all threads',
      value: (1e6 * processorSeconds) / sections,
      unit: 'ms',
      against: { what: 'claims submitted', share: processorSeconds / sections / submitted.processorSeconds },
    },
    { what: '  longest stall of the node', value: stallMs, unit: 'ms' },
    { what: '  memory of its own at most, the node included', value: mebibytes(ownBytes), unit: 'MiB' },
    { what: '  of that, JavaScript of the main thread', value: mebibytes(heapBytes), unit: 'MiB' },
  ];
}

function write(folder: string, sections: number, perFile: number): void {
  let path = '';
  let text = '';
  const flush = (): void => {
    if (text !== '') appendFileSync(path, text);
    text = '';
  };
  for (let at = 0; at < sections; at++) {
    if (at === 0 || at % perFile === 0) {
      flush();
      path = join(folder, `${at}.md`);
      writeFileSync(path, `# Document ${at}\n\n`);
    }
    const words = WORDS.repeat(Math.floor((SECTION_BYTES - 40) / WORDS.length));
    text += `## Part ${at}\n\n${words}${at}\n\n`;
    if (text.length > 1_000_000) flush();
  }
  flush();
}

async function measureSubmitted(base: string, count: number): Promise<Submitted> {
  await using node = await BatteryNode.openOrInit({ data: join(base, 'submitted') });
  const group = await node.createGroup({ name: 'submitted' });
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await submit(group.as('node'), count);
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedMs) / 1_000;
  return { rate: count / seconds, processorSeconds: (user + system) / 1e6 / count };
}

async function submit(agent: Agent, count: number): Promise<void> {
  let underWay: Promise<unknown>[] = [];
  for (let at = 0; at < count; at += CLAIMS_PER_TRANSACTION) {
    const claims = Array.from({ length: Math.min(CLAIMS_PER_TRANSACTION, count - at) }, (_, more) =>
      agent.prepareClaim({ text: `${WORDS.repeat(14)}${at + more}`, tags: ['bench'] }),
    );
    const operations = claims.flatMap((claim) => claim.operations);
    const artifacts = claims.flatMap((claim) => claim.artifacts);
    underWay.push(agent.submit(operations, artifacts));
    if (underWay.length < 4) continue;
    await Promise.all(underWay);
    underWay = [];
  }
  await Promise.all(underWay);
}
