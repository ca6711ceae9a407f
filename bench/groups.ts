/**
 * Ten thousand groups in one node: how long it takes to open and list them, what they cost in memory when nobody uses
 * them and when all are loaded, and what an idle node with an open event stream takes of a core.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BatteryNode } from '../node.ts';
import type { GroupsRun } from './groups-child.ts';
import type { Row } from './row.ts';

const GROUPS = 10_000;
/** Groups that have a task with a deadline ahead. */
const DEADLINE_EVERY = 10;
/** Groups that are founded at the same time, and share flushes. */
const TOGETHER = 64;
const IDLE_SECONDS = 20;

export async function measureGroups(scale: number): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'lb-bench-'));
  const data = join(dir, 'node');
  const count = Math.ceil(GROUPS * scale);
  const seconds = Math.max(1, IDLE_SECONDS * scale);
  try {
    await fill(data, count);
    const child = fileURLToPath(new URL('./groups-child.ts', import.meta.url));
    const run = (): GroupsRun =>
      JSON.parse(
        execFileSync(process.execPath, ['--expose-gc', child, data, `${seconds}`], { encoding: 'utf8' }),
      );
    return rowsOf(count, run());
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function rowsOf(count: number, run: GroupsRun): Row[] {
  const groups = `${count.toLocaleString('en-US')} groups`;
  const mebibytes = (bytes: number): number => bytes / 2 ** 20;
  return [
    { what: `open a node with ${groups} and list them`, value: run.openMs, unit: 'ms', bar: '≤ 2,000' },
    { what: '  name, status and head of each', value: run.infoMs, unit: 'ms' },
    { what: '  resident memory, idle', value: mebibytes(run.idleBytes), unit: 'MiB', bar: '≤ 500' },
    {
      what: '  of a core, idle, with an open event stream',
      value: run.idleShare * 100,
      unit: '%',
      bar: '< 1',
    },
    { what: '  resident memory, all chains loaded', value: mebibytes(run.loadedBytes), unit: 'MiB' },
  ];
}

async function fill(data: string, count: number): Promise<void> {
  const node = await BatteryNode.openOrInit({ data, durability: 'commit' });
  try {
    for (let done = 0; done < count; done += TOGETHER) {
      const now = Array.from({ length: Math.min(TOGETHER, count - done) }, (_, at) => done + at);
      await Promise.all(
        now.map(async (number) => {
          const group = await node.createGroup({ name: `group-${number}` });
          if (number % DEADLINE_EVERY > 0) return;
          const dueMs = Date.now() + 3_600_000;
          await group.as('node').createTask({ task: 'task', title: 'Some day', dueMs });
        }),
      );
    }
  } finally {
    await node.close();
  }
}
