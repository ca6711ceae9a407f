/**
 * Row 4: from `submit` to a receipt that is on disk, with 64 callers at once and with one alone.
 *
 * Two mixes, because they cost differently: transfers, which are transactions and nothing else, and
 * the mix of the other rows, where three of eight transactions are claims that come with their texts. A text is
 * hashed, read, checked against its claim, and kept under two more keys.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent } from '../actors/agent.ts';
import type { Group } from '../actors/group.ts';
import { BatteryNode } from '../node.ts';
import { median, quantile } from './quantile.ts';
import type { Row } from './row.ts';
import { benchGenesis, Mix } from './workload.ts';

const CALLERS = 64;

export async function measureSubmit(scale: number): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'lb-bench-'));
  const data = join(dir, 'node');
  const node = await BatteryNode.openOrInit({ data });
  try {
    const { group, agents } = await prepare(node);
    const members = agents.map(({ publicKey }) => publicKey);
    const mixed = new Mix(members);
    const plain = new Mix(members, 'transfers');
    await submitAll(group, agents, mixed, Math.ceil(4_000 * scale));
    const together = await submitAll(group, agents, plain, Math.ceil(100_000 * scale));
    const withTexts = await submitAll(group, agents, mixed, Math.ceil(60_000 * scale));
    const alone = await submitAlone(agents[0]!, group, Math.ceil(2_000 * scale) + 20);
    return [
      {
        what: `durable submit to receipt, ${CALLERS} callers, transfers`,
        value: together.perSecond,
        unit: 'tx/s',
        bar: '20,000',
      },
      { what: '  the same, 3 of 8 are claims with texts', value: withTexts.perSecond, unit: 'tx/s' },
      { what: `  transactions per block with ${CALLERS} callers`, value: together.perBlock, unit: '' },
      { what: 'durable submit to receipt, one caller, p50', value: alone.p50, unit: 'ms', bar: '≤ 3' },
      { what: 'durable submit to receipt, one caller, p99', value: alone.p99, unit: 'ms' },
    ];
  } finally {
    await node.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A group with many members. */
export async function prepare(node: BatteryNode): Promise<{ group: Group; agents: Agent[] }> {
  const group = await node.createGroup({ name: 'bench', policy: benchGenesis.policy });
  const founder = group.as('node');
  const agents: Agent[] = [];
  for (let at = 0; at < CALLERS; at++) {
    const { publicKey } = await node.createIdentity(`agent-${at}`);
    agents.push(group.as(`agent-${at}`));
    await founder.addMember(publicKey, 'member');
  }
  return { group, agents };
}

/** Every caller submits its next transaction when it has the receipt of its last. */
export async function submitAll(group: Group, agents: readonly Agent[], mix: Mix, total: number) {
  const heightBefore = group.head.height;
  let left = total;
  const start = performance.now();
  await Promise.all(
    agents.map(async (agent) => {
      while (left-- > 0) {
        const next = mix.next(agent.publicKey, 1)[0]!;
        const { operations, artifacts } =
          next.type === 'claim' ? newClaim(agent) : { operations: [next], artifacts: [] };
        const outcome = await agent.submit(operations, artifacts);
        if (outcome.status === 'refused') throw new Error(outcome.refusal.code);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  return { perSecond: total / seconds, perBlock: total / (group.head.height - heightBefore) };
}

let claims = 0;
/** The mix repeats its claims from run to run and has no texts; here every one is new and comes with its artifact. */
const newClaim = (agent: Agent) =>
  agent.prepareClaim({ text: `Claim ${++claims} of the benchmark.`, tags: ['bench'] });

async function submitAlone(agent: Agent, group: Group, count: number): Promise<{ p50: number; p99: number }> {
  const to = group.now.sealers()[0]!;
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const start = performance.now();
    await agent.transfer(to, 1n);
    times.push(performance.now() - start);
  }
  return { p50: median(times), p99: quantile(times, 0.99) };
}
