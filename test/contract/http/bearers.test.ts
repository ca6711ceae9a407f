/** What a token holds ends with it, and what a request says of itself is taken as it is meant or not at all. */
import { request as send } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { AccessTokens } from '../../../interfaces/access/tokens.ts';
import { a2aClient, send as sendMessage } from '../../support/a2a.ts';
import { serveOverHttp } from '../../support/mcp.ts';
import { openTestNode } from '../../support/node.ts';
import { until } from '../../support/until.ts';

async function served(settings: Parameters<typeof serveOverHttp>[1] = {}) {
  const { node } = await openTestNode();
  await node.createGroup({ name: 'g' });
  const server = await serveOverHttp(node, { a2a: true, ...settings });
  onTestFinished(() => server.close());
  const tokens = new AccessTokens(node.data);
  return { node, tokens, port: server.port };
}

const JSON_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'a2a-version': '1.0',
};

/** Follows a stream; true as soon as it has ended. */
function watched(response: Response): { isOver: boolean } {
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const seen = { isOver: false };
  const end = (): void => {
    seen.isOver = true;
  };
  response.body!.pipeTo(new WritableStream()).then(end, end);
  return seen;
}

test.each(['revoked', 'expired'] as const)(
  'the streams of a token that is %s end, and those of others go on',
  async (how) => {
    const { tokens, port } = await served();
    const [lost, kept] = [
      tokens.create({
        name: 'lost',
        identity: 'node',
        ...(how === 'expired' ? { expiresMs: Date.now() + 8_000 } : {}),
      }).token,
      tokens.create({ name: 'kept', identity: 'node' }).token,
    ];
    const { id } = await sendMessage(await a2aClient('JSONRPC', port, kept), 'm');
    const base = `http://127.0.0.1:${port}`;
    const streams = async (bearer: string) => {
      const headers = { ...JSON_HEADERS, authorization: `Bearer ${bearer}` };
      const post = (path: string, body: object, more = {}): Promise<Response> =>
        fetch(base + path, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) });
      const opened = await post('/mcp', {
        ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
      });
      await opened.text();
      const session = { 'mcp-session-id': opened.headers.get('mcp-session-id')! };
      return [
        watched(await fetch(`${base}/v1/events`, { headers })),
        watched(await fetch(`${base}/mcp`, { headers: { ...headers, ...session } })),
        watched(
          await post('/a2a', {
            jsonrpc: '2.0',
            id: 1,
            method: 'SubscribeToTask',
            params: { id, tenant: '' },
          }),
        ),
      ];
    };
    const [ending, staying] = [await streams(lost), await streams(kept)];
    if (how === 'revoked') tokens.revoke('lost');
    await until('they end', () => ending.every(({ isOver }) => isOver));
    expect(staying.map(({ isOver }) => isOver)).toEqual([false, false, false]);
  },
  30_000,
);

test('who is told to wait is told how long', async () => {
  const { port } = await served({ http_max_req_per_min: 3, a2a: false });
  const statuses: number[] = [];
  for (let n = 0; n < 200; n++) {
    const response = await fetch(`http://127.0.0.1:${port}/v1/list_tasks`);
    await response.text();
    statuses.push(response.status);
    if (response.status !== 429) continue;
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    break;
  }
  expect(statuses.at(-1)).toBe(429);
  const open: Response[] = [];
  for (let n = 0; n < 4; n++) open.push(await fetch(`http://127.0.0.1:${port}/health`));
  expect(open.at(-1)!.status).toBe(429);
  expect(open.at(-1)!.headers.get('retry-after')).toMatch(/^\d+$/);
});

/** Asks for exactly this, under any host. */
function asked(port: number, path: string, host: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    send({ port, host: '127.0.0.1', path, headers: { host } }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    })
      .on('error', reject)
      .end();
  });
}

test('the whole address of what is asked for may be named, as to a proxy', async () => {
  const { port } = await served();
  const host = `127.0.0.1:${port}`;
  expect((await asked(port, `http://${host}/health`, host)).status).toBe(200);
  expect((await asked(port, `http://${host}/v1/list_tasks`, host)).status).toBe(401);
});

test('the description names the address under which it was asked for, however many there are', async () => {
  const { port } = await served();
  for (const host of ['localhost', '203.0.113.9:8080', '[2001:db8::1]']) {
    const { servers } = JSON.parse((await asked(port, '/openapi.json', host)).text) as {
      servers: { url: string }[];
    };
    expect(servers[0]!.url).toBe(`http://${host}`);
  }
});

test('hosts are the same in any case, and addresses in any form', async () => {
  const { SETTINGS } = await import('../../../interfaces/config/schema.ts');
  const { kind } = SETTINGS.http_allowed_hosts;
  const named = kind.fromText('Node.Example.COM,[2001:DB8:0:0::1]', '') as string[];
  const { port } = await served({ http_allowed_hosts: named, http_allowed_origins: named });
  for (const host of ['node.example.com', 'NODE.EXAMPLE.COM:8443', '[2001:db8::1]'])
    expect((await asked(port, '/health', host)).status, host).toBe(200);
  const page = await fetch(`http://127.0.0.1:${port}/health`, {
    headers: { origin: 'https://node.example.com' },
  });
  expect(page.headers.get('access-control-allow-origin')).toBe('https://node.example.com');
});
