/** A sealer that was restored from a backup and writes with single verbs: it seals no height twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { subscribe } from '../../protocol/membership.ts';
import { closePeers, peer } from '../support/network.ts';
import { until } from '../support/until.ts';
import { lb, lbJson } from './spawn-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-restored-'));
afterAll(async () => {
  await closePeers();
  rmSync(base, { recursive: true, force: true });
});

interface Info {
  readonly groups: readonly { readonly height: number; readonly block_id: string }[];
}
const headOf = async (data: string) => (await lbJson<Info>(['info'], { data })).groups[0]!;

it('asks members what it has forgotten before a verb seals, and refuses where nobody answers', async () => {
  const [data, restored, file] = ['node', 'restored', 'node.lbbackup'].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ];
  const member = await peer();
  await lbJson(['init'], { data });
  const { group_id } = await lbJson<{ group_id: string }>(['create-group', '--name', 'kept'], { data });
  await lbJson(['add-member', '--pub', member.key, '--role', 'member'], { data });
  const place = member.network.host.addresses()[0]!;
  const port = place.split('/').at(-1)!;
  const { identities } = await lbJson<{ identities: { public_key: string }[] }>(['info'], { data });
  await lbJson(['peer-add', `${member.key}@127.0.0.1:${port}`], { data });
  await lbJson(['backup', '--out', file], { data });

  // What the backup does not have, and the member has.
  await lbJson(['publish-claim', '--text', 'forgotten'], { data });
  const forgotten = await headOf(data);
  let stop = (): void => {};
  const { promise: isUp, resolve: wentUp } = Promise.withResolvers<void>();
  const up = lb(['up', '--json'], {
    data,
    env: { LB_LOG_LEVEL: 'error' },
    onStart: (child) => {
      stop = () => child.kill('SIGTERM');
      child.stdout.on('data', () => wentUp());
    },
  });
  await isUp;
  const sealer = identities[0]!.public_key;
  await until('the sealer calls', () => member.network.host.isConnected(sealer));
  await subscribe(member.network, group_id, sealer);
  expect(member.node.group(group_id).head.blockId).toBe(forgotten.block_id);
  stop();
  await up;

  await lbJson(['restore', file], { data: restored });
  await member.node.stopNetwork();
  const refused = await lb(['publish-claim', '--text', 'too early', '--json'], { data: restored });
  expect(refused.exitCode).toBe(6);
  expect(refused.stderr).toContain('restored_uncompared');
  expect((await headOf(restored)).height).toBe(forgotten.height - 1);

  await member.node.startNetwork({ listen: { host: '127.0.0.1', port: Number(port) }, mdns: false });
  const { height } = await lbJson<{ height: number }>(['publish-claim', '--text', 'after'], {
    data: restored,
  });
  expect(height).toBe(forgotten.height + 1);
  // It has asked: from now on it seals without.
  await member.node.stopNetwork();
  await lbJson(['publish-claim', '--text', 'alone'], { data: restored });
  expect((await headOf(restored)).height).toBe(forgotten.height + 2);
}, 240_000);
