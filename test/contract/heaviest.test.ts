/**
 * The heaviest blocks, each given to a node in a process of its own that has the chain below it on disk: read, verified,
 * judged and flushed within a second and the memory that a small machine has. What is compared is processor time of
 * the thread that judges, since the machine that runs tests does other things as well.
 */
import { expect, test } from 'vitest';
import { type HeavyKind, heaviest } from '../../bench/heaviest/cases.ts';
import { followLast } from '../../bench/heaviest/follower.ts';
import { BLOCK_WEIGHT_MAX, TRANSACTIONS_PER_BLOCK_MAX } from '../../events/limits.ts';

const THREAD_MS_MAX = 1_000;
const MEMORY_MIB_MAX = 300;
/** All threads together, where signatures are checked that the fast verification refuses: 0.25 ms for each. */
const SIGNATURES_MS_MAX = 3_000;

/**
 * One of each way to be dear: fat tasks, tasks that return by themselves, claims that cite many, sales with sixteen receivers,
 * disputes, proofs by a key of small order. `npm run bench -- --only heaviest` has all kinds.
 */
const DEAR: readonly HeavyKind[] = [
  'task_progress',
  'member_remove',
  'claim',
  'purchase_settle',
  'purchase_dispute',
  'invite_accept',
];

test.each(DEAR)(
  '%s: the heaviest block is followed in little time and memory',
  async (kind) => {
    const { blocks, final } = heaviest(kind);
    expect(final.judged.weight).toBeGreaterThan(0.9 * BLOCK_WEIGHT_MAX);
    const run = await followLast(blocks);
    process.stderr.write(`${kind}: ${JSON.stringify(run)}\n`);
    expect(run.mostMiB).toBeLessThan(MEMORY_MIB_MAX);
    expect(run.processorMs).toBeLessThan(THREAD_MS_MAX);
  },
  240_000,
);

test('a block full of signatures that only the definition accepts is followed in little time', async () => {
  const { blocks, final } = heaviest('signatures');
  expect(final.judged.accepted).toHaveLength(TRANSACTIONS_PER_BLOCK_MAX);
  const run = await followLast(blocks);
  process.stderr.write(`signatures: ${JSON.stringify(run)}\n`);
  expect(run.mostMiB).toBeLessThan(MEMORY_MIB_MAX);
  expect(run.processorMs).toBeLessThan(THREAD_MS_MAX);
  expect(run.allThreadsMs).toBeLessThan(SIGNATURES_MS_MAX);
}, 240_000);
