/**
 * Rows: the heaviest blocks that the limits allow, one of each kind of operation, and one of
 * signatures that only the definition accepts. Each is given to a node in a process
 * of its own, which has the chain below it on disk: read, verified, judged and flushed.
 */
import { BLOCK_WEIGHT_MAX } from '../events/limits.ts';
import { CASES, type HeavyKind, heaviest } from './heaviest/cases.ts';
import { followLast } from './heaviest/follower.ts';
import type { Row } from './row.ts';

/** What is measured with little work: a node takes a second to start, whatever it is given. */
const FEW: readonly HeavyKind[] = ['task_progress', 'purchase_settle', 'invite_accept'];

export async function measureHeaviest(scale: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of scale < 1 ? FEW : (Object.keys(CASES) as HeavyKind[])) {
    const { blocks, final } = heaviest(kind, scale);
    const { weight, operationCount } = final.judged;
    const { ms, processorMs, allThreadsMs, mostMiB } = await followLast(blocks);
    rows.push(
      {
        what: `heaviest block, ${operationCount.toLocaleString('en-US')} of ${kind}`,
        value: ms,
        unit: 'ms',
        against: { what: 'the weight of a block', share: weight / BLOCK_WEIGHT_MAX },
        bar: '≤ 1,000',
      },
      { what: '  processor time of the thread that judges', value: processorMs, unit: 'ms' },
      { what: '  processor time of all threads', value: allThreadsMs, unit: 'ms' },
      { what: '  resident memory at most, the node included', value: mostMiB, unit: 'MiB', bar: '≤ 300' },
    );
  }
  return rows;
}
