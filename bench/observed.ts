/**
 * What it costs to be watched: the same submissions on nodes that differ in their telemetry alone.
 *
 * The nodes take turns in short rounds, and the figure is the median of the ratios within a round, since a machine
 * that others use changes from second to second. The disk would hide what is asked for here, so nothing waits for
 * it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noTelemetry, type Telemetry } from '../actors/telemetry.ts';
import { createMetrics } from '../interfaces/observability/metrics.ts';
import { submissionTracer } from '../interfaces/observability/tracing.ts';
import { BatteryNode } from '../node.ts';
import { median } from './quantile.ts';
import type { Row } from './row.ts';
import { prepare, submitAll } from './submit.ts';
import { Mix } from './workload.ts';

const ROUNDS = 15;

interface Watched {
  readonly what: string;
  readonly telemetry?: Telemetry;
}

export async function measureObserved(scale: number): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'lb-bench-'));
  const traceSubmission = submissionTracer();
  const kinds: readonly Watched[] = [
    { what: 'submit to receipt, nobody watches' },
    { what: '  the same again: the noise' },
    { what: '  with metrics', telemetry: { ...noTelemetry, ...createMetrics({ groupsMax: 100 }).telemetry } },
    { what: '  with spans, and no SDK to take them', telemetry: { ...noTelemetry, traceSubmission } },
  ];
  const nodes: BatteryNode[] = [];
  try {
    const runs = [];
    for (const [at, { telemetry }] of kinds.entries()) {
      const options = { data: join(dir, `node-${at}`), durability: 'commit' as const };
      const node = await BatteryNode.openOrInit(
        telemetry === undefined ? options : { ...options, telemetry },
      );
      nodes.push(node);
      const { group, agents } = await prepare(node);
      const mix = new Mix(
        agents.map(({ publicKey }) => publicKey),
        'transfers',
      );
      runs.push((count: number) => submitAll(group, agents, mix, count));
    }
    const rates = await takeTurns(runs, Math.ceil(6_000 * scale));
    const first = rates[0]!;
    return kinds.map(({ what }, at): Row => {
      const row = { what, value: median(rates[at]!), unit: 'tx/s' };
      const share = median(rates[at]!.map((rate, round) => rate / first[round]!));
      return at === 0 ? row : { ...row, against: { what: 'the first', share } };
    });
  } finally {
    for (const node of nodes) await node.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Rates per second, by node and round. One round before is not counted, and each begins with another node. */
async function takeTurns(
  runs: readonly ((count: number) => Promise<{ perSecond: number }>)[],
  count: number,
): Promise<number[][]> {
  for (const run of runs) await run(count);
  const rates = runs.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++)
    for (let turn = 0; turn < runs.length; turn++) {
      const at = (turn + round) % runs.length;
      rates[at]!.push((await runs[at]!(count)).perSecond);
    }
  return rates;
}
