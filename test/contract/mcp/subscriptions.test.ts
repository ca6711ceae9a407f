/**
 * Whoever subscribes to a resource by a name or by the beginning of an id is told of its changes under the address that
 * they wrote, or is refused at once: nothing is taken and then kept silent about.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Group } from '../../../actors/group.ts';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { BatteryNode } from '../../../node.ts';
import { httpClient, serveOverHttp, tokenFor } from '../../support/mcp.ts';
import { until } from '../../support/until.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'lb-subscriptions-'));
let node: BatteryNode;
let server: HttpServer;
let group: Group;
let claim = '';

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), durability: 'commit' });
  group = await node.createGroup({ name: 'work shop' });
  await node.createGroup({ name: 'other' });
  claim = (await group.as('node').publishClaim({ text: 'one' })).claim;
  await group.as('node').createTask({ task: 'a task/1', title: 'One' });
  server = await serveOverHttp(node);
});
afterAll(async () => {
  await server.close();
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

const namesOf = (): string[] => [
  group.groupId,
  group.groupId.slice(0, 8),
  'work%20shop',
  encodeURIComponent('work shop'),
];

test.each(['legacy', 'modern'] as const)('by every name fires, in the %s era', async (era) => {
  const me = group.as('node');
  const told: string[] = [];
  const client = await httpClient(era, server.port, tokenFor(node, 'node'), 'all');
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    told.push(params.uri);
  });
  const paths = [
    '',
    '/claims',
    '/tasks',
    `/claims/${claim}`,
    `/claims/${claim.slice(0, 10)}`,
    '/tasks/a%20task%2F1',
  ];
  const uris = [...new Set(namesOf().flatMap((name) => paths.map((path) => `lb://groups/${name}${path}`)))];
  if (era === 'legacy') for (const uri of uris) await client.subscribeResource({ uri });
  else await client.listen({ resourceSubscriptions: uris });
  const reward = era === 'legacy' ? 1n : 2n;
  await me.updatePolicy({ claim_reward_amount: reward });
  await me.publishClaim({ text: `more of ${era}` });
  await me.createTask({ task: `more-${era}`, title: 'More' });
  if (era === 'legacy') await me.retractClaim(claim);
  else await me.reinstateClaim(claim);
  await me.assignTask('a task/1', me.publicKey).catch(() => me.releaseTask('a task/1'));
  await until('every subscription has fired', () => uris.every((uri) => told.includes(uri)), 30_000).catch(
    () => {
      expect(uris.filter((uri) => !told.includes(uri))).toEqual([]);
    },
  );
  await client.close();
});

test('what is not there, or is never told of, is refused', async () => {
  const client = await httpClient('legacy', server.port, tokenFor(node, 'node'), 'all');
  for (const uri of [
    'lb://groups/nobody/claims',
    `lb://groups/${group.groupId}/claims/${'ab'.repeat(32)}`,
    `lb://groups/${group.groupId}/tasks/none`,
    `lb://groups/${group.groupId}/threads/${claim}`,
    `lb://groups/${group.groupId}/blocks/0`,
    `lb://groups/${group.groupId}/anything`,
    'lb://',
    'https://example.com',
  ])
    await expect(client.subscribeResource({ uri }), uri).rejects.toThrow();
  await client.close();
});
