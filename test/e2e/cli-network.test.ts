/** The quick start of two nodes, as people type it: two data directories, two processes, real sockets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { freePort } from '../support/loopback.ts';
import { startNode, stopNode, type UpNode } from '../support/owner.ts';
import { lb, lbJson } from './spawn-lb.ts';

const directory = mkdtempSync(join(tmpdir(), 'lb-cli-net-'));
const running: UpNode[] = [];

afterEach(async () => {
  for (const node of running.splice(0)) await stopNode(node);
  rmSync(directory, { recursive: true, force: true });
});

/** `lb up` in the background, as one types it who wants a certain port. */
async function up(data: string, port: number): Promise<UpNode> {
  const node = await startNode(data, {}, ['--host', '127.0.0.1', '--port', String(port)]);
  running.push(node);
  return node;
}

it('B knows nothing but a host and a port: connects, names the peer, follows the group, and lets go', async () => {
  const a = { data: join(directory, 'a') };
  const b = { data: join(directory, 'b') };
  const port = await freePort();
  for (const one of [a, b]) await lbJson(['init'], one);
  const { group_id } = await lbJson<{ group_id: string }>(['create-group', '--name', 'domain:place'], a);
  const keys = await Promise.all(
    [a, b].map((one) => lbJson<{ identities: { public_key: string }[] }>(['info'], one)),
  );
  const [keyOfA, keyOfB] = keys.map(({ identities }) => identities[0]!.public_key);
  await lbJson(['add-member', '--pub', keyOfB!, '--role', 'member'], a);
  const node = await up(a.data, port);
  const place = ['--host', '127.0.0.1', '--port', String(port)];

  expect(await lbJson(['connect', ...place], b)).toMatchObject({ key: keyOfA });
  expect(await lbJson(['connect', ...place, '--group', group_id], b)).toMatchObject({ group_id, height: 1 });
  expect(await lbJson(['peer-add', ...place, '--alias', 'server-1'], b)).toMatchObject({ key: keyOfA });
  const named = { key: keyOfA, alias: 'server-1', is_pinned: true };
  expect(await lbJson(['peer-list'], b)).toMatchObject({ peers: [named] });
  expect(await lbJson(['discover-groups', ...place], b)).toMatchObject({ groups: [{ group_id }] });
  await lbJson(['subscribe', '--group', group_id, ...place], b);
  // Keys are who somebody is: at the same place, another one is refused.
  const wrong = await lb(['connect', `${keyOfB}@127.0.0.1:${port}`, '--json'], b);
  expect({ exitCode: wrong.exitCode, ...JSON.parse(wrong.stderr) }).toMatchObject({ exitCode: 6 });
  const itself = await lb(['connect', ...place, '--json'], a);
  expect(JSON.parse(itself.stderr)).toMatchObject({ code: 'peer_unreachable', exit_code: 6 });
  expect(itself.stderr).toContain('this node itself');
  expect(await stopNode(node, 'SIGINT')).toBe(0);

  const gone = await lb(['connect', ...place, '--json'], b);
  expect(JSON.parse(gone.stderr)).toMatchObject({ code: 'peer_unreachable', exit_code: 6 });
  expect(await lbJson(['peer-remove', 'server-1'], b)).toMatchObject({ key: keyOfA });
  const { peers } = await lbJson<{ peers: { key: string }[] }>(['peer-list'], b);
  expect(peers.map(({ key }) => key)).not.toContain(keyOfA);
}, 120_000);

it('A founds and invites; B joins, writes, and has it sealed; both audit to the same head', async () => {
  const a = { data: join(directory, 'a') };
  const b = { data: join(directory, 'b') };
  const port = await freePort();
  for (const one of [a, b]) await lbJson(['init'], one);
  const { group_id } = await lbJson<{ group_id: string }>(['create-group', '--name', 'domain:two'], a);
  await lbJson(['publish-claim', '--text', 'from a'], a);
  const node = await up(a.data, port);
  const { code } = await lbJson<{ code: string }>(['invite', 'create'], a);

  const joined = await lbJson<object>(['join', code], b);
  expect(joined).toMatchObject({ group_id, role: 'member', height: 3 });
  const written = await lb(['publish-claim', '--text', 'from b', '--json'], b);
  expect(written.exitCode).toBe(6);
  expect(JSON.parse(written.stderr)).toMatchObject({ code: 'pending' });
  const { entries } = await lbJson<{ entries: { status: string }[] }>(['outbox'], b);
  expect(entries).toMatchObject([{ status: 'pending' }]);
  const { groups } = await lbJson<{ groups: object[] }>(['sync-now'], b);
  expect(groups).toMatchObject([{ group_id, height: 4, pending: 0, artifacts_missing: 0 }]);

  expect(await lbJson(['peer-list'], b)).toMatchObject({ peers: [{ is_pinned: false }] });
  expect(await lbJson(['peers', '--peer', node.addresses[0]!], b)).toMatchObject({ peers: [{}] });
  expect(await lbJson(['discover-groups'], b)).toMatchObject({ groups: [{ group_id, is_member: true }] });
  expect(await lbJson(['subscription-list'], b)).toMatchObject({
    subscriptions: [{ group_id, is_paused: false }],
  });
  const set = await lbJson(['subscription-set', '--interval', '60s'], b);
  expect(set).toMatchObject({ group_id, interval_ms: 60_000 });
  expect(await stopNode(node, 'SIGINT')).toBe(0);

  const unreachable = await lb(['sync-now', '--json'], b);
  expect({ exitCode: unreachable.exitCode, ...JSON.parse(unreachable.stderr) }).toMatchObject({
    exitCode: 6,
    code: 'peer_unreachable',
  });
  const audits = [a, b].map((one) => lbJson<{ block_id: string }>(['audit'], one));
  const heads = [a, b].map((one) => lbJson<{ groups: { block_id: string }[] }>(['info'], one));
  expect(await Promise.all(audits)).toHaveLength(2);
  const [headOfA, headOfB] = await Promise.all(heads);
  expect(headOfB!.groups[0]!.block_id).toBe(headOfA!.groups[0]!.block_id);
}, 120_000);
