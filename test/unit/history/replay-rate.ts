/**
 * How fast a history is replayed, over the workload of the benchmarks:
 *
 *     node test/unit/history/replay-rate.ts [transactions] [operations per transaction]
 *
 * One line per round, by the wall clock and by this thread's own time (which other processes do not disturb); the
 * first round warms the compiler up.
 */
import { replay } from '../../../actors/history/replay.ts';
import { buildWorkload } from '../../../bench/workload.ts';
import { sourceOfBlocks } from './source-of-blocks.ts';

/** Operations a second of each round. */
export async function replayRates(transactions: number, operationsPerTransaction: number, rounds: number) {
  const transactionsPerBlock = Math.max(1, Math.round(4_096 / (operationsPerTransaction + 3)));
  const { groupId, blocks } = buildWorkload({ transactions, operationsPerTransaction, transactionsPerBlock });
  const rates: { operations: number; perSecond: number; perOwnSecond: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.threadCpuUsage();
    const result = await replay(sourceOfBlocks(groupId, blocks));
    const { user, system } = process.threadCpuUsage(before);
    if (result.status !== 'ok') throw new Error(result.refusal.code);
    const { operations, seconds } = result;
    const perOwnSecond = operations / ((user + system) / 1e6);
    rates.push({ operations, perSecond: operations / seconds, perOwnSecond });
  }
  return rates;
}

if (import.meta.main) {
  const [transactions = 8_000, operationsPerTransaction = 64] = process.argv.slice(2).map(Number);
  for (const rate of await replayRates(transactions, operationsPerTransaction, 5)) {
    const [wall, own] = [rate.perSecond, rate.perOwnSecond].map((one) =>
      Math.round(one).toLocaleString('en'),
    );
    console.log(`${rate.operations} operations: ${wall}/s (own time ${own}/s)`);
  }
}
