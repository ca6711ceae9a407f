/** Takes one more block into the group that it finds in its folder, as a follower does, and says what that took. */
import { readFileSync } from 'node:fs';
import { BatteryNode } from '../../node.ts';

export interface BlockRun {
  /** From the bytes to what is flushed to disk. */
  readonly ms: number;
  /** Processor time of the thread that judges: much the same on a busy machine. */
  readonly processorMs: number;
  /** That of all threads, those that check signatures among them. */
  readonly allThreadsMs: number;
  /** The most memory that was resident at any time, the node itself included; and before the block. */
  readonly mostMiB: number;
  readonly beforeMiB: number;
}

const mostMiB = (): number => process.resourceUsage().maxRSS / 2 ** 10;

async function take(data: string, file: string): Promise<BlockRun> {
  const block = readFileSync(file);
  await using node = await BatteryNode.open({ data });
  const [group] = node.groups();
  if (group === undefined) throw new Error('there is no group');
  const { height } = group.head;
  // Its chain is loaded, as in a node that is up.
  await group.follow([]);
  const beforeMiB = mostMiB();
  const processor = process.threadCpuUsage();
  const all = process.cpuUsage();
  const start = performance.now();
  const refusal = await group.follow([block]);
  const ms = performance.now() - start;
  const { user, system } = process.threadCpuUsage(processor);
  const used = process.cpuUsage(all);
  if (refusal !== undefined) throw new Error(refusal.code);
  if (group.head.height !== height + 1) throw new Error('the block is not on disk');
  return {
    ms,
    processorMs: (user + system) / 1_000,
    allThreadsMs: (used.user + used.system) / 1_000,
    mostMiB: mostMiB(),
    beforeMiB,
  };
}

const [data = '', file = ''] = process.argv.slice(2);
console.log(JSON.stringify(await take(data, file)));
