/**
 * The heaviest blocks, each given to a node in a process of its own that has the chain below it on disk: read, verified,
 * judged and flushed within a second and the memory that a small machine has. What is compared is processor time of
 * the thread that judges, since the machine that runs tests does other things as well.
 */
import { expect, test } from 'vitest';
import { type HeavyKind, heaviest } from '../../bench/heaviest/cases.ts';
import { followLast } from '../../bench/heaviest/follower.ts';
import { mixedSigner } from '../../bench/heaviest/mixed-signer.ts';
import { zip215Tier } from '../../crypto/verify.ts';
import { fromHex, utf8 } from '../../events/bytes.ts';
import { BLOCK_WEIGHT_MAX, TRANSACTIONS_PER_BLOCK_MAX } from '../../events/limits.ts';

const THREAD_MS_MAX = 1_000;
const MEMORY_MIB_MAX = 300;
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
  // On the same busy machine: a fraction of what the reference alone would take, the start of all threads included.
  expect(run.allThreadsMs).toBeLessThan(0.6 * TRANSACTIONS_PER_BLOCK_MAX * referenceMs());
}, 240_000);

/** Processor time of one check by the reference. */
function referenceMs(): number {
  const signer = mixedSigner('measured');
  const message = utf8('what is signed');
  const signature = signer.sign(new Uint8Array(0), message);
  const key = fromHex(signer.publicKey);
  const checks = 200;
  const before = process.threadCpuUsage();
  for (let n = 0; n < checks; n++) expect(zip215Tier(key, message, signature)).toBe(true);
  return process.threadCpuUsage(before).user / 1_000 / checks;
}
