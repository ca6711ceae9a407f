/**
 * The heaviest blocks, given to a node in a process of its own that has the chain below them on disk: read, verified,
 * judged and flushed within the memory that a small machine has. What is compared is processor time, since the
 * machine that runs tests does other things as well.
 */
import { expect, test } from 'vitest';
import { type HeavyKind, heaviest } from '../../bench/heaviest/cases.ts';
import { followLast } from '../../bench/heaviest/follower.ts';
import { BLOCK_WEIGHT_MAX } from '../../events/limits.ts';

/** Fat tasks, sales with sixteen receivers, and proofs by a key of small order that only the slow verifier takes. */
const DEAR: readonly HeavyKind[] = ['task_progress', 'purchase_settle', 'invite_accept'];

test.each(DEAR)(
  '%s: the heaviest block is followed in little time and memory',
  async (kind) => {
    const { blocks, final } = heaviest(kind);
    expect(final.judged.weight).toBeGreaterThan(0.9 * BLOCK_WEIGHT_MAX);
    const run = await followLast(blocks);
    process.stderr.write(`${kind}: ${JSON.stringify(run)}\n`);
    expect(run.mostMiB).toBeLessThan(300);
    // Twice what is meant: caches are cold and shared here.
    expect(run.processorMs).toBeLessThan(2_000);
  },
  240_000,
);
