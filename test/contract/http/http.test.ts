/** The HTTP interface, asked by `fetch`: who may come in, what operations answer, and what errors look like. */

import { request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AccessTokens } from '../../../interfaces/access/tokens.ts';
import type { HttpServer, HttpSettings } from '../../../interfaces/http/server.ts';
import { OPERATIONS } from '../../../interfaces/operations/registry.ts';
import type { BatteryNode } from '../../../node.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';
import { openTestNode } from '../../support/node.ts';

interface Served {
  readonly node: BatteryNode;
  readonly server: HttpServer;
  /** Of the node's own identity. */
  readonly token: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

async function served(settings: Partial<HttpSettings> = {}): Promise<Served> {
  const { node } = await openTestNode();
  await node.createGroup({ name: 'g' });
  const server = await serveOverHttp(node, settings);
  onTestFinished(() => server.close());
  const token = tokenFor(node, 'node');
  const base = `http://127.0.0.1:${server.port}`;
  const authorization = `Bearer ${token}`;
  return {
    node,
    server,
    token,
    get: (path, headers = {}) => fetch(base + path, { headers: { authorization, ...headers } }),
    post: (path, body, headers = {}) =>
      fetch(base + path, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
}

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly next?: string;
  readonly request_id: string;
}

async function problem(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const body = (await response.json()) as Problem;
  expect(body.status).toBe(response.status);
  expect(body.request_id).toBe(response.headers.get('x-request-id'));
  return body;
}

describe('operations', () => {
  test('are called by POST, and those that read by GET as well', async () => {
    const { get, post } = await served();
    const published = await post('/v1/publish_claim', { text: 'Over HTTP.', tags: ['a', 'b'] });
    expect(published.status).toBe(200);
    const { claim_id } = (await published.json()) as { claim_id: string };
    for (const response of [
      await get('/v1/get_recent_claims?limit=1'),
      await post('/v1/get_recent_claims', { limit: 1 }),
    ])
      expect(await response.json()).toMatchObject({
        claims: [{ claim_id, text: 'Over HTTP.', tags: ['a', 'b'], is_own: true }],
      });
    await post('/v1/create_task', { title: 'x', task_id: 'one', tags: ['a', 'b'] });
    const listed = (await (await get('/v1/list_tasks?status=open&tags=a,b')).json()) as { tasks: object[] };
    expect(listed.tasks).toMatchObject([{ task_id: 'one' }]);
    expect((await get('/v1/publish_claim?text=x')).status).toBe(405);
  });

  test('refuse what their schema does not allow, and say what', async () => {
    const { get, post } = await served();
    const wrong = await problem(await post('/v1/publish_claim', { txt: 'x' }));
    expect(wrong).toMatchObject({ status: 400, code: 'usage' });
    expect(wrong.detail).toMatch(
      /^text is missing: it must be .*; there is no parameter "txt" \(did you mean text\?\)/,
    );
    expect(await problem(await get('/v1/list_tasks?limit=many'))).toMatchObject({
      status: 400,
      code: 'usage',
    });
    expect(await problem(await post('/v1/publish_claim', '{"text":'))).toMatchObject({ status: 400 });
    const text = 'x'.repeat(9 * 1024 * 1024);
    expect(await problem(await post('/v1/publish_claim', { text }))).toMatchObject({ status: 413 });
  });

  test('say what the rules refuse, with the code of the refusal and what to do next', async () => {
    const { node, post } = await served();
    await node.createIdentity('bob');
    const headers = { authorization: `Bearer ${tokenFor(node, 'bob')}` };
    const refused = await problem(await post('/v1/publish_claim', { text: 'x' }, headers));
    expect(refused).toMatchObject({ status: 409, code: 'author_unknown' });
    expect(refused.next).toContain('join_group');
    expect(await problem(await post('/v1/start_task', { task_id: 'nothing!' }))).toMatchObject({
      status: 404,
      code: 'not_found',
    });
  });
});

describe('access', () => {
  test('without a token nothing is answered but what everybody may see', async () => {
    const { get } = await served();
    for (const path of ['/v1/list_tasks', '/v1/events', '/metrics', '/mcp']) {
      const response = await get(path, { authorization: '' });
      expect(response.headers.get('www-authenticate'), path).toMatch(
        /^Bearer resource_metadata="http:.*\/\.well-known\/oauth-protected-resource\/mcp"$/,
      );
      expect(await problem(response), path).toMatchObject({ status: 401, code: 'token_missing' });
    }
    const open = ['/health', '/ready', '/openapi.json', '/.well-known/oauth-protected-resource/mcp'];
    for (const path of open) expect((await get(path, { authorization: '' })).status, path).toBe(200);
  });

  test('a token that is unknown, expired or revoked opens nothing', async () => {
    const { node, get } = await served();
    const tokens = new AccessTokens(node.data);
    const ask = async (token: string) =>
      (await get('/v1/list_tasks', { authorization: `Bearer ${token}` })).status;
    const { token } = tokens.create({ name: 'short', expiresMs: Date.now() + 60_000 });
    expect(await ask(token)).toBe(200);
    expect(await ask(`${token.slice(0, -2)}xx`)).toBe(401);
    tokens.revoke('short');
    expect(await ask(token)).toBe(401);
    expect(await ask(tokens.create({ name: 'over', expiresMs: Date.now() - 1 }).token)).toBe(401);
  });

  test('a token does what its scopes say and no more', async () => {
    const { node, post, get } = await served();
    const as = (token: string) => ({ authorization: `Bearer ${token}` });
    const reader = as(tokenFor(node));
    expect((await get('/v1/list_tasks', reader)).status).toBe(200);
    expect(await problem(await post('/v1/publish_claim', { text: 'x' }, reader))).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
    const writer = as(tokenFor(node, 'node'));
    expect((await problem(await post('/v1/create_identity', { name: 'eve' }, writer))).status).toBe(403);
    const admin = as(tokenFor(node, undefined, true));
    expect((await post('/v1/create_identity', { name: 'dora' }, admin)).status).toBe(200);
    expect((await problem(await post('/v1/publish_claim', { text: 'x' }, admin))).status).toBe(403);
  });

  test('the file of tokens holds none of them', async () => {
    const { node } = await openTestNode();
    const tokens = new AccessTokens(node.data);
    const { token, access } = tokens.create({ name: 'a', identity: 'node' });
    const { readFileSync, statSync } = await import('node:fs');
    const path = `${node.data}/access.json`;
    expect(readFileSync(path, 'utf8')).not.toContain(token.slice(4));
    expect(readFileSync(path, 'utf8')).toContain(access.id);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['another name', { host: 'evil.example.com' }, 'host_refused'],
    ['a page of another origin', { host: 'localhost', origin: 'https://evil.example.com' }, 'origin_refused'],
    ['a page without an origin', { host: 'localhost', origin: 'null' }, 'origin_refused'],
  ])('a request that was led here under %s is refused', async (_, headers, code) => {
    const { server, token } = await served();
    for (const path of ['/v1/list_tasks', '/mcp', '/health']) {
      const { status, body } = await raw(server.port, path, { ...headers, authorization: `Bearer ${token}` });
      expect(status, path).toBe(403);
      expect((JSON.parse(body) as Problem).code, path).toBe(code);
    }
  });

  test('hosts and origins that the operator names are let in', async () => {
    const { server, token } = await served({
      http_allowed_hosts: ['node.example.com'],
      http_allowed_origins: ['page.example.com'],
    });
    const headers = { host: 'node.example.com:8443', origin: 'https://page.example.com' };
    const { status } = await raw(server.port, '/v1/list_tasks', {
      ...headers,
      authorization: `Bearer ${token}`,
    });
    expect(status).toBe(200);
  });

  test('one caller has so many requests, and another has their own', async () => {
    const { node, get } = await served({ http_max_req_per_min: 5 });
    for (let n = 0; n < 5; n++) expect((await get('/v1/list_tasks')).status).toBe(200);
    const limited = await get('/v1/list_tasks');
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await problem(limited)).toMatchObject({ status: 429, code: 'rate_limited' });
    const other = await get('/v1/list_tasks', { authorization: `Bearer ${tokenFor(node)}` });
    expect(other.status).toBe(200);
  });

  test('who guesses tokens is soon not answered any more', async () => {
    const { get } = await served();
    const statuses: number[] = [];
    for (let n = 0; n < 130; n++)
      statuses.push((await get('/v1/list_tasks', { authorization: `Bearer lbt1${n}` })).status);
    expect(statuses.slice(0, 100)).toEqual(Array(100).fill(401));
    expect(statuses.at(-1)).toBe(429);
    expect((await get('/v1/list_tasks')).status).toBe(200);
  });
});

/** A request with headers that `fetch` would not send. */
function raw(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    send({ port, host: '127.0.0.1', path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the description', () => {
  test('names every operation, and its schemas are schemas', async () => {
    const { get } = await served();
    const document = (await (await get('/openapi.json')).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { requestBody?: unknown; responses: Record<string, unknown> }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
    for (const { name, effect, input, output } of OPERATIONS) {
      const path = document.paths[`/v1/${name}`];
      expect(Object.keys(path ?? {}).sort(), name).toEqual(effect === 'reads' ? ['get', 'post'] : ['post']);
      for (const schema of [input, output])
        expect(() => ajv.compile(JSON.parse(JSON.stringify(schema))), name).not.toThrow();
    }
    for (const path of ['/v1/events', '/health', '/ready', '/metrics'])
      expect(document.paths).toHaveProperty([path]);
  });

  test('monitors are answered', async () => {
    const { get } = await served();
    expect(await (await get('/health')).json()).toMatchObject({ status: 'ok' });
    expect(await (await get('/ready')).json()).toMatchObject({ ready: true });
    expect(await (await get('/metrics')).text()).toContain('process_cpu_seconds_total');
  });
});

test('a port that is taken is said in one line', async () => {
  const { createServer } = await import('node:net');
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { node } = await openTestNode();
  const { port } = taken.address() as AddressInfo;
  await expect(serveOverHttp(node, { http_port: port })).rejects.toMatchObject({
    code: 'http_port_unusable',
  });
});
