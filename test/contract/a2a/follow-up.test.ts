/** A client says more about a task that it has handed over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Task, TaskState } from '@a2a-js/sdk';
import type { Client } from '@a2a-js/sdk/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Group } from '../../../actors/group.ts';
import { FOLLOW_UPS_MAX } from '../../../interfaces/a2a/intake.ts';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { BatteryNode } from '../../../node.ts';
import { a2aClient, BINDINGS, message, send, told } from '../../support/a2a.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-a2a-follow-up-'));
let node: BatteryNode;
let server: HttpServer;
let group: Group;

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), threads: 1 });
  group = await node.createGroup({ name: 'g' });
  for (const name of ['client', 'other', 'worker'])
    await group.as('node').addMember((await node.createIdentity(name)).publicKey, 'member');
  server = await serveOverHttp(node, { a2a: true });
});
afterAll(async () => {
  await server.close();
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

const taskOf = ({ metadata }: Task): string => String(metadata?.taskId);

async function work(task: string): Promise<void> {
  const worker = group.as('worker');
  await worker.takeTask(task);
  await worker.startTask(task);
  await worker.completeTask(task);
}

describe.each(BINDINGS)('over %s', (binding) => {
  let client: Client;
  let other: Client;
  beforeAll(async () => {
    client = await a2aClient(binding, server.port, tokenFor(node, 'client'));
    other = await a2aClient(binding, server.port, tokenFor(node, 'other'));
  });
  const id = (name: string): string => `${binding} ${name}`;

  test('more about a task is a claim in its thread, said once, until the task is over', async () => {
    const sent = await send(client, id('first'), { contextId: id('talk') });
    const of = { taskId: sent.id };
    const more = await send(client, id('more'), { ...of, text: 'And in blue', contextId: id('talk') });
    expect([more.id, more.status?.state]).toEqual([sent.id, TaskState.TASK_STATE_SUBMITTED]);
    expect(more.history.map(({ messageId }) => messageId)).toEqual([id('first'), id('more')]);
    await Promise.all([1, 2, 3].map(() => send(client, id('twice'), { ...of, text: 'And in blue' })));
    const claims = group.recentClaims({ limit: 50 }).filter(({ tags }) => tags.includes(taskOf(sent)));
    expect(claims.map(({ content, parent }) => [content?.text, parent])).toEqual([
      ['And in blue', claims[1]!.claim],
      ['And in blue', undefined],
    ]);
    expect((await send(client, id('first'), of)).id).toBe(sent.id);
    await expect(send(client, id('lost'), { ...of, contextId: 'another' })).rejects.toThrow(/context/);
    await expect(send(other, id('meddling'), of)).rejects.toThrow();
    const following = client.sendMessageStream(message(id('streamed'), of));
    expect(told((await following.next()).value!)).toBe('task 1');
    await work(taskOf(sent));
    const lines: string[] = [];
    for await (const event of following) lines.push(told(event));
    expect(lines.at(-1)).toBe('status 3');
    await expect(send(client, id('late'), of)).rejects.toThrow(/over/);
    const again = await send(client, id('more'), of);
    expect(again.history.map(({ messageId }) => messageId)).toEqual(
      ['first', 'more', 'twice', 'streamed'].map(id),
    );
  });

  test('many messages at once for a task are one thread, and no more than there may be', async () => {
    const sent = await send(client, id('many'));
    const numbers = Array.from({ length: FOLLOW_UPS_MAX + 3 }, (_, at) => at);
    const answers = await Promise.allSettled(
      numbers.map((at) => send(client, id(`many ${at}`), { taskId: sent.id })),
    );
    expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(3);
    const claims = group.recentClaims({ limit: 200 }).filter(({ tags }) => tags.includes(taskOf(sent)));
    expect(claims).toHaveLength(FOLLOW_UPS_MAX);
    expect(claims.filter(({ parent }) => parent === undefined)).toHaveLength(1);
    expect((await client.getTask({ id: sent.id, tenant: '' })).history).toHaveLength(FOLLOW_UPS_MAX + 1);
  });

  test('more about a task that began with a long message replies to the claim that has it', async () => {
    const sent = await send(client, id('long talk'), { text: `Long ${id('')}\n${'x'.repeat(5_000)}` });
    const [, whole] = /the claim ([0-9a-f]{64})\.$/.exec(group.now.task(taskOf(sent))!.description!)!;
    await send(client, id('long more'), { taskId: sent.id });
    const [reply] = group.recentClaims({ limit: 1 });
    expect(reply).toMatchObject({ parent: whole, content: { text: `Do ${id('long more')}` } });
  });
});
