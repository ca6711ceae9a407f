/**
 * The stage of the demo: a node, a group, and three agents in it that each hold a key of their own. Everything is
 * looked for before it is made, so that a run finds what an earlier one left, whenever that one ended.
 */
import type { Agent } from '../../../actors/agent.ts';
import type { Group } from '../../../actors/group.ts';
import type { BatteryNode } from '../../../node.ts';
import { shortId } from '../text.ts';
import type { AgentName, Narrator } from './narrator.ts';

export const AGENTS: readonly AgentName[] = ['architect', 'developer', 'reviewer'];
const GROUP_NAME = 'workshop';
const CURRENCY = 'WT';

export interface Workshop {
  readonly group: Group;
  readonly agents: Readonly<Record<AgentName, Agent>>;
  readonly narrator: Narrator;
}

/** The workshop on this node: found, or made; with everybody in it. */
export async function openWorkshop(node: BatteryNode, narrator: Narrator): Promise<Workshop> {
  for (const name of AGENTS) await ensureIdentity(node, narrator, name);
  const group = findGroup(node) ?? (await foundGroup(node, narrator));
  const { name, head } = group.info();
  narrator.tells(`group ${name} ${shortId(group.groupId)}, at block ${head.height}`);
  const agents = {
    architect: group.as('architect'),
    developer: group.as('developer'),
    reviewer: group.as('reviewer'),
  };
  const workshop = { group, agents, narrator };
  for (const agent of AGENTS) await ensureMember(workshop, agent);
  return workshop;
}

async function ensureIdentity(node: BatteryNode, narrator: Narrator, name: AgentName): Promise<void> {
  const there = node.identities().find((identity) => identity.name === name);
  const { publicKey } = there ?? (await node.createIdentity(name));
  narrator.does(name, `${there === undefined ? 'makes a key' : 'holds the key'} ${shortId(publicKey)}`);
}

function findGroup(node: BatteryNode): Group | undefined {
  const founder = node.identity('architect').publicKey;
  return node.groups().find(({ now }) => now.group().name === GROUP_NAME && now.group().creator === founder);
}

async function foundGroup(node: BatteryNode, narrator: Narrator): Promise<Group> {
  const policy = { faucet_amount: 500n, claim_reward_amount: 2n, transfer_fee_bps: 200 };
  const group = await node.createGroup({ name: GROUP_NAME, currency: CURRENCY, policy, as: 'architect' });
  narrator.does(
    'architect',
    `founds the group: ${policy.faucet_amount} ${CURRENCY} for whoever joins, ${policy.claim_reward_amount} for a claim, a fee of 2 % on transfers`,
  );
  return group;
}

async function ensureMember({ group, agents, narrator }: Workshop, name: AgentName): Promise<void> {
  const { publicKey } = agents[name];
  if (group.now.roleOf(publicKey) === undefined) {
    await agents.architect.addMember(publicKey, 'member');
    narrator.does('architect', `adds the ${name} as a member`);
  }
  if (group.now.nameOf(publicKey) !== name) await agents[name].setProfile(name);
}

/** What an agent reports about itself. Nothing happens where that is known already. */
export async function report(
  { group, agents, narrator }: Workshop,
  name: AgentName,
  status: 'active' | 'busy' | 'idle',
  doing: string,
): Promise<void> {
  const metadata = { doing };
  const known = group.now.presence().find(({ member }) => member === agents[name].publicKey);
  if (known?.status === status && known.metadata === JSON.stringify(metadata)) return;
  await agents[name].setPresence(status, metadata);
  narrator.does(name, `is ${status}: ${doing}`);
}

/** Lets the architect, who may, make what somebody lacks to pay `amount`. */
export async function ensureBudget(
  { group, agents, narrator }: Workshop,
  name: AgentName,
  amount: bigint,
): Promise<void> {
  const missing = amount - group.now.balance(agents[name].publicKey);
  if (missing <= 0n) return;
  await agents.architect.mint(agents[name].publicKey, missing);
  narrator.does('architect', `mints ${missing} ${CURRENCY} for the ${name}, whose budget is used up`);
}

/** An amount in the workshop's own currency. */
export function tokens(amount: bigint): string {
  return `${amount.toLocaleString('en-US')} ${CURRENCY}`;
}
