/** A2A as an operator turns it on, and agents on both sides: one hands work over, the other does it from the shell. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { a2aClient, message, send, textOf, told } from '../support/a2a.ts';
import { freePort } from '../support/loopback.ts';
import { runVerb, startNode, stopNode, type UpNode } from '../support/owner.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-up-a2a-'));
const data = join(base, 'node');
const nodes: UpNode[] = [];
afterAll(async () => {
  for (const node of nodes) await stopNode(node);
  rmSync(base, { recursive: true, force: true });
});

async function lb(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runVerb([...args, '--json'], data, { isForwarding: true });
  expect(code, `lb ${args.join(' ')}\n${stderr}`).toBe(0);
  return (JSON.parse(stdout) as { data: Record<string, unknown> }).data;
}

test('lb up --a2a: a client hands work over, follows it, and finds it again after a restart', async () => {
  await lb('init');
  await lb('create-group', '--name', 'office');
  const { token } = (await lb('access', 'create', 'partner', '--write-as', 'node')) as { token: string };
  const port = await freePort();
  const env = { LB_A2A: 'true', LB_HTTP_PORT: String(port), LB_LOG_LEVEL: 'warn' };
  nodes.push(await startNode(data, env));
  const client = await a2aClient('HTTP+JSON', port, token);
  const lines: string[] = [];
  for await (const event of client.sendMessageStream(message('m-1', { text: 'Water the plants' }))) {
    lines.push(told(event));
    if (event.payload?.$case !== 'task') continue;
    const task = String(event.payload.value.metadata?.taskId);
    await lb('take-task', task);
    await lb('start-task', task);
    const { claim } = await lb('publish-claim', '--text', 'The plants are watered.');
    await lb('complete-task', task, '--result', String(claim));
  }
  expect(lines).toEqual(['task 1', 'status 1', 'status 2', 'artifact The plants are watered.', 'status 3']);
  expect(await stopNode(nodes.pop()!)).toBe(0);
  nodes.push(await startNode(data, env));
  const again = await send(await a2aClient('JSONRPC', port, token), 'm-1');
  expect(again.artifacts.map(({ parts }) => textOf(parts))).toEqual(['The plants are watered.']);
});
