/** A client of the SDK hands work to a group and follows it to its end, over both bindings. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AgentCard,
  canonicalizeAgentCard,
  type Task,
  TaskState,
  verifyAgentCardSignature,
} from '@a2a-js/sdk';
import type { Client } from '@a2a-js/sdk/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../../../actors/agent.ts';
import type { Group } from '../../../actors/group.ts';
import { taskIdOf } from '../../../interfaces/a2a/wire.ts';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { BatteryNode } from '../../../node.ts';
import { a2aClient, BINDINGS, message, send, textOf, told } from '../../support/a2a.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-a2a-'));
const data = join(folder, 'node');
let node: BatteryNode;
let server: HttpServer;
let group: Group;
let worker: Agent;
const tokens: Record<string, string> = {};

async function open(): Promise<void> {
  node = await BatteryNode.openOrInit({ data, threads: 1 });
  server = await serveOverHttp(node, { a2a: true });
}

async function openAgain(): Promise<void> {
  await open();
  group = node.group(group.groupId);
  worker = group.as('worker');
}

async function close(): Promise<void> {
  await server.close();
  await node.close();
}

beforeAll(async () => {
  await open();
  group = await node.createGroup({ name: 'g' });
  for (const name of ['client', 'other', 'worker']) {
    const { publicKey } = await node.createIdentity(name);
    await group.as('node').addMember(publicKey, 'member');
    tokens[name] = tokenFor(node, name);
  }
  tokens.reader = tokenFor(node);
  worker = group.as('worker');
});
afterAll(async () => {
  await close();
  rmSync(folder, { recursive: true, force: true });
});

const taskOf = ({ metadata }: Task): string => String(metadata?.taskId);

/** The agent of the group that does the work. */
async function work(task: string, result = `Done: ${task}`): Promise<void> {
  await worker.takeTask(task);
  await worker.startTask(task);
  await worker.progressTask(task, 'half way');
  const { claim } = await worker.publishClaim({ text: result });
  await worker.completeTask(task, claim);
}

/** The task that a message becomes, once it is there. */
async function taskTitled(title: string): Promise<string> {
  for (;;) {
    const found = group.now.tasks({ status: 'pending' }).find((one) => one.title === title);
    if (found !== undefined) return found.task;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe.each(BINDINGS)('over %s', (binding) => {
  let client: Client;
  beforeAll(async () => {
    client = await a2aClient(binding, server.port, tokens.client!);
  });
  const id = (name: string): string => `${binding} ${name}`;

  test('a message becomes a task, which is got, listed, and ends with its result', async () => {
    const sent = await send(client, id('one'), { text: 'Write a poem\nabout the sea' });
    expect(sent.status?.state).toBe(TaskState.TASK_STATE_SUBMITTED);
    expect(group.now.task(taskOf(sent))).toMatchObject({
      title: 'Write a poem',
      description: 'Write a poem\nabout the sea',
      status: 'pending',
    });
    await work(taskOf(sent), `The sea, ${binding}`);
    const got = await client.getTask({ id: sent.id, tenant: '' });
    expect(got.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
    expect(got.artifacts.map(({ parts }) => textOf(parts))).toEqual([`The sea, ${binding}`]);
    expect(got.history.map(({ messageId }) => messageId)).toEqual([id('one')]);
    expect((await client.getTask({ id: sent.id, tenant: '', historyLength: 0 })).history).toEqual([]);
    const { tasks, totalSize } = await client.listTasks(list({ contextId: got.contextId }));
    expect([tasks.map((one) => one.id), totalSize]).toEqual([[sent.id], 1]);
    await expect(client.cancelTask({ id: sent.id, tenant: '', metadata: undefined })).rejects.toThrow(
      /completed/,
    );
  });

  test('a client that waits gets the end', async () => {
    const [sent] = await Promise.all([
      send(client, id('waits'), { waits: true }),
      taskTitled(`Do ${id('waits')}`).then((task) => work(task, id('x'))),
    ]);
    expect(sent.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
    expect(sent.artifacts).toHaveLength(1);
  });

  test('a stream tells every state in order, and ends', async () => {
    const working = taskTitled(`Do ${id('stream')}`).then((task) => work(task, id('streamed')));
    const lines: string[] = [];
    for await (const event of client.sendMessageStream(message(id('stream')))) lines.push(told(event));
    await working;
    expect(lines).toEqual([
      'task 1',
      'status 1',
      'status 2',
      'status 2 half way',
      `artifact ${id('streamed')}`,
      'status 3',
    ]);
  });

  test('a task can be subscribed to while it is open, and cancelled', async () => {
    const sent = await send(client, id('cancelled'));
    const lines: string[] = [];
    const following = (async () => {
      for await (const event of client.resubscribeTask({ id: sent.id, tenant: '' })) lines.push(told(event));
    })();
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const cancelled = await client.cancelTask({ id: sent.id, tenant: '', metadata: undefined });
    expect(cancelled.status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    await following;
    expect(lines).toEqual(['task 1', 'status 5']);
    const again = client.resubscribeTask({ id: sent.id, tenant: '' });
    await expect(again.next()).rejects.toThrow(/over/);
  });

  test('what fails says why', async () => {
    const sent = await send(client, id('failing'));
    await worker.takeTask(taskOf(sent));
    await worker.startTask(taskOf(sent));
    await worker.failTask(taskOf(sent), 'no tools');
    const { status } = await client.getTask({ id: sent.id, tenant: '' });
    expect([status?.state, textOf(status?.message?.parts)]).toEqual([
      TaskState.TASK_STATE_FAILED,
      'no tools',
    ]);
  });

  test('a message that comes again is answered with the same task, once made, also at the same time', async () => {
    const sent = await Promise.all([1, 2, 3, 4].map(() => send(client, id('again'), { text: 'Do it once' })));
    expect(new Set(sent.map((one) => one.id)).size).toBe(1);
    expect(group.now.tasks().filter(({ task }) => task === taskOf(sent[0]!))).toHaveLength(1);
    const other = await a2aClient(binding, server.port, tokens.other!);
    expect((await send(other, id('again'))).id).not.toBe(sent[0]!.id);
  });

  test('a caller sees only their own tasks; a caller who only reads sees them and changes nothing', async () => {
    const sent = await send(client, id('own'));
    const other = await a2aClient(binding, server.port, tokens.other!);
    await expect(other.getTask({ id: sent.id, tenant: '' })).rejects.toThrow();
    await expect(other.cancelTask({ id: sent.id, tenant: '', metadata: undefined })).rejects.toThrow();
    expect((await other.listTasks(list())).tasks.map((one) => one.id)).not.toContain(sent.id);
    const reader = await a2aClient(binding, server.port, tokens.reader!);
    expect((await reader.getTask({ id: sent.id, tenant: '' })).id).toBe(sent.id);
    await expect(send(reader, id('reader'))).rejects.toThrow();
    await expect(reader.cancelTask({ id: sent.id, tenant: '', metadata: undefined })).rejects.toThrow();
    expect(group.now.task(taskOf(sent))?.status).toBe('pending');
  });

  test('pages go through all tasks, each once, the newest change first', async () => {
    for (let at = 0; at < 5; at++) await send(client, id(`page ${at}`), { contextId: id('pages') });
    const seen: string[] = [];
    for (let pageToken = ''; ; ) {
      const page = await client.listTasks(list({ contextId: id('pages'), pageSize: 2, pageToken }));
      expect(page.totalSize).toBe(5);
      seen.push(...page.tasks.map((one) => one.id));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(new Set(seen).size).toBe(5);
    await expect(client.listTasks(list({ pageSize: 500 }))).rejects.toThrow(/pageSize/);
    await expect(client.listTasks(list({ pageToken: 'x' }))).rejects.toThrow(/token/);
  });

  test('a long message is a claim, and data is text; files and nothing are refused', async () => {
    const long = `Long\n${'ü'.repeat(5_000)}`;
    const sent = await send(client, id('long'), { text: long });
    const [, claim] = /the claim ([0-9a-f]{64})\.$/.exec(group.now.task(taskOf(sent))!.description!)!;
    expect(group.claimContent(claim!)?.text).toBe(long);
    const data = await send(client, id('data'), { parts: [{ data: { sum: [1, 2] } }] });
    expect(group.now.task(taskOf(data))!.description).toContain('"sum"');
    await expect(send(client, id('file'), { parts: [{ url: 'https://example.org/x' }] })).rejects.toThrow(
      /files/,
    );
    await expect(send(client, id('empty'), { text: '  ' })).rejects.toThrow(/says nothing/);
    await expect(send(client, id('huge'), { text: 'x'.repeat(300_000) })).rejects.toThrow(/bytes/);
    await expect(send(client, id('lost'), { taskId: 'nothing' })).rejects.toThrow();
    await expect(send(client, id('tenant'), { tenant: 'no-such-group' })).rejects.toThrow(/no-such-group/);
    expect((await send(client, id('named'), { tenant: 'g' })).id).toMatch(`${group.groupId}.`);
  });

  test('the extended card names the groups', async () => {
    const card = await client.getAgentCard();
    expect(card.skills.map(({ name }) => name)).toContain('g');
  });
});

function list(more: object = {}) {
  return {
    tenant: '',
    contextId: '',
    status: TaskState.TASK_STATE_UNSPECIFIED,
    pageToken: '',
    statusTimestampAfter: undefined,
    ...more,
  };
}

test('the card is signed by the key of the node, names no group, and a changed one is found out', async () => {
  const url = `http://127.0.0.1:${server.port}/.well-known/agent-card.json`;
  const card = AgentCard.fromJSON(await (await fetch(url)).json());
  expect(canonicalizeAgentCard(card)).not.toContain(group.groupId);
  const own = node.identities().find(({ isNode }) => isNode)!.publicKey;
  const verify = verifyAgentCardSignature(async (kid, jku) => {
    expect(kid).toBe(own);
    const { keys } = (await (await fetch(jku!)).json()) as { keys: { kid: string; kty: string }[] };
    return keys.find((key) => key.kid === kid)!;
  });
  await verify(card);
  await expect(verify({ ...card, name: 'Another' })).rejects.toThrow();
});

test('tasks, contexts and answers to messages survive a restart', async () => {
  const client = await a2aClient('JSONRPC', server.port, tokens.client!);
  const sent = await send(client, 'before the restart', { contextId: 'kept' });
  await close();
  await openAgain();
  const later = await a2aClient('HTTP+JSON', server.port, tokens.client!);
  expect((await send(later, 'before the restart')).id).toBe(sent.id);
  expect((await later.listTasks(list({ contextId: 'kept' }))).tasks.map((one) => one.id)).toEqual([sent.id]);
  const follow = await send(later, 'after it', { taskId: sent.id });
  expect(follow.history.map(({ messageId }) => messageId)).toEqual(['before the restart', 'after it']);
  await work(taskOf(sent), 'after the restart');
  expect(textOf((await later.getTask({ id: sent.id, tenant: '' })).artifacts[0]!.parts)).toBe(
    'after the restart',
  );
});

describe('raw requests', () => {
  const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'POST',
      body,
      headers: {
        authorization: `Bearer ${tokens.client}`,
        'content-type': 'application/json',
        'a2a-version': '1.0',
        ...headers,
      },
    });
    return { status: response.status, text: await response.text() };
  };
  const rpc = (method: string, params: unknown): string =>
    JSON.stringify({ jsonrpc: '2.0', id: 7, method, params });

  test.each([
    ['no JSON', '{', {}, 200, -32700],
    ['a batch', '[]', {}, 200, -32600],
    ['no JSON-RPC', '{"id":7}', {}, 200, -32600],
    ['an unknown method', rpc('Nothing', {}), {}, 200, -32601],
    ['parameters that are none', rpc('GetTask', []), {}, 200, -32602],
    ['no message', rpc('SendMessage', {}), {}, 200, -32602],
    ['a task that is not there', rpc('GetTask', { id: 'x' }), {}, 200, -32001],
    ['another version', rpc('GetTask', { id: 'x' }), { 'a2a-version': '0.3' }, 200, -32009],
  ] as const)('%s is answered with an error of JSON-RPC', async (_, body, headers, status, code) => {
    const answer = await post('/a2a', body, headers);
    expect(answer.status, answer.text).toBe(status);
    const { error } = JSON.parse(answer.text) as { error?: { code: number } };
    expect(error?.code, answer.text).toBe(code);
  });

  test('without a version, a request is of a version that is not spoken here', async () => {
    const answer = await post('/a2a', rpc('GetTask', { id: 'x' }), { 'a2a-version': '' });
    expect(answer.text).toContain('1.0');
    expect((await post('/a2a/message:send', '{}', { 'a2a-version': '0.3' })).status).toBe(400);
  });

  test('without a token there is nothing but the card', async () => {
    const answer = await post('/a2a', rpc('ListTasks', {}), { authorization: 'Bearer nothing' });
    expect(answer.status).toBe(401);
    expect((await post('/a2a/message:send', '{"message":{}}', { authorization: '' })).status).toBe(401);
  });

  test.each([
    ['/a2a/message:send', '{'],
    ['/a2a/message:send', '[]'],
    ['/a2a/message:send', '{"message":{"messageId":1,"parts":7}}'],
    ['/a2a/tasks/x:cancel', ''],
    ['/a2a/tasks/x:explode', ''],
  ])('%s with %s is refused in the way of A2A', async (path, body) => {
    const { status, text } = await post(path, body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(JSON.parse(text)).toMatchObject({ error: { code: status } });
  });
});

test('a client that dies in the middle of a stream leaves the others alone, and a server that stops ends streams', async () => {
  const client = await a2aClient('JSONRPC', server.port, tokens.client!);
  const dying = new AbortController();
  const first = client.sendMessageStream(message('dying'), { signal: dying.signal });
  expect(told((await first.next()).value!)).toBe('task 1');
  dying.abort();
  await expect(first.next()).rejects.toThrow();
  const open = client.sendMessageStream(message('open'));
  const { value } = await open.next();
  if (value?.payload?.$case !== 'task') throw new Error('a stream begins with its task');
  const waiting = send(client, 'waiting', { waits: true });
  await taskTitled('Do waiting');
  // Whichever way they end: nobody waits for ever, the server least of all.
  await Promise.allSettled([open.next(), waiting, close()]);
  await openAgain();
  const later = await a2aClient('JSONRPC', server.port, tokens.client!);
  expect((await send(later, 'open')).id).toBe(value.payload.value.id);
});

test('behind a proxy the card says where the node is from outside', async () => {
  const plain = await serveOverHttp(node, { a2a: true, a2a_url: 'https://node.example.org' });
  const response = await fetch(`http://127.0.0.1:${plain.port}/.well-known/agent-card.json`);
  const { supportedInterfaces } = AgentCard.fromJSON(await response.json());
  expect(supportedInterfaces.map(({ url }) => url)).toEqual([
    'https://node.example.org/a2a',
    'https://node.example.org/a2a',
  ]);
  await plain.close();
});

test('a task that another member gave the very id is not taken for the message’s', async () => {
  const client = await a2aClient('JSONRPC', server.port, tokens.client!);
  const { publicKey } = node.identity('client');
  await worker.createTask({ task: taskIdOf(publicKey, group.groupId, 'squatted'), title: 'A trap' });
  await expect(send(client, 'squatted')).rejects.toThrow(/another/);
});

test('off unless it is asked for', async () => {
  const plain = await serveOverHttp(node);
  const response = await fetch(`http://127.0.0.1:${plain.port}/.well-known/agent-card.json`);
  expect(response.status).toBe(404);
  await plain.close();
});
