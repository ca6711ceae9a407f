/**
 * What the recipes with agents share: a node in a folder of its own, a group, one task in it, and an identity for the
 * agent. The agent talks to the node over MCP alone, as it would from any other program.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatteryNode } from '../../index.ts';

/** How a host starts the MCP server of the node. */
export interface ServerCommand {
  readonly command: string;
  readonly args: string[];
}

/** What the agent shall do, and how it is told. */
export const ASSIGNMENT = 'Take the next task from the board, do it, and hand in the result.';
const TASK = { task: 'sum', title: 'Add the numbers from 1 to 100' };

/**
 * Sets the office up, lets the agent work, and says what the group knows of it afterwards.
 * @returns whether the task is completed with the right result, and the history is sound
 */
export async function withOffice(
  identity: string,
  agent: (server: ServerCommand) => Promise<string>,
): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), `lb-${identity}-`));
  const data = join(folder, 'node');
  try {
    await setUp(data, identity);
    const server = {
      command: process.execPath,
      args: [join(import.meta.dirname, '../../bin/lb'), 'mcp', '--data', data, '--identity', identity],
    };
    console.log(`${identity} says: ${await agent(server)}`);
    return await inspect(data, identity);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function setUp(data: string, identity: string): Promise<void> {
  await using node = await BatteryNode.openOrInit({ data });
  const group = await node.createGroup({ name: 'domain:office' });
  const { publicKey } = await node.createIdentity(identity);
  await group.as('node').addMember(publicKey, 'member');
  await group.as('node').createTask({ ...TASK, reward: 25n });
}

async function inspect(data: string, identity: string): Promise<boolean> {
  await using node = await BatteryNode.open({ data });
  const group = node.group('domain:office');
  const { status, assignee, result } = group.now.task(TASK.task)!;
  const text = result && group.claimContent(result)?.text;
  const audit = await group.audit();
  console.log(`the group says: ${TASK.task} is ${status}, result "${text}", audit ${audit.status}`);
  const isOwn = assignee === node.identity(identity).publicKey;
  return status === 'completed' && isOwn && text === 'The sum is 5050.' && audit.status === 'sound';
}
