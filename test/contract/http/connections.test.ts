/** Connections: how many one address holds, who is pushed out, how long one may do nothing, and what is said to it. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { blockOf } from '../../../interfaces/http/address-block.ts';
import { HEADERS_MS_MAX, REQUEST_MS_MAX } from '../../../interfaces/http/connections.ts';
import { FairShare } from '../../../interfaces/http/fair-share.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';
import { openTestNode } from '../../support/node.ts';
import { until } from '../../support/until.ts';

async function served() {
  const { node } = await openTestNode();
  await node.createGroup({ name: 'g' });
  const server = await serveOverHttp(node);
  onTestFinished(() => server.close());
  return { node, port: server.port, token: tokenFor(node) };
}

async function opened(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** All that comes, until the other side ends, and when that is. */
async function heard(socket: Socket): Promise<{ text: string; ms: number }> {
  const began = performance.now();
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  if (!socket.closed) await once(socket, 'close');
  return { text, ms: performance.now() - began };
}

function problemIn(text: string): { status: number; code: string } {
  expect(text).toContain('content-type: application/problem+json');
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as { status: number; code: string };
}

test('a flood of silent connections locks nobody out', async () => {
  const { port, token } = await served();
  const flood: Socket[] = [];
  for (let n = 0; n < 1_100; n++) flood.push(await opened(port));
  const isOpen = (): number => flood.filter((socket) => !socket.closed).length;
  await until('most are pushed out', () => isOpen() <= 64);
  const began = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/v1/list_tasks`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(200);
  expect(performance.now() - began).toBeLessThan(HEADERS_MS_MAX / 2);
  const other = await opened(port, '127.0.0.2');
  other.write('GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  expect((await heard(other)).text).toContain('200 OK');
}, 60_000);

/** As HTTP.md has them. */
const [STRANGER_IDLE_MS, BEARER_IDLE_MS, UNREAD_MS] = [10_000, 60_000, 30_000];

test('what does not come, and whoever does nothing or reads nothing, is ended when its time is over', async () => {
  const { port, token } = await served();
  const authorization = `authorization: Bearer ${token}\r\n`;
  const silent = await opened(port);
  const halfHeaders = await opened(port);
  halfHeaders.write('GET /health HTTP/1.1\r\nhost: localhost\r\n');
  const halfBody = await opened(port);
  halfBody.write(
    `POST /v1/list_tasks HTTP/1.1\r\nhost: localhost\r\n${authorization}content-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
  );
  const idleStranger = await opened(port);
  idleStranger.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const idleBearer = await opened(port);
  idleBearer.write(`GET /v1/list_tasks HTTP/1.1\r\nhost: localhost\r\n${authorization}\r\n`);
  const unread = unreadFor(port);
  const [first, second, third, stranger, bearer, unreadMs] = await Promise.all([
    heard(silent),
    heard(halfHeaders),
    heard(halfBody),
    heard(idleStranger),
    heard(idleBearer),
    unread,
  ]);
  for (const [what, ms, allowed] of [
    ['silence', first.ms, HEADERS_MS_MAX],
    ['half of the headers', second.ms, HEADERS_MS_MAX],
    ['half of the body', third.ms, REQUEST_MS_MAX],
    ['a stranger who does nothing', stranger.ms, STRANGER_IDLE_MS],
    ['a bearer who does nothing', bearer.ms, BEARER_IDLE_MS],
    ['an answer that nobody reads', unreadMs, UNREAD_MS],
  ] as const) {
    expect(ms, what).toBeGreaterThan(allowed - 1_000);
    expect(ms, what).toBeLessThan(allowed + 5_000);
  }
  for (const { text } of [second, third])
    expect(problemIn(text)).toMatchObject({ status: 408, code: 'request_timeout' });
  for (const { text } of [stranger, bearer]) expect(text).toContain('200 OK');
}, 120_000);

/** More than the buffers between two sockets hold. */
const UNREAD_REQUESTS = 100;

/** How long one is suffered that asks for a lot and reads nothing of it: until the node ends its side. */
async function unreadFor(port: number): Promise<number> {
  const accepted: Socket[] = [];
  const note = (message: unknown): void => void accepted.push((message as { socket: Socket }).socket);
  subscribe('net.server.socket', note);
  const socket = await opened(port, '127.0.0.3');
  const isOther = (one: Socket): boolean => one.remotePort === socket.localPort;
  await until('it is accepted', () => accepted.some(isOther));
  unsubscribe('net.server.socket', note);
  socket.pause();
  socket.write('GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(UNREAD_REQUESTS));
  const began = performance.now();
  await once(accepted.find(isOther)!, 'close');
  return performance.now() - began;
}

test.each([
  ['headers that are too long', `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
  ['what is no request', 'HELLO\r\n\r\n', 400],
  [
    'an expectation',
    'GET /health HTTP/1.1\r\nhost: localhost\r\nexpect: coffee\r\nconnection: close\r\n\r\n',
    417,
  ],
  ['a request without a host', 'GET /health HTTP/1.1\r\nconnection: close\r\n\r\n', 403],
])('%s is answered with a problem', async (_, request, status) => {
  const { port } = await served();
  const socket = await opened(port);
  socket.write(request);
  expect(problemIn((await heard(socket)).text)).toMatchObject({ status });
});

test('one token has half of the streams at the most, and another finds some', async () => {
  const { node, port, token } = await served();
  const other = tokenFor(node);
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const follow = async (bearer: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/v1/events`, {
      headers: { authorization: `Bearer ${bearer}` },
      signal: leaving.signal,
    });
  let held = 0;
  for (; held < 200; held++) if ((await follow(token)).status !== 200) break;
  expect(held).toBe(128);
  const refused = await follow(token);
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
    503,
    'too_many_streams',
  ]);
  expect((await follow(other)).status).toBe(200);
}, 60_000);

test('one token pushes nobody else out of a session of MCP', async () => {
  const { node, port, token } = await served();
  const other = tokenFor(node);
  const initialize = async (bearer: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bearer}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({
        ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
      }),
    });
    await response.text();
    return response.headers.get('mcp-session-id')!;
  };
  const first = await initialize(other);
  for (let n = 0; n < 1_030; n++) await initialize(token);
  const ping = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${other}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': first,
      'mcp-protocol-version': '2025-11-25',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'ping' }),
  });
  expect(ping.status).toBe(200);
}, 120_000);

test('a share is what is still free, so that there is always some for the next', () => {
  const shares = new FairShare(12);
  const taken = (who: string): number => {
    let count = 0;
    while (shares.take(who)) count++;
    return count;
  };
  expect([taken('a'), taken('b'), taken('c')]).toEqual([6, 3, 2]);
  expect(shares.free).toBe(1);
  shares.give('a');
  expect(shares.take('d')).toBe(true);
  shares.give('nobody');
  expect(shares.free).toBe(1);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['2002:c000:207::5', '192.0.2.7'],
  ['64:ff9b::192.0.2.7', '192.0.2.7'],
])('%s is counted as %s', (address, block) => {
  expect(blockOf(address)).toBe(block);
});
