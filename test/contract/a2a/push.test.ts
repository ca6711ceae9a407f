/** Push notifications: where they go, where they never go, and that none is lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StreamResponse } from '@a2a-js/sdk';
import { afterEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../../events/bytes.ts';
import { parseTarget, post } from '../../../interfaces/a2a/push-target.ts';
import type { HttpServer, HttpSettings } from '../../../interfaces/http/server.ts';
import { BatteryNode } from '../../../node.ts';
import { a2aClient, BINDINGS, send, told } from '../../support/a2a.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';
import { until } from '../../support/until.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Listener {
  readonly url: string;
  readonly heard: { headers: IncomingHttpHeaders; line: string }[];
  /** The answers to come; 200 when there are none left. */
  readonly answers: number[];
}

async function listener(): Promise<Listener> {
  const heard: Listener['heard'] = [];
  const answers: number[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const status = answers.shift() ?? 200;
      response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:1/' } : {}).end();
      const line = status === 200 ? told(StreamResponse.fromJSON(JSON.parse(body))) : `answered ${status}`;
      heard.push({ headers: request.headers, line });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, heard, answers };
}

async function opened(settings: Partial<HttpSettings>, data?: string) {
  const folder = data ?? join(mkdtempSync(join(tmpdir(), 'lb-push-')), 'node');
  const node = await BatteryNode.openOrInit({ data: folder, threads: 1 });
  const server: HttpServer = await serveOverHttp(node, { a2a: true, ...settings });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await server.close();
    await node.close();
  };
  cleanups.push(async () => {
    await close();
    rmSync(join(folder, '..'), { recursive: true, force: true });
  });
  return { node, server, close, folder };
}

describe.each(BINDINGS)('over %s', (binding) => {
  test('a target is told of every change, with what proves who tells it, until it is removed', async () => {
    const { url, heard, answers } = await listener();
    const { node, server } = await opened({ a2a_push_private: true });
    const group = await node.createGroup({ name: 'g' });
    const client = await a2aClient(binding, server.port, tokenFor(node, 'node'));
    answers.push(500, 302);
    const sent = await send(client, 'one', { push: { url, token: 'secret-1' } });
    await until('the first', () => heard.length === 3);
    // An error, and a redirect, which is not followed, are tried again.
    expect(heard.map(({ line }) => line)).toEqual(['answered 500', 'answered 302', 'task 1']);
    expect(heard[2]!.headers).toMatchObject({
      'x-a2a-notification-token': 'secret-1',
      'content-type': 'application/a2a+json',
    });
    const { configs } = await client.listTaskPushNotificationConfig({
      tenant: '',
      taskId: sent.id,
      pageSize: 0,
      pageToken: '',
    });
    expect(configs).toMatchObject([{ url, taskId: sent.id }]);
    const config = { tenant: '', taskId: sent.id, id: configs[0]!.id };
    expect(await client.getTaskPushNotificationConfig(config)).toMatchObject({
      id: config.id,
      token: 'secret-1',
    });
    const reader = await a2aClient(binding, server.port, tokenFor(node));
    expect(await reader.getTaskPushNotificationConfig(config)).toMatchObject({ id: config.id, token: '' });
    const onDisk = Array.from(node.networkPort.store.agents.list(), (entry) =>
      Buffer.concat(entry).toString(),
    );
    expect(onDisk.join()).toContain(url);
    expect(onDisk.join()).not.toContain('secret-1');
    await client.createTaskPushNotificationConfig({
      ...{ tenant: '', taskId: sent.id, id: 'second', url, token: '' },
      authentication: { scheme: 'Bearer', credentials: 'c' },
    });
    await until('the second target', () => heard.length === 4);
    expect(heard[3]!.headers.authorization).toBe('Bearer c');
    await client.deleteTaskPushNotificationConfig(config);
    await client.cancelTask({ id: sent.id, tenant: '', metadata: undefined });
    await until('the end', () => heard.length === 5);
    expect(heard[4]!.line).toBe('task 5');
    expect(heard[4]!.headers['x-a2a-notification-token']).toBeUndefined();
    expect(group.now.task(String(sent.metadata?.taskId))?.status).toBe('cancelled');
  });
});

test('what changed while the node was away, or nobody listened, is told after its start', async () => {
  const { url, heard } = await listener();
  const first = await opened({ a2a_push_private: true });
  const { groupId } = await first.node.createGroup({ name: 'g' });
  const client = await a2aClient('JSONRPC', first.server.port, tokenFor(first.node, 'node'));
  const sent = await send(client, 'one', { push: { url } });
  await until('the first', () => heard.length === 1);
  await first.server.close();
  await first.node.group(groupId).as('node').cancelTask(String(sent.metadata?.taskId));
  await first.close();
  await opened({ a2a_push_private: true }, first.folder);
  await until('the end', () => heard.length === 2);
  expect(heard[1]!.line).toBe('task 5');
});

test('a private target is refused before anything is made, unless it is allowed', async () => {
  const { url, heard } = await listener();
  const { node, server } = await opened({});
  const group = await node.createGroup({ name: 'g' });
  const client = await a2aClient('JSONRPC', server.port, tokenFor(node, 'node'));
  await expect(send(client, 'one', { push: { url } })).rejects.toThrow(/https/);
  await expect(send(client, 'one', { push: { url: url.replace('http', 'https') } })).rejects.toThrow(
    /public/,
  );
  expect(group.now.tasks()).toEqual([]);
  expect(heard).toEqual([]);
});

describe('a target', () => {
  const policy = { arePrivateAllowed: false };

  test.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://10.1.2.3/',
    'https://172.16.0.1/',
    'https://192.168.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://x.localhost/',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'http://example.org/',
    'ftp://example.org/',
    'file:///etc/passwd',
    'https://user:password@example.org/',
    'https://',
    'nonsense',
    `https://example.org/${'x'.repeat(3_000)}`,
  ])('%s is refused', (url) => {
    expect(() => parseTarget(url, policy)).toThrow(expect.objectContaining({ code: 'target_refused' }));
  });

  test.each(['https://example.org/hook', 'https://93.184.216.34/', 'https://[2606:2800:220:1::]/x'])(
    '%s may be tried',
    (url) => {
      expect(parseTarget(url, policy).href).toBe(url);
    },
  );

  test('a name that leads to this machine is refused when the connection is made', async () => {
    // Whatever the resolver says of it, it is never connected to: a name without a dot is of the local network.
    const { hostname } = await import('node:os').then(({ hostname }) => ({ hostname: hostname() }));
    const failure = post(
      { url: `https://${hostname}:1/`, headers: {}, body: '' },
      policy,
      AbortSignal.timeout(9_000),
    );
    await expect(failure).rejects.toMatchObject({ name: 'PushTargetError' });
    await expect(failure).rejects.not.toThrow(/ECONNREFUSED/);
  });
});

test('a target from before secrets were sealed is told with its own, which are sealed from then on', async () => {
  const { url, heard } = await listener();
  const { node, server, close, folder } = await opened({ a2a_push_private: true });
  await node.createGroup({ name: 'g' });
  const client = await a2aClient('JSONRPC', server.port, tokenFor(node, 'node'));
  const sent = await send(client, 'one');
  const [group, task] = [sent.metadata?.groupId, sent.metadata?.taskId].map(String);
  const old = { group, task, config: 'old', url, token: 'plain', told: '' };
  const { agents } = node.networkPort.store;
  await agents.put(utf8(`p${group}${task}/old`), utf8(JSON.stringify(old)));
  await close();
  const again = await opened({ a2a_push_private: true }, folder);
  await until('it is told', () => heard.length === 1);
  expect(heard[0]!.headers['x-a2a-notification-token']).toBe('plain');
  const kept = () =>
    Buffer.from(again.node.networkPort.store.agents.get(utf8(`p${group}${task}/old`))!).toString();
  await until('it is sealed', () => !kept().includes('plain'));
  expect(JSON.parse(kept())).toMatchObject({ url, sealed: expect.any(String) });
});
