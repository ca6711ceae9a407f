/** Opens the node in the folder it is given, looks at its groups, idles, and says what that took. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BatteryNode } from '../node.ts';

export interface GroupsRun {
  readonly openMs: number;
  readonly infoMs: number;
  readonly idleBytes: number;
  /** Processor time over time, while nothing happened. */
  readonly idleShare: number;
  readonly loadedBytes: number;
}

/** How long after opening the node is idle: the task boards have been filled by then. */
const SETTLE_MS = 3_000;

function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

const start = performance.now();
const node = await BatteryNode.open({ data: process.argv[2]! });
const groups = node.groups();
const openMs = performance.now() - start;
for (const group of groups) group.info();
const infoMs = performance.now() - start - openMs;

const stop = new AbortController();
const events = node.watch({ signal: stop.signal });
const log = groups[0]!.events({ signal: stop.signal });
const watching = Promise.all([
  (async () => {
    for await (const _ of events);
  })(),
  (async () => {
    for await (const _ of log);
  })(),
]);
await sleep(SETTLE_MS);
const idleBytes = residentBytes();
const before = process.cpuUsage();
const idleStart = performance.now();
await sleep(Number(process.argv[3]) * 1_000);
const { user, system } = process.cpuUsage(before);
const idleShare = (user + system) / 1_000 / (performance.now() - idleStart);
stop.abort();
await watching;

for (const group of groups) group.as('node');
await sleep(SETTLE_MS);
const loadedBytes = residentBytes();
await node.close();
console.log(JSON.stringify({ openMs, infoMs, idleBytes, idleShare, loadedBytes } satisfies GroupsRun));
