/** Takes one more block into the group that it finds in its folder, as a follower does, and says what that took. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CENSUS_DELAY_MS } from '../../actors/tasks/task-boards.ts';
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

/**
 * Until what a node does when it has just been opened is done, such as reading deadlines: its thread waits for events
 * for most of a while. On a busy machine it may get no time, but then it does not wait either.
 */
async function rest(): Promise<void> {
  for (let utilization = 1; utilization > AT_REST; ) {
    const before = performance.eventLoopUtilization();
    await delay(LOOK_MS);
    ({ utilization } = performance.eventLoopUtilization(before));
  }
}

/** Longer than a node waits before it looks at all its groups. */
const LOOK_MS = 2 * CENSUS_DELAY_MS;
const AT_REST = 0.1;

const mostMiB = (): number => process.resourceUsage().maxRSS / 2 ** 10;

async function take(data: string, file: string): Promise<BlockRun> {
  const block = readFileSync(file);
  await using node = await BatteryNode.open({ data });
  const [group] = node.groups();
  if (group === undefined) throw new Error('there is no group');
  const { height } = group.head;
  // Its chain is loaded, as in a node that is up.
  await group.follow([]);
  await rest();
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
