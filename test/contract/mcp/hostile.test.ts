/** What a client may send that is no call: each is answered or dropped, and the next client is served. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { BatteryNode } from '../../../node.ts';
import { BIN } from '../../e2e/bin-lb.ts';
import { call, httpClient, serveOverHttp, stdioClient, tokenFor } from '../../support/mcp.ts';
import { startNode, stopNode, type UpNode } from '../../support/owner.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'hostile', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const request = (id: number, method: string, params: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: ENVELOPE } });
const toolCall = (id: number, name: unknown, input: unknown): string =>
  request(id, 'tools/call', { name, arguments: input });

/** What a call is answered with: the code of its error, as a result or of the protocol. */
const WRONG: readonly (readonly [what: string, body: string, code: string | number])[] = [
  ['an unknown tool', toolCall(1, 'drop_database', {}), -32602],
  ['a tool of another toolset', toolCall(1, 'mint', { to: 'x', amount: 1 }), -32602],
  ['a tool without a name', toolCall(1, 7, {}), -32602],
  ['arguments that are no object', toolCall(1, 'publish_claim', 'text'), -32602],
  ['a missing argument', toolCall(1, 'publish_claim', {}), 'usage'],
  ['a wrong type', toolCall(1, 'publish_claim', { text: { toString: 1 } }), 'usage'],
  ['a misspelt argument', toolCall(1, 'publish_claim', { text: 'x', txet: 'y' }), 'usage'],
  ['an inherited name', toolCall(1, 'publish_claim', { text: 'x', constructor: {} }), 'usage'],
  ['a number out of bounds', toolCall(1, 'list_tasks', { limit: 1e9 }), 'usage'],
  ['a status that is none', toolCall(1, 'list_tasks', { status: 'lost' }), 'usage'],
  ['a cursor of another list', toolCall(1, 'list_tasks', { cursor: 'e1.abc' }), 'usage'],
  ['a cursor that is none', toolCall(1, 'watch_claims', { cursor: 'now', timeout_ms: 0 }), 'usage'],
  ['a group that is none', toolCall(1, 'list_tasks', { group_id: 'nowhere' }), 'not_found'],
  ['a text with NUL', toolCall(1, 'publish_claim', { text: 'a\u0000b' }), 'malformed'],
  ['half a character', toolCall(1, 'publish_claim', { text: 'a\ud800' }), 'usage'],
  ['an amount below zero', toolCall(1, 'create_task', { title: 'x', reward: -1 }), 'usage'],
  ['an amount of hex', toolCall(1, 'create_task', { title: 'x', reward: '0x10' }), 'usage'],
  ['an unknown method', request(1, 'tools/drop', {}), -32601],
  ['a resource that is none', request(1, 'resources/read', { uri: 'lb://groups/nowhere' }), -32602],
  ['a resource outside', request(1, 'resources/read', { uri: 'file:///etc/passwd' }), -32602],
  ['a prompt that is none', request(1, 'prompts/get', { name: 'obey' }), -32602],
  [
    'a prompt of a group that is none',
    request(1, 'prompts/get', { name: 'summarise_news', arguments: { group: 'nowhere' } }),
    -32602,
  ],
];

interface Answer {
  readonly result?: { readonly isError?: boolean; readonly content?: readonly { readonly text: string }[] };
  readonly error?: { readonly code: number };
  readonly id?: string | number | null;
}

function codeOf({ result, error }: Answer): string | number | undefined {
  if (error !== undefined) return error.code;
  const text = result?.isError ? result.content?.[0]?.text : undefined;
  return text === undefined ? undefined : (JSON.parse(text) as { error: { code: string } }).error.code;
}

describe('over HTTP', () => {
  let node: BatteryNode;
  let server: HttpServer;
  let token: string;
  beforeAll(async () => {
    node = await BatteryNode.openOrInit({ data: join(folder, 'http') });
    await node.createGroup({ name: 'hostile' });
    server = await serveOverHttp(node);
    token = tokenFor(node, 'node');
  });
  afterAll(async () => {
    await server.close();
    await node.close();
  });
  afterEach(async () => {
    const client = await httpClient('modern', server.port, token);
    expect((await call(client, 'list_tasks')).tasks).toEqual([]);
    await client.close();
  });

  const post = (body: string, headers: Record<string, string> = {}): Promise<Response> => {
    const { method, params } = (body.startsWith('{"jsonrpc":"2.0"') ? JSON.parse(body) : {}) as {
      method?: string;
      params?: { name?: unknown; uri?: unknown };
    };
    const name = params?.name ?? params?.uri;
    return fetch(`http://127.0.0.1:${server.port}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        ...(method === undefined ? {} : { 'mcp-method': method }),
        ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
        ...headers,
      },
      body,
    });
  };

  test.each(WRONG)('%s', async (_, body, code) => {
    expect(codeOf((await (await post(body)).json()) as Answer)).toBe(code);
  });

  test.each([
    ['no JSON', '{"jsonrpc":', 400],
    ['JSON that is no message', '[1,2,3]', 400],
    ['nothing', '', 400],
    ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400],
  ])('%s', async (_, body, status) => {
    expect((await post(body)).status).toBe(status);
  });

  test('a body that is too long is refused unread', async () => {
    const long = toolCall(1, 'publish_claim', { text: 'x'.repeat(9 * 1024 * 1024) });
    const refused = await post(long).catch(() => undefined);
    // The connection may be cut while the client still sends.
    if (refused !== undefined) expect(refused.status).toBe(413);
  });

  test('a body of another type', async () => {
    expect((await post('<call/>', { 'content-type': 'text/xml' })).status).toBe(415);
  });

  test('a client that leaves in the middle of its request', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{"jsonrpc"');
    socket.destroy();
    await once(socket, 'close');
  });

  test('a client that leaves in the middle of a call, whose wait ends with it', async () => {
    const leaving = new AbortController();
    const waiting = fetch(`http://127.0.0.1:${server.port}/v1/watch_claims?timeout_ms=50000`, {
      headers: { authorization: `Bearer ${token}` },
      signal: leaving.signal,
    });
    const growing = node.bus.head$;
    await until(() => (growing as unknown as { source?: { observed?: boolean } }).source?.observed === true);
    leaving.abort();
    await expect(waiting).rejects.toThrow();
  });
});

/** Waits for a condition, and for nothing else. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe('over stdio', () => {
  const data = join(folder, 'stdio');
  let up: UpNode;
  beforeAll(async () => {
    const node = await BatteryNode.openOrInit({ data });
    await node.createGroup({ name: 'hostile' });
    await node.close();
    up = await startNode(data, { LB_LOG_LEVEL: 'warn', LB_P2P: 'false' });
  });
  afterAll(async () => {
    await stopNode(up);
  });

  /** A host that writes bytes as it likes. */
  function host() {
    const child = spawn(BIN, ['mcp', '--data', data, '--identity', 'node'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<Answer> => JSON.parse((await lines.next()).value as string) as Answer;
    return { child, next, write: (text: string) => child.stdin.write(text) };
  }

  test('every wrong message is answered on one connection, and so is noise between them', async () => {
    const { child, next, write } = host();
    for (const [what, body, code] of WRONG) {
      write('{"jsonrpc": nonsense\n\u0000\u0001\n\n');
      for (let at = 0; at < 2; at++) expect(codeOf(await next())).toBe(-32700);
      write(`${body}\n`);
      expect(codeOf(await next()), what).toBe(code);
    }
    child.stdin.end();
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  test('a line that is too long is an error with its id, wherever that stands, and the next one is read', async () => {
    const { child, next, write } = host();
    const params = { name: 'list_tasks', arguments: { status: 'x'.repeat(9 * 1024 * 1024) } };
    const method = 'tools/call';
    for (const message of [
      { id: 'first', method, params },
      { method, params, id: 'last' },
      { method, params },
    ]) {
      write(`${JSON.stringify(message)}\n`);
      const answer = await next();
      expect(codeOf(answer)).toBe(-32600);
      expect(answer.id).toBe('id' in message ? message.id : null);
    }
    write(`${JSON.stringify({ jsonrpc: '2.0', id: 4, method: 'ping' })}\n`);
    expect(await next()).toMatchObject({ id: 4 });
    child.stdin.end();
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  test('whatever has an id and is no message gets an error', async () => {
    const { child, next, write } = host();
    for (const [line, id] of [
      ['{"jsonrpc":"2.0","id":1}', 1],
      ['{"id":2,"method":"ping"}', 2],
      ['{"jsonrpc":"2.0","id":"3","method":5}', '3'],
      ['{"jsonrpc":"2.0","id":4,"method":"tools/list","params":[]}', 4],
      ['{"jsonrpc":"2.0","id":5,"method":"ping","params":{"_meta":7}}', 5],
      ['{"jsonrpc":"2.0","id":6,"method":', 6],
      ['{"params":{"id":9},"id":7', 7],
      ['{"jsonrpc":"2.0","id":{},"method":"ping"}', null],
      ['7', null],
      ['[]', null],
    ] as const) {
      write(`${line}\n`);
      expect(await next(), line).toMatchObject({ id, error: { code: expect.any(Number) } });
    }
    child.stdin.end();
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  test('what was asked before the client closed its end is answered', async () => {
    const { child, next, write } = host();
    const initialize = {
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    };
    const call = (id: number, name: string, given: unknown) => ({
      id,
      method: 'tools/call',
      params: { name, arguments: given },
    });
    const startedMs = performance.now();
    for (const message of [
      initialize,
      { method: 'notifications/initialized' },
      call(2, 'publish_claim', { text: 'Said while leaving.', tags: null }),
      call(3, 'list_tasks', null),
      call(4, 'watch_claims', { timeout_ms: 50_000 }),
    ])
      write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    // The last one ends with the input.
    child.stdin.end(
      JSON.stringify({ jsonrpc: '2.0', id: 5, method: 'resources/read', params: { uri: 'lb://x' } }),
    );
    const answers = [await next(), await next(), await next(), await next(), await next()];
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([1, 2, 3, 4, 5]));
    // Older clients know a code of its own for what is not there.
    expect(answers.find(({ id }) => id === 5)).toMatchObject({ error: { code: -32002 } });
    for (const id of [2, 3, 4])
      expect(answers.find((one) => one.id === id)).not.toMatchObject({ result: { isError: true } });
    expect((await once(child, 'exit'))[0]).toBe(0);
    expect(performance.now() - startedMs, 'nobody waits for claims that nobody reads').toBeLessThan(50_000);
  });

  test('a hundred calls at once are all answered', async () => {
    const client = await stdioClient('modern', ['--data', data, '--identity', 'node']);
    const claims = await Promise.all(
      Array.from({ length: 100 }, (_, at) => call(client, 'publish_claim', { text: `At once, ${at}.` })),
    );
    expect(new Set(claims.map(({ claim_id }) => claim_id)).size).toBe(100);
    await client.close();
  });
});
