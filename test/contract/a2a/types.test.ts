/** Requests of A2A that are of no type of the protocol: each is answered with the protocol's error, and makes nothing. */

import { mkdtempSync, rmSync } from 'node:fs';
import { request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Group } from '../../../actors/group.ts';
import { TARGETS_PER_TASK_MAX } from '../../../interfaces/a2a/push.ts';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { BatteryNode } from '../../../node.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';
import { until } from '../../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-a2a-types-'));
let node: BatteryNode;
let server: HttpServer;
let group: Group;
let token: string;
const bugs: unknown[] = [];

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), threads: 1 });
  group = await node.createGroup({ name: 'g' });
  server = await serveOverHttp(
    node,
    { a2a: true, a2a_push_private: true, http_allowed_hosts: ['node.example.com'] },
    (error) => bugs.push(error),
  );
  token = tokenFor(node, 'node');
});
afterAll(async () => {
  await server.close();
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

const headers = (): Record<string, string> => ({
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
  'a2a-version': '1.0',
});

const post = (path: string, body: unknown): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, {
    method: 'POST',
    headers: headers(),
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

interface RpcAnswer {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

const rpc = async (method: string, params: unknown, path = '/a2a'): Promise<RpcAnswer> =>
  (await (await post(path, { jsonrpc: '2.0', id: 1, method, params })).json()) as RpcAnswer;

const MESSAGE = { messageId: 'm', role: 'ROLE_USER', parts: [{ text: 'Do it' }] };
const sending = (change: object): object => ({
  message: { ...MESSAGE, ...change },
  configuration: { returnImmediately: true },
});

const BAD_MESSAGES: readonly (readonly [string, unknown])[] = [
  ['no message', {}],
  ['a message that is a text', { message: 'Do it' }],
  ['a message that is a list', { message: [MESSAGE] }],
  ['an id that is an object', sending({ messageId: { a: 1 } })],
  ['an id that is a number', sending({ messageId: 1 })],
  ['an id that is no text', sending({ messageId: '\ud800' })],
  ['an id that is too long', sending({ messageId: 'x'.repeat(1_000) })],
  ['no id', sending({ messageId: undefined })],
  ['no role', sending({ role: undefined })],
  ['the role of the agent', sending({ role: 'ROLE_AGENT' })],
  ['a role that there is not', sending({ role: 'user' })],
  ['a role that is a number', sending({ role: 7 })],
  ['parts that are none', sending({ parts: [null] })],
  ['parts that are texts', sending({ parts: ['Do it'] })],
  ['parts that are an object', sending({ parts: { text: 'Do it' } })],
  ['no parts', sending({ parts: undefined })],
  ['an empty part', sending({ parts: [{}] })],
  ['a part of two kinds', sending({ parts: [{ text: 'a', data: {} }] })],
  ['a text that is a number', sending({ parts: [{ text: 1 }] })],
  ['metadata that is a text', sending({ metadata: 'x' })],
  ['a context that is a list', sending({ contextId: ['x'] })],
  ['a task that is true', sending({ taskId: true })],
  ['extensions that are objects', sending({ extensions: [{}] })],
  ['a flag that is a text', { message: MESSAGE, configuration: { returnImmediately: 'false' } }],
  ['a length that is an object', { message: MESSAGE, configuration: { historyLength: {} } }],
  [
    'a target that is a number',
    { message: MESSAGE, configuration: { taskPushNotificationConfig: { url: 7 } } },
  ],
  ['fields in the other spelling', { message: { ...MESSAGE, messageId: undefined, message_id: {} } }],
  ['a list', []],
  ['a text', 'x'],
  ['nothing', null],
];

describe('a message', () => {
  test.each(BAD_MESSAGES)('%s is refused over both bindings', async (_, params) => {
    for (const method of ['SendMessage', 'SendStreamingMessage'])
      expect((await rpc(method, params)).error?.code, method).toBe(-32602);
    for (const verb of ['send', 'stream']) {
      const response = await post(`/a2a/message:${verb}`, params);
      expect(response.status, verb).toBe(400);
      expect(((await response.json()) as { error: object }).error, verb).toBeDefined();
    }
    expect(bugs).toEqual([]);
    expect(group.now.tasks()).toEqual([]);
  });
});

test.each([
  ['GetTask', { id: {} }],
  ['GetTask', { id: 'x', historyLength: 'many' }],
  ['GetTask', []],
  ['ListTasks', { pageSize: {} }],
  ['ListTasks', { status: 'open' }],
  ['ListTasks', { pageToken: 5 }],
  ['ListTasks', { includeArtifacts: 'yes' }],
  ['CancelTask', { id: ['x'] }],
  ['SubscribeToTask', { id: 1 }],
  ['CreateTaskPushNotificationConfig', { taskId: 'x', url: {} }],
  ['CreateTaskPushNotificationConfig', { taskId: 'x', url: 'https://example.org', authentication: 'x' }],
  ['GetTaskPushNotificationConfig', { taskId: {}, id: 'x' }],
  ['DeleteTaskPushNotificationConfig', { taskId: 'x', id: {} }],
  ['ListTaskPushNotificationConfigs', { taskId: null, pageSize: [] }],
  ['GetExtendedAgentCard', { tenant: 1 }],
])('%s of %j is the protocol’s error', async (method, params) => {
  expect((await rpc(method, params)).error?.code).toBe(-32602);
  expect(bugs).toEqual([]);
});

test.each([
  ['no JSON', '{"jsonrpc":', -32700],
  ['a list of requests', [], -32600],
  ['an id that is an object', { jsonrpc: '2.0', id: {}, method: 'GetTask' }, -32600],
  ['no method', { jsonrpc: '2.0', id: 1 }, -32600],
  ['another version', { jsonrpc: '1.0', id: 1, method: 'GetTask' }, -32600],
  ['nothing', 'null', -32600],
  ['a method that there is not', { jsonrpc: '2.0', id: 1, method: 'constructor', params: {} }, -32601],
])('%s is an error of JSON-RPC', async (_, body, code) => {
  const { error } = (await (await post('/a2a', body)).json()) as RpcAnswer;
  expect(error?.code).toBe(code);
  expect(bugs).toEqual([]);
});

test('/a2a/ is /a2a', async () => {
  expect((await rpc('ListTasks', {}, '/a2a/')).result).toBeDefined();
});

/** The card as it is served to one who addresses the node so. */
function cardFor(host: string, more: Record<string, string> = {}) {
  return new Promise<{ status: number; etag: string; cache: string; text: string }>((resolve, reject) => {
    const options = { port: server.port, host: '127.0.0.1', path: '/.well-known/agent-card.json' };
    send({ ...options, headers: { host, ...more } }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      const { etag = '', 'cache-control': cache = '' } = response.headers;
      response.on('end', () => resolve({ status: response.statusCode!, etag, cache, text }));
    })
      .on('error', reject)
      .end();
  });
}

test('the card is signed for the names of the node, and for nobody else’s address', async () => {
  for (const host of ['localhost', '127.0.0.1:99', '[::1]', 'node.example.com', 'NODE.example.com:8443'])
    expect(JSON.parse((await cardFor(host)).text), host).toHaveProperty('signatures');
  for (const host of ['203.0.113.9', '203.0.113.9:8420', '[2001:db8::1]', '10.0.0.1'])
    expect(JSON.parse((await cardFor(host)).text), host).not.toHaveProperty('signatures');
  expect((await cardFor('evil.example.com')).status).toBe(403);
  // A host to some, and somebody's name before a host to others: no card leads there, signed or not.
  for (const host of [
    ...['localhost:80\\@evil.example.com', '[::1]:80\\@evil.example.com', 'localhost\\.evil.example.com'],
    ...['localhost:80/@evil.example.com', 'localhost#@evil.example.com', 'localhost?@evil.example.com'],
    ...['localhost@evil.example.com', 'localhost:80:90', 'localhost.', 'local host', 'localhost:'],
  ])
    expect((await cardFor(host)).status, host).toBe(403);
});

test('the card may be kept for a while, and asking again costs nothing', async () => {
  const first = await cardFor('localhost');
  expect(first.cache).toMatch(/max-age=\d+/);
  for (const known of [first.etag, `"x", W/${first.etag}`, '*']) {
    const again = await cardFor('localhost', { 'if-none-match': known });
    expect([again.status, again.text, again.etag]).toEqual([304, '', first.etag]);
  }
  expect((await cardFor('localhost', { 'if-none-match': '"other"' })).status).toBe(200);
});

const rest = { returnImmediately: true };
const taskOf = (answer: RpcAnswer): string => (answer.result as { task: { id: string } }).task.id;

test('a task has no more targets than it may, however many come at once', async () => {
  const sent = await rpc('SendMessage', { message: { ...MESSAGE, messageId: 'many' }, configuration: rest });
  const taskId = taskOf(sent);
  const made = await Promise.all(
    Array.from({ length: 30 }, (_, at) =>
      rpc('CreateTaskPushNotificationConfig', { taskId, id: `c${at}`, url: `http://127.0.0.1:9/${at}` }),
    ),
  );
  expect(made.filter(({ error }) => error === undefined).length).toBe(TARGETS_PER_TASK_MAX);
  const { result } = await rpc('ListTaskPushNotificationConfigs', { taskId });
  expect((result as { configs: unknown[] }).configs.length).toBe(TARGETS_PER_TASK_MAX);
});

test('pages end where histories get long, and what follows a message has an end', async () => {
  const metadata = { much: 'x'.repeat(200_000) };
  const more = (messageId: string, of: object): Promise<RpcAnswer> =>
    rpc('SendMessage', { message: { ...MESSAGE, messageId, ...of }, configuration: rest });
  const ids: string[] = [];
  for (const name of ['long 1', 'long 2', 'long 3']) {
    const taskId = taskOf(await more(name, { contextId: 'long' }));
    ids.push(taskId);
    for (let at = 0; at < 12; at++) await more(`${name} ${at}`, { taskId, metadata });
  }
  interface Page {
    readonly tasks: { readonly id: string; readonly history?: unknown[] }[];
    readonly nextPageToken: string;
  }
  const pageOf = async (given: object): Promise<Page> =>
    (await rpc('ListTasks', { contextId: 'long', ...given })).result as Page;
  expect((await pageOf({})).tasks.length).toBe(3);
  const seen: string[] = [];
  let pages = 0;
  for (let pageToken = ''; pages === 0 || pageToken !== ''; pages++) {
    const page = await pageOf({ historyLength: 100, pageToken });
    expect(JSON.stringify(page).length).toBeLessThan(6_000_000);
    seen.push(...page.tasks.map(({ id }) => id));
    for (const { history } of page.tasks) expect(history!.length).toBe(13);
    pageToken = page.nextPageToken;
  }
  expect(seen.sort()).toEqual([...ids].sort());
  expect(pages).toBeGreaterThan(1);
  const answers: RpcAnswer[] = [];
  for (let at = 12; at < 22; at++) answers.push(await more(`long 1 ${at}`, { taskId: ids[0], metadata }));
  expect(answers.at(-1)!.error?.message).toContain('send a new one');
}, 60_000);

test('targets that never answer hold up no other', async () => {
  // Takes connections, and says nothing.
  const silent: Server = createServer((socket) => void socket.on('error', () => {}));
  await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
  const { createServer: createHttp } = await import('node:http');
  let told = 0;
  const good = createHttp((_, response) => {
    told++;
    response.end();
  });
  await new Promise<void>((resolve) => void good.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    silent.close();
    good.closeAllConnections();
    good.close();
  });
  const urlOf = (one: Server): string => `http://127.0.0.1:${(one.address() as AddressInfo).port}/`;
  for (let n = 0; n < 40; n++)
    await rpc('SendMessage', {
      message: { ...MESSAGE, messageId: `dead ${n}` },
      configuration: { returnImmediately: true, taskPushNotificationConfig: { url: urlOf(silent) } },
    });
  const began = performance.now();
  await rpc('SendMessage', {
    message: { ...MESSAGE, messageId: 'good' },
    configuration: { returnImmediately: true, taskPushNotificationConfig: { url: urlOf(good) } },
  });
  await until('the good one is told', () => told > 0);
  expect(performance.now() - began).toBeLessThan(5_000);
}, 60_000);
