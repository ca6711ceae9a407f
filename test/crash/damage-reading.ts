/** All that a node can be asked about a group, as text; and whether it seals. For the tests of damage. */
import { createHash } from 'node:crypto';
import type { Group } from '../../actors/group.ts';
import type { BatteryNode } from '../../node.ts';

/** What was asked, and a hash of the answer; or the code of the error in its place. */
export type Reading = Record<string, string>;

const digest = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one)))
    .digest('hex');

/** LMDB's word for a read transaction in which another read met damage. Reads of the next turn have a new one. */
const MDB_BAD_TXN = -30_782;
const TURNS_MAX = 3;

async function attempt(use: () => unknown, turns = TURNS_MAX): Promise<string> {
  try {
    return digest(await use());
  } catch (error) {
    const isOfAnother = (error as { errno?: number }).errno === MDB_BAD_TXN;
    if (isOfAnother && turns > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      return attempt(use, turns - 1);
    }
    return `error ${(error as { code?: string }).code ?? (error as Error).stack}`;
  }
}

async function eventsOf(group: Group): Promise<unknown[]> {
  const events: unknown[] = [];
  for await (const event of group.events({ untilHead: true })) events.push(event);
  return events;
}

/** Everything that is read of a group, each by itself. */
async function readGroup(group: Group): Promise<Reading> {
  return {
    head: await attempt(() => group.head),
    blocks: await attempt(() =>
      Array.from({ length: group.head.height + 1 }, (_, height) => group.block(height)),
    ),
    events: await attempt(() => eventsOf(group)),
    tasks: await attempt(() => group.now.tasks()),
    open: await attempt(() => group.now.tasks({ status: 'open' })),
    members: await attempt(() => group.now.members()),
    money: await attempt(() => {
      const { balances, escrows, ...rest } = group.now.money();
      return { ...rest, balances: [...balances], escrows: [...escrows] };
    }),
    claims: await attempt(() => [...group.now.claims()]),
    texts: await attempt(() => [...group.now.claims()].map(({ claim }) => group.claimContent(claim))),
    each: await attempt(() => [...group.now.claimIds()].map((claim) => group.now.claim(claim))),
    // Things that are not there, all over the tables.
    absent: await attempt(() =>
      Array.from({ length: 200 }, (_, n) => {
        const id = createHash('sha256').update(`${n}`).digest('hex');
        return [group.now.task(`none ${n}`), group.now.claim(id), group.now.balance(id)];
      }),
    ),
  };
}

/** A reading of every group by its id, and of the wallet; `groups` where not even those can be listed. */
export async function readNode(node: BatteryNode, ids: readonly string[]): Promise<Record<string, Reading>> {
  const readings: Record<string, Reading> = {};
  for (const id of ids) {
    try {
      readings[id] = await readGroup(node.group(id));
    } catch (error) {
      readings[id] = { group: `error ${(error as { code?: string }).code ?? (error as Error).stack}` };
    }
  }
  return readings;
}

/** Whether a group takes a claim: the code of what it says. */
export async function trySealing(node: BatteryNode, id: string): Promise<string> {
  try {
    await node.group(id).as('node').publishClaim({ text: 'one more' });
    return 'sealed';
  } catch (error) {
    return `error ${(error as { code?: string }).code ?? (error as Error).stack}`;
  }
}
