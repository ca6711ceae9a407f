/** Who is removed is told so, as people see it: processes of their own, verbs, and what a monitor reads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { freePort } from '../support/loopback.ts';
import { startNode, stopNode, type UpNode } from '../support/owner.ts';
import { until } from '../support/until.ts';
import { lb, lbJson } from './spawn-lb.ts';

const directory = mkdtempSync(join(tmpdir(), 'lb-removed-'));
const running: UpNode[] = [];

afterEach(async () => {
  for (const node of running.splice(0)) await stopNode(node);
  rmSync(directory, { recursive: true, force: true });
});

async function up(data: string, flags: readonly string[] = []): Promise<UpNode> {
  const node = await startNode(data, {}, ['--host', '127.0.0.1', ...flags]);
  running.push(node);
  return node;
}

it('sync-now ends in an error that says when and by whom, verbs say so, and the lag is not 0', async () => {
  const a = { data: join(directory, 'a') };
  const b = { data: join(directory, 'b') };
  for (const one of [a, b]) await lbJson(['init'], one);
  const { group_id } = await lbJson<{ group_id: string }>(['create-group', '--name', 'removed'], a);
  const { identities } = await lbJson<{ identities: { public_key: string }[] }>(['info'], b);
  const removed = identities[0]!.public_key;
  await up(a.data);
  const { code } = await lbJson<{ code: string }>(['invite', 'create'], a);
  await lbJson(['join', code], b);
  const { exitCode: levelCode } = await lb(['sync-now'], b);
  expect(levelCode).toBe(0);
  await lbJson(['remove-member', removed, `--yes-i-mean=${removed.slice(0, 8)}`], a);

  const told = await lb(['sync-now', '--json'], b);
  expect(told.exitCode).not.toBe(0);
  expect(JSON.parse(told.stderr)).toMatchObject({ code: 'removed' });
  expect(told.stderr).toMatch(/you were removed at \d{4}-/);
  const written = await lb(['publish-claim', '--text', 'still here'], b);
  expect(written.exitCode).not.toBe(0);
  expect(written.stderr).toMatch(/you were removed at \d{4}-/);

  const metricsPort = await freePort();
  await up(b.data, ['--metrics-port', String(metricsPort)]);
  const lag = async (): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const line = new RegExp(`^lb_sync_lag_blocks\\{group="${group_id.slice(0, 16)}"\\} (\\d+)$`, 'm');
    return Number(line.exec(text)?.[1] ?? 0);
  };
  expect(await lag()).toBeGreaterThan(0);
}, 120_000);

it('a member who is cut off from the sealer sees it in the metrics', async () => {
  const [a, b] = ['c', 'd'].map((name) => ({ data: join(directory, name) }));
  for (const one of [a!, b!]) await lbJson(['init'], one);
  const { group_id } = await lbJson<{ group_id: string }>(['create-group', '--name', 'cut-off'], a!);
  const sealer = await up(a!.data);
  const { code } = await lbJson<{ code: string }>(['invite', 'create'], a!);
  await lbJson(['join', code], b!);
  const metricsPort = await freePort();
  await up(b!.data, ['--metrics-port', String(metricsPort)]);
  const gauge = async (name: string): Promise<number | undefined> => {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const value = new RegExp(`^${name}\\{group="${group_id.slice(0, 16)}"\\} ([\\d.e+]+)$`, 'm').exec(
      text,
    )?.[1];
    return value === undefined ? undefined : Number(value);
  };
  await until('it is level', async () => (await gauge('lb_sync_lag_blocks')) === 0, 20_000);
  running.splice(running.indexOf(sealer), 1);
  await stopNode(sealer);
  await until('it is cut off', async () => (await gauge('lb_sync_lag_blocks'))! > 0, 20_000);
  const before = (await gauge('lb_sealer_silent_seconds'))!;
  await until('the silence grows', async () => (await gauge('lb_sealer_silent_seconds'))! > before, 20_000);
}, 120_000);
