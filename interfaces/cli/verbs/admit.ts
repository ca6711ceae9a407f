/**
 * `admit`: an identity of this node is made if need be, becomes a member, and proves that it can write. So an agent
 * can be let in before its host first starts, and its first write does not fail.
 */
import type { Command } from 'commander';
import type { Agent } from '../../../actors/agent.ts';
import type { Group } from '../../../actors/group.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { Receipt } from '../../../events/receipt.ts';
import type { BatteryNode } from '../../../node.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { parseWord } from '../parse.ts';
import { printFields, printSentence } from '../table.ts';
import { withArticle } from '../text.ts';

const ADMITTED_ROLES = ['member', 'admin'] as const;

interface Admitted {
  readonly identity: string;
  readonly publicKey: Hex32;
  readonly groupId: Hex32;
  readonly groupName: string;
  readonly role: string;
  /** What was not so before. */
  readonly wasMade: boolean;
  readonly wasAdded: boolean;
  readonly proof: Pick<Receipt, 'txId' | 'height'>;
}

interface AdmitOptions {
  readonly role: string;
}

export function registerAdmit(program: Command, context: CliContext): void {
  verb<AdmitOptions>(
    program,
    context,
    {
      usage: 'admit',
      summary: 'Let an agent of this node into a group, and prove that it can write (admin).',
      heading: 'Groups and members',
      example: 'lb admit claude-code --group domain:research',
      details:
        'Makes the identity where there is none of that name, adds it as a member where it is none, and has it write its name into the group: what is sealed is the proof.',
      inGroup: true,
      signs: true,
    },
    (command) =>
      command
        .argument('<identity>', 'name of the agent, as in: lb mcp --identity NAME')
        .option('--role <role>', 'admin or member', 'member'),
    async (run) => {
      const role = parseWord(run.options.role, '--role', ADMITTED_ROLES);
      printAdmitted(run, await admit(run, run.args[0]!, role));
    },
  );
}

/** Lets an identity in; what is done already is left as it is. */
export async function admit(run: Run, name: string, role: 'member' | 'admin'): Promise<Admitted> {
  const node = await run.node();
  const group = await run.group();
  const wasMade = await ensureIdentity(node, name);
  const { publicKey } = node.identity(name);
  const present = group.now.roleOf(publicKey);
  if (present === undefined || present === 'viewer') await (await run.agent()).addMember(publicKey, role);
  const proof = await proveWrite(group, group.as(name));
  const now = group.now.roleOf(publicKey) ?? role;
  const { groupId, name: groupName } = group.info();
  const { txId, height } = proof;
  const facts = { identity: name, publicKey, groupId, groupName, role: now };
  return { ...facts, wasMade, wasAdded: present !== now, proof: { txId, height } };
}

export function printAdmitted(run: Run, admitted: Admitted): void {
  const { identity, role, groupName, publicKey, proof } = admitted;
  run.print(admitted, () => {
    printSentence(run.out, `${identity} is ${withArticle(role)} of ${groupName}, and can write`);
    printFields(
      run.out,
      [
        ['public key', publicKey],
        ['proof', `transaction ${proof.txId} in block ${proof.height}`],
      ],
      '  ',
    );
  });
}

/** Makes the identity where there is none of that name; says whether it did. */
export async function ensureIdentity(node: BatteryNode, name: string): Promise<boolean> {
  const isThere = (): boolean => node.identities().some((one) => one.name === name);
  if (isThere()) return false;
  try {
    await node.createIdentity(name);
    return true;
  } catch (error) {
    // Another agent of the same name was faster.
    if (!isThere()) throw error;
    return false;
  }
}

/** The first write tells others what the agent is called; whoever has a name says that they are here. */
function proveWrite(group: Group, agent: Agent): Promise<Receipt> {
  if (group.now.nameOf(agent.publicKey) === undefined) return agent.setProfile(agent.name);
  return agent.setPresence('active', { admitted_ms: Date.now() });
}

/**
 * Tells a group what an identity is called, so that members of other nodes see a name and no key. `node` is no name:
 * every node calls itself so until somebody chooses another.
 */
export async function introduce(group: Group, agent: Agent): Promise<void> {
  if (agent.name === UNNAMED || group.now.nameOf(agent.publicKey) !== undefined) return;
  await agent.setProfile(agent.name);
}

const UNNAMED = 'node';
