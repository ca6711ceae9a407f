/** Pages in a browser, wrong methods, wrong encodings, and toolsets that there are not. */
import { expect, onTestFinished, test } from 'vitest';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';
import { openTestNode } from '../../support/node.ts';

async function served() {
  const { node } = await openTestNode();
  await node.createGroup({ name: 'g' });
  const server = await serveOverHttp(node, { http_allowed_origins: ['page.example.com'], a2a: true });
  onTestFinished(() => server.close());
  const authorization = `Bearer ${tokenFor(node, 'node')}`;
  return (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string | Uint8Array<ArrayBuffer>,
  ) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      headers: { authorization, ...headers },
      ...(body === undefined ? {} : { body }),
    });
}

const ORIGIN = { origin: 'https://page.example.com' };

test('a preflight of an allowed origin is answered without a token', async () => {
  const ask = await served();
  for (const path of ['/v1/publish_claim', '/mcp', '/a2a', '/v1/events']) {
    const response = await ask('OPTIONS', path, {
      ...ORIGIN,
      authorization: '',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, content-type, idempotency-key',
    });
    expect(response.status, path).toBe(204);
    expect(response.headers.get('access-control-allow-origin'), path).toBe(ORIGIN.origin);
    expect(response.headers.get('access-control-allow-methods'), path).toContain('POST');
    const allowed = response.headers.get('access-control-allow-headers')!.split(', ');
    for (const name of ['authorization', 'content-type', 'idempotency-key', 'mcp-session-id'])
      expect(allowed, path).toContain(name);
  }
  const refused = await ask('OPTIONS', '/mcp', {
    origin: 'https://evil.example.com',
    'access-control-request-method': 'POST',
  });
  expect(refused.status).toBe(403);
  expect(refused.headers.get('access-control-allow-origin')).toBeNull();
});

test('a page of an allowed origin may read answers, errors and the event stream', async () => {
  const ask = await served();
  const leaving: Response[] = [];
  for (const path of ['/v1/list_tasks', '/v1/list_tasks?limit=x', '/nowhere', '/v1/events']) {
    const response = await ask('GET', path, ORIGIN);
    leaving.push(response);
    expect(response.headers.get('access-control-allow-origin'), path).toBe(ORIGIN.origin);
    expect(response.headers.get('vary'), path).toContain('origin');
    expect(response.headers.get('access-control-expose-headers'), path).toContain('x-request-id');
  }
  for (const { body } of leaving) await body?.cancel();
  const unauthorized = await ask('GET', '/v1/list_tasks', { ...ORIGIN, authorization: '' });
  expect(unauthorized.status).toBe(401);
  expect(unauthorized.headers.get('access-control-allow-origin')).toBe(ORIGIN.origin);
});

test.each([
  ['GET', '/v1/publish_claim', 'POST'],
  ['DELETE', '/v1/list_tasks', 'GET, HEAD, POST'],
  ['PUT', '/mcp', 'DELETE, GET, HEAD, POST'],
  ['GET', '/a2a', 'POST'],
  ['POST', '/health', 'GET, HEAD'],
  ['POST', '/openapi.json', 'GET, HEAD'],
  ['PATCH', '/a2a/tasks/x', 'GET, HEAD, POST'],
])('%s %s is a 405 that says what is allowed', async (method, path, allow) => {
  const ask = await served();
  const response = await ask(method, path);
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')).toBe(allow);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  expect(((await response.json()) as { code: string }).code).toBe('method_not_allowed');
});

test.each([
  ['a compressed body', { 'content-encoding': 'gzip' }, '{}', 415],
  ['another charset', { 'content-type': 'application/json; charset=utf-16' }, '{}', 415],
  ['bytes that are no UTF-8', {}, new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400],
  ['a body that is nested too deeply', {}, '['.repeat(10_000) + ']'.repeat(10_000), 400],
  ['no JSON', {}, '{"text": NaN}', 400],
] as const)('%s is refused with a problem', async (_, headers, body, status) => {
  const ask = await served();
  const response = await ask(
    'POST',
    '/v1/list_tasks',
    { 'content-type': 'application/json', ...headers },
    body,
  );
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
});

test.each(['default,nonsense', 'defualt'])(
  'the toolsets %s are a 400 that names those there are',
  async (given) => {
    const ask = await served();
    const response = await ask(
      'POST',
      `/mcp?toolsets=${given}`,
      { 'content-type': 'application/json' },
      '{}',
    );
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toContain('there are default, knowledge');
  },
);

test('megabytes of names that nobody asked for stop nothing', async () => {
  const ask = await served();
  const names = Array.from({ length: 400_000 }, (_, n) => `"unknown${n}":1`);
  const body = `{${names.join(',')}}`;
  for (const path of ['/v1/publish_claim', '/a2a', '/mcp']) {
    const headers = {
      'content-type': 'application/json',
      'a2a-version': '1.0',
      accept: 'application/json, text/event-stream',
    };
    const response = await ask('POST', path, headers, body);
    const text = await response.text();
    expect([200, 400], path).toContain(response.status);
    expect(text, path).toContain('more than 20000 values');
    expect(text.length, path).toBeLessThan(1_000);
  }
  const few = `{${names.slice(0, 19_000).join(',')}}`;
  const { detail } = (await (
    await ask('POST', '/v1/publish_claim', { 'content-type': 'application/json' }, few)
  ).json()) as { detail: string };
  expect(detail.length).toBeLessThan(1_000);
});

test.each([
  ['of megabytes', 'x'.repeat(7_000_000)],
  ['of millions of words', 'x_'.repeat(3_500_000)],
])('a parameter whose name is %s is told of in a line, at once', async (_, name) => {
  const ask = await served();
  const body = `{"text":"x","${name}":1}`;
  const headers = { 'content-type': 'application/json' };
  const sinceMs = performance.now();
  const { detail } = (await (await ask('POST', '/v1/publish_claim', headers, body)).json()) as {
    detail: string;
  };
  // To compare it with the parameters that there are would take 3 to 8 s.
  expect(performance.now() - sinceMs).toBeLessThan(1_500);
  expect(detail).toContain('there is no parameter');
  expect(detail.length).toBeLessThan(1_000);
});
