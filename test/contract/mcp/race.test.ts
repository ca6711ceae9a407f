/** Two agents in two MCP hosts race for the same task, again and again: each time exactly one of them has it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, expect, test } from 'vitest';
import { BatteryNode } from '../../../node.ts';
import { stdioClient } from '../../support/mcp.ts';
import { startNode, stopNode } from '../../support/owner.ts';

const ROUNDS = 1_000;
const folder = mkdtempSync(join(tmpdir(), 'lb-race-'));
const data = join(folder, 'node');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NAMES = ['ann', 'bob'] as const;

/** Whether the agent has the task; anything but winning and losing fails the test. */
async function races(client: Client, tool: string, input: Record<string, unknown>): Promise<boolean> {
  const { isError, structuredContent, content } = await client.callTool({ name: tool, arguments: input });
  if (!isError)
    return (
      (structuredContent as { task?: object; status?: string }).task !== undefined || tool === 'start_task'
    );
  const [block] = content as { text: string }[];
  const { code } = (JSON.parse(block!.text) as { error: { code: string } }).error;
  expect(['task_state', 'task_attempt_stale', 'not_task_assignee']).toContain(code);
  return false;
}

test(`${ROUNDS} tasks, two hosts, one winner each`, { timeout: 240_000 }, async () => {
  const node = await BatteryNode.openOrInit({ data });
  const group = await node.createGroup({ name: 'race' });
  for (const name of NAMES) {
    const { publicKey } = await node.createIdentity(name);
    await group.as('node').addMember(publicKey, 'member');
  }
  await node.close();
  const up = await startNode(data, { LB_LOG_LEVEL: 'warn', LB_P2P: 'false' });
  const clients = await Promise.all(
    NAMES.map((name) => stdioClient('modern', ['--data', data, '--identity', name])),
  );
  const [ann] = clients as [Client];
  const wins = [0, 0];
  const takers = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const task_id = `task-${round}`;
    await ann.callTool({ name: 'create_task', arguments: { task_id, title: 'Who is first?' } });
    // Half of them are asked for by name, half are taken as whatever comes next.
    const [tool, input] = round % 2 === 0 ? ['start_task', { task_id }] : ['next_task', {}];
    const won = await Promise.all(
      clients.map((client) => races(client, tool as string, input as object as Record<string, unknown>)),
    );
    expect(won.filter(Boolean), task_id).toHaveLength(1);
    const winner = won.indexOf(true);
    wins[winner]!++;
    takers.set(task_id, winner);
    await clients[winner]!.callTool({ name: 'complete_task', arguments: { task_id } });
  }
  console.log(`${ROUNDS} races: ${wins.join(' and ')} won`);
  for (const client of clients) await client.close();
  expect(await stopNode(up)).toBe(0);

  // What the log says is what the hosts were told.
  const again = await BatteryNode.open({ data });
  const [raced] = again.groups();
  const keys = NAMES.map((name) => again.identity(name).publicKey);
  for (const { task, status, assignee, attempt } of raced!.now.tasks()) {
    expect(status, task).toBe('completed');
    expect(attempt, task).toBe(1);
    expect(assignee, task).toBe(keys[takers.get(task)!]);
  }
  expect((await raced!.audit()).status).toBe('sound');
  await again.close();
});
