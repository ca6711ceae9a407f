/**
 * `npm run soak`: mixed load for ten minutes (`--minutes N`), and memory after forced collections.
 *
 * Callers publish, trade, take tasks and report presence; listeners follow the event stream; a reader asks. Memory
 * is sampled in the pauses, after a collection. It passes when the last third of the samples is no higher than the
 * middle third by more than a tenth, and when the audit of everything that was written finds nothing.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent } from '../actors/agent.ts';
import { RefusedError } from '../actors/errors.ts';
import type { Group } from '../actors/group.ts';
import { BatteryNode } from '../node.ts';
import { readArguments, refuseArguments } from './arguments.ts';

const CALLERS = 16;
const SAMPLES = 30;
const GROWTH_MAX = 1.1;

const HELP = `
npm run soak -- [flags]: mixed load, then memory after forced collections and an audit.

  --minutes N    how long (default: 10)
  --json         the samples as data
`;
const { values } = readArguments(HELP, {
  options: { minutes: { type: 'string', default: '10' }, json: { type: 'boolean', default: false } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) refuseArguments('--minutes must be a number above 0');
const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error('run this with: npm run soak (it needs --expose-gc)');

interface Sample {
  readonly atS: number;
  readonly operations: number;
  readonly heapMiB: number;
  readonly rssMiB: number;
  /** Resident without the pages of files, which are the database's and the system takes back at will; Linux only. */
  readonly anonymousMiB: number | undefined;
}

function anonymousMiB(): number | undefined {
  try {
    const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

/** One round of everything that an agent does. Others are at it too, so a refusal is part of the game. */
async function round(agent: Agent, buyer: Agent, number: number): Promise<number> {
  const name = `${agent.name}-${number}`;
  const { claim } = await agent.publishClaim({ text: `Claim ${name}.`, tags: ['soak'] });
  await agent.publishClaim({ text: `Reply to ${name}.`, parent: claim, evidence: [claim] });
  if (number % 5 === 0) await agent.retractClaim(claim, 'it was only a soak');
  await agent.createTask({ task: name, title: `Task ${name}`, leaseMs: 60_000 });
  await agent.takeTask(name);
  await agent.startTask(name);
  await (number % 3 === 0 ? agent.failTask(name, 'no luck') : agent.completeTask(name));
  await agent.setPresence(number % 2 === 0 ? 'busy' : 'idle', { number });
  await agent.transfer(buyer.publicKey, 3n);
  if (number % 10 !== 0) return 9;
  const content = new TextEncoder().encode(`Package ${name}`);
  const { offer } = await agent.createOffer({ title: `Offer ${name}`, content, price: 2n });
  const { purchase } = await buyer.purchase(offer);
  await agent.grant(purchase);
  await buyer.acceptPurchase(purchase);
  return 13;
}

/** Reads every event of the group to the end of the soak, and counts. */
async function listen(group: Group, signal: AbortSignal): Promise<number> {
  let count = 0;
  for await (const _ of group.events({ signal })) count++;
  return count;
}

async function caller(agents: readonly Agent[], at: number, until: Until): Promise<void> {
  for (let number = 0; !until.isOver; number++) {
    await until.gate;
    try {
      const done = await round(agents[at]!, agents[(at + 1) % agents.length]!, number);
      // Not in one: the sum would be read before the wait, and what others add meanwhile be lost.
      until.operations += done;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
    }
  }
}

/** What the callers look at: whether it is over, and whether they shall hold still. */
interface Until {
  isOver: boolean;
  gate: Promise<void>;
  operations: number;
}

async function sampleAll(until: Until, group: Group): Promise<Sample[]> {
  const samples: Sample[] = [];
  const startMs = performance.now();
  for (let number = 1; number <= SAMPLES; number++) {
    const dueMs = (minutes * 60_000 * number) / SAMPLES;
    while (performance.now() - startMs < dueMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      group.now.tasks({ status: 'in_progress' });
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    until.gate = promise;
    for (let pass = 0; pass < 2; pass++) {
      collect!();
      await new Promise((next) => setImmediate(next));
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    const sample = {
      atS: (performance.now() - startMs) / 1000,
      operations: until.operations,
      heapMiB: (heapUsed + external) / 2 ** 20,
      rssMiB: rss / 2 ** 20,
      anonymousMiB: anonymousMiB(),
    };
    samples.push(sample);
    if (!values.json)
      console.log(
        `${sample.atS.toFixed(0).padStart(5)} s  ${String(sample.operations).padStart(9)} operations  heap and buffers ${sample.heapMiB.toFixed(1).padStart(7)} MiB  resident ${sample.rssMiB.toFixed(0).padStart(5)} MiB, without files ${sample.anonymousMiB?.toFixed(0) ?? '?'} MiB`,
      );
    resolve();
  }
  return samples;
}

const mean = (samples: readonly Sample[]): number =>
  samples.reduce((sum, { heapMiB }) => sum + heapMiB, 0) / samples.length;

async function soak(node: BatteryNode): Promise<boolean> {
  const group = await node.createGroup({ name: 'soak', policy: { faucet_amount: 1_000_000n } });
  const agents: Agent[] = [];
  for (let at = 0; at < CALLERS; at++) {
    const { publicKey } = await node.createIdentity(`agent-${at}`);
    await group.as('node').addMember(publicKey, 'member');
    agents.push(group.as(`agent-${at}`));
  }
  const until: Until = { isOver: false, gate: Promise.resolve(), operations: 0 };
  const end = new AbortController();
  const listeners = [listen(group, end.signal), listen(group, end.signal)];
  const callers = agents.map((_, at) => caller(agents, at, until));
  const samples = await sampleAll(until, group);
  until.isOver = true;
  await Promise.all(callers);
  end.abort();
  const heard = await Promise.all(listeners);
  const third = Math.floor(SAMPLES / 3);
  const growth = mean(samples.slice(-third)) / mean(samples.slice(third, 2 * third));
  const { status, report } = await group.audit();
  const isFlat = growth <= GROWTH_MAX;
  const result = {
    minutes,
    operations: until.operations,
    heard,
    growth,
    isFlat,
    audit: status,
    blocks: report.blocks,
    samples,
  };
  if (values.json) console.log(JSON.stringify({ schema_version: 1, data: result }));
  else
    console.log(
      `\n${until.operations} operations; memory of the last third is ${(100 * growth).toFixed(1)} % of the middle one's: ${isFlat ? 'flat' : 'NOT FLAT'}; audit of ${report.blocks} blocks: ${status}`,
    );
  return isFlat && status === 'sound';
}

const dir = mkdtempSync(join(tmpdir(), 'lb-soak-'));
const node = await BatteryNode.openOrInit({ data: join(dir, 'node') });
try {
  process.exitCode = (await soak(node)) ? 0 : 1;
} finally {
  await node.close();
  rmSync(dir, { recursive: true, force: true });
}
