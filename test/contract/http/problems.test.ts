/** Every problem over HTTP and A2A says what next, with what its reader has: no shell, no flags, no settings. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request as send } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SETTINGS } from '../../../interfaces/config/schema.ts';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { BatteryNode } from '../../../node.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-problems-'));
let node: BatteryNode;
let server: HttpServer;
let reader = '';
let writer = '';

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), durability: 'commit' });
  await node.createGroup({ name: 'g' });
  server = await serveOverHttp(node, { a2a: true });
  reader = tokenFor(node);
  writer = tokenFor(node, 'node');
});
afterAll(async () => {
  await server.close();
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function ask({
  path,
  method = 'POST',
  headers = {},
  body = '{}',
}: Asked): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', ...headers };
    const request = send({ port: server.port, host: '127.0.0.1', path, method, headers: all }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    request.on('error', reject);
    request.end(method === 'GET' ? undefined : body);
  });
}

const A2A_MESSAGE = '{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"text":"x"}]}}';
const SHELL = /\blb [a-z]|(^|[\s(])--[a-z]|\bLB_[A-Z]/;

function expectNext(text: string, what: string): void {
  const { code, detail, next } = JSON.parse(text) as { code: string; detail: string; next?: string };
  expect(next?.length, `${what} ${code}`).toBeGreaterThan(5);
  for (const said of [next!, detail]) {
    expect(said, what).not.toMatch(SHELL);
    for (const setting of Object.keys(SETTINGS).filter((name) => name.includes('_')))
      expect(said, what).not.toContain(setting);
  }
}

test('of every kind that a request can meet', async () => {
  const write = { authorization: `Bearer ${writer}` };
  const read = { authorization: `Bearer ${reader}` };
  const cases: readonly (readonly [status: number, asked: Asked])[] = [
    [401, { path: '/v1/list_tasks' }],
    [401, { path: '/v1/list_tasks', headers: { authorization: 'Bearer lbt1wrong' } }],
    [401, { path: '/mcp' }],
    [401, { path: '/a2a' }],
    [403, { path: '/v1/list_tasks', headers: { ...write, host: 'elsewhere.example.com' } }],
    [403, { path: '/v1/list_tasks', headers: { ...write, origin: 'https://elsewhere.example.com' } }],
    [403, { path: '/v1/publish_claim', headers: read, body: '{"text":"x"}' }],
    [403, { path: '/v1/trust_clock', headers: write }],
    [403, { path: '/a2a/message:send', headers: { ...read, 'a2a-version': '1.0' }, body: A2A_MESSAGE }],
    [404, { path: '/v1/nothing', headers: write }],
    [404, { path: '/v1/get_task', headers: write, body: '{"task_id":"none"}' }],
    [404, { path: '/v1/get_task', headers: write, body: '{"task_id":"none","group_id":"none"}' }],
    [405, { path: '/v1/publish_claim', method: 'GET', headers: write }],
    [400, { path: '/v1/publish_claim', headers: write, body: '{"text":' }],
    [400, { path: '/v1/publish_claim', headers: write, body: '{"text":"' }],
    [400, { path: '/v1/publish_claim', headers: write, body: '{"nothing":1}' }],
    [400, { path: '/mcp?toolsets=nonsense', headers: write }],
    [400, { path: '/mcp?answer_tokens=1', headers: write }],
    [
      400,
      {
        path: '/v1/publish_claim',
        headers: { ...write, 'idempotency-key': ' '.repeat(300) },
        body: '{"text":"k"}',
      },
    ],
    [415, { path: '/v1/publish_claim', headers: { ...write, 'content-type': 'text/xml' }, body: '<x/>' }],
    [415, { path: '/v1/publish_claim', headers: { ...write, 'content-encoding': 'gzip' } }],
    [409, { path: '/v1/transfer', headers: write, body: '{"to":"node","amount":5}' }],
  ];
  for (const [status, asked] of cases) {
    const answer = await ask(asked);
    const what = `${asked.method ?? 'POST'} ${asked.path} ${JSON.stringify(asked.headers ?? {})} ${asked.body ?? ''}`;
    expect(answer.status, `${what}: ${answer.text.slice(0, 200)}`).toBe(status);
    expectNext(answer.text, what);
  }
});

test('of what is no request', async () => {
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write('what is this\r\n\r\n'));
    let all = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      all += chunk;
    });
    socket.on('end', () => resolve(all));
    socket.on('error', reject);
  });
  expectNext(text.split('\r\n\r\n')[1]!, 'no request');
});
