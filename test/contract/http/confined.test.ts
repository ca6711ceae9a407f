/** A token for some groups reaches those, and nothing else of the node, by whichever protocol its bearer speaks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Group } from '../../../actors/group.ts';
import { AccessTokens } from '../../../interfaces/access/tokens.ts';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { OPERATIONS } from '../../../interfaces/operations/registry.ts';
import { BatteryNode } from '../../../node.ts';
import { a2aClient, send } from '../../support/a2a.ts';
import { call, ERAS, failure, httpClient, serveOverHttp, tokenFor } from '../../support/mcp.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-confined-'));
let node: BatteryNode;
let server: HttpServer;
let own: Group;
let other: Group;
let token: string;
let claim: string;

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), threads: 1 });
  own = await node.createGroup({ name: 'own' });
  other = await node.createGroup({ name: 'other' });
  ({ claim } = await other.as('node').publishClaim({ text: 'A secret of the other group' }));
  await other.as('node').createTask({ task: 'hidden', title: 'A secret task' });
  server = await serveOverHttp(node, { a2a: true });
  const tokens = new AccessTokens(node.data);
  ({ token } = tokens.create({ name: 'confined', identity: 'node', groups: [own.groupId] }));
});
afterAll(async () => {
  await server.close();
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

async function get(path: string, bearer = token): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    headers: { authorization: `Bearer ${bearer}` },
  });
  return { status: response.status, text: await response.text() };
}

const POST = (body: object) => ({
  method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

describe('over HTTP', () => {
  test('the group may be left out, since there is one', async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/v1/publish_claim`, POST({ text: 'Ours' }));
    expect(response.status).toBe(200);
    const { text } = await get('/v1/get_recent_claims');
    expect(text).toContain('Ours');
    expect(text).not.toContain('secret');
    expect(JSON.parse((await get('/v1/list_groups')).text).groups).toMatchObject([{ name: 'own' }]);
    expect((await get('/v1/get_recent_claims', tokenFor(node, 'node'))).text).toContain('secret');
  });

  test('no name, id or prefix leads to another group', async () => {
    for (const given of ['other', other.groupId, other.groupId.slice(0, 8)]) {
      expect((await get(`/v1/list_tasks?group_id=${given}`)).status).toBe(404);
      expect((await get(`/v1/get_claim?group_id=${given}&claim_id=${claim}`)).status).toBe(404);
      expect((await get(`/v1/events?group_id=${given}`)).status).toBe(404);
    }
    for (const given of ['own', own.groupId, own.groupId.slice(0, 8)])
      expect((await get(`/v1/list_tasks?group_id=${given}`)).status).toBe(200);
  });

  test('what is about the whole node is refused, whatever it is', async () => {
    const wide = OPERATIONS.filter(({ isNodeWide }) => isNodeWide).map(({ name }) => name);
    for (const name of [
      'create_group',
      'join_group',
      'buy_offer',
      'list_orders',
      'network_status',
      'node_info',
    ])
      expect(wide).toContain(name);
    for (const name of wide) {
      const { status } = await fetch(`http://127.0.0.1:${server.port}/v1/${name}`, POST({}));
      expect([name, status]).toEqual([name, 403]);
    }
    expect((await get('/metrics')).status).toBe(403);
  });

  test('the event stream tells of no other group', async () => {
    const leaving = new AbortController();
    const { body } = await fetch(`http://127.0.0.1:${server.port}/v1/events?cursor=e1.`, {
      headers: { authorization: `Bearer ${token}` },
      signal: leaving.signal,
    });
    await node.createGroup({ name: 'a third' });
    await other.as('node').publishClaim({ text: 'Unheard' });
    await own.as('node').publishClaim({ text: 'Heard' });
    const last = own.head.height;
    let text = '';
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes(`"height":${last},`)) break;
    }
    leaving.abort();
    expect(text).toContain(own.groupId);
    expect(text).not.toContain(other.groupId);
    expect(text).not.toContain('group.opened');
  });
});

describe.each(ERAS)('over MCP in the %s era', (era) => {
  test('tools, resources and completions know the one group', async () => {
    const client = await httpClient(era, server.port, token, 'all');
    const { tools } = await client.listTools();
    const names = tools.map(({ name }) => name);
    expect(names).toContain('list_tasks');
    expect(names).not.toContain('create_group');
    expect(names).not.toContain('buy_offer');
    expect((await failure(client, 'create_group', { name: 'mine' })).code).toBe('forbidden');
    expect((await failure(client, 'get_task', { group_id: 'other', task_id: 'hidden' })).code).toBe(
      'not_found',
    );
    expect(await call(client, 'list_tasks')).toMatchObject({ tasks: [] });
    const { resources } = await client.listResources();
    expect(JSON.stringify(resources)).not.toContain(other.groupId);
    const uri = `lb://groups/${other.groupId}/claims/${claim}`;
    await expect(client.readResource({ uri })).rejects.toThrow();
    if (era === 'legacy') await expect(client.subscribeResource({ uri })).rejects.toThrow(/no resource/);
    const { completion } = await client.complete({
      ref: { type: 'ref/resource', uri: 'lb://groups/{group}' },
      argument: { name: 'group', value: '' },
    });
    expect(completion.values).toEqual(['own']);
    await client.close();
  });
});

test('over MCP, addresses of other groups are not listened to', async () => {
  const uris = [own, other].map(({ groupId }) => `lb://groups/${groupId}/claims`);
  const params = {
    notifications: { resourceSubscriptions: uris },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  };
  const leaving = new AbortController();
  const { headers, ...request } = POST({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params });
  const { body } = await fetch(`http://127.0.0.1:${server.port}/mcp`, {
    ...request,
    headers: {
      ...headers,
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    },
    signal: leaving.signal,
  });
  const { value } = await body!.pipeThrough(new TextDecoderStream()).getReader().read();
  leaving.abort();
  expect(value).toContain(uris[0]);
  expect(value).not.toContain(uris[1]);
});

test('over A2A, work goes to the one group, and is found nowhere else', async () => {
  const everywhere = await a2aClient('JSONRPC', server.port, tokenFor(node, 'node'));
  const hidden = await send(everywhere, 'for the other', { tenant: 'other' });
  const client = await a2aClient('JSONRPC', server.port, token);
  const sent = await send(client, 'for the own');
  expect(sent.metadata?.groupId).toBe(own.groupId);
  await expect(send(client, 'for another', { tenant: 'other' })).rejects.toThrow(/no group/);
  await expect(client.getTask({ id: hidden.id, tenant: '' })).rejects.toThrow();
  await expect(client.cancelTask({ id: hidden.id, tenant: '', metadata: undefined })).rejects.toThrow();
  const { tasks } = await client.listTasks({
    ...{ tenant: '', contextId: '', status: 0, pageToken: '', statusTimestampAfter: undefined },
  });
  expect(tasks.map(({ id }) => id)).toEqual([sent.id]);
  const card = await client.getAgentCard();
  expect(JSON.stringify(card)).not.toContain(other.groupId);
});

test('a token does not act on the node and is confined at once', () => {
  const tokens = new AccessTokens(node.data);
  expect(() => tokens.create({ name: 'both', isAdmin: true, groups: [own.groupId] })).toThrow(
    /cannot be both/,
  );
});
