/**
 * Imports what it is given into a new group, and says how long that took and what it took of the processor and of
 * memory. The process starts for this alone, so that its peaks are the import's.
 */
import { readFileSync } from 'node:fs';
import { type ImportSummary, importMarkdown } from '../interfaces/cli/import/import-markdown.ts';
import { BatteryNode } from '../node.ts';

export interface ImportRun {
  readonly sections: number;
  readonly seconds: number;
  readonly processorSeconds: number;
  /** The longest time that the node's own thread gave nobody else a turn. */
  readonly stallMs: number;
  /** Memory of the process at most, without pages of files, which the system takes back as it likes. */
  readonly ownBytes: number;
  readonly heapBytes: number;
}

const TICK_MS = 10;

/** Memory that is nobody's but the process's; where the system does not say it, all that is resident. */
function ownBytes(): number {
  try {
    const kibibytes = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kibibytes !== undefined) return Number(kibibytes) * 1_024;
  } catch {
    // Not Linux.
  }
  return process.memoryUsage.rss();
}

const [data, path] = process.argv.slice(2) as [string, string];
await using node = await BatteryNode.openOrInit({ data });
const group = await node.createGroup({ name: 'imported' });
const most = { stallMs: 0, ownBytes: 0, heapBytes: 0 };
let lastMs = performance.now();
const clock = setInterval(() => {
  const nowMs = performance.now();
  most.stallMs = Math.max(most.stallMs, nowMs - lastMs - TICK_MS);
  most.ownBytes = Math.max(most.ownBytes, ownBytes());
  most.heapBytes = Math.max(most.heapBytes, process.memoryUsage().heapUsed);
  lastMs = performance.now();
}, TICK_MS);
const before = process.cpuUsage();
const summary: ImportSummary = await importMarkdown({
  group,
  agent: group.as('node'),
  data: node.data,
  paths: [path],
});
const { user, system } = process.cpuUsage(before);
clearInterval(clock);
const { sections, seconds } = summary;
const run: ImportRun = { sections, seconds, processorSeconds: (user + system) / 1e6, ...most };
console.log(JSON.stringify(run));
