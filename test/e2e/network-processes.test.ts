/** Members as processes of their own, on real sockets: one is killed for a while, one cannot be reached directly. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';
import { LOOPBACK } from '../support/loopback.ts';
import { threeInARow, whyNot } from './netns.ts';
import { lb, lbJson } from './spawn-lb.ts';

const MAIN = join(import.meta.dirname, '../../interfaces/cli/main.ts');
const reason = whyNot();
if (reason !== undefined) console.warn(`relaying between namespaces is not tested here: ${reason}`);

const running: ChildProcess[] = [];
const cleanups: (() => void)[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) await ended(child, 'SIGKILL');
  for (const cleanup of cleanups.splice(0)) cleanup();
});

interface Up {
  readonly data: string;
  readonly child: ChildProcess;
}

/** `lb up` on a directory, in a network namespace where one is named. */
async function up(data: string, namespace?: string): Promise<Up> {
  const program = [process.execPath, MAIN, 'up', '--json'];
  const inside = namespace === undefined ? program : ['ip', 'netns', 'exec', namespace, ...program];
  const host = namespace === undefined ? {} : { LB_P2P_HOST: '0.0.0.0' };
  const child = spawn(inside[0]!, inside.slice(1), {
    env: { ...process.env, ...LOOPBACK, ...host, LB_DATA: data, LB_LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  const first = await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next();
  if (first.done) throw new Error('lb up ended before it was up');
  return { data, child };
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const end = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  return end;
}

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'lb-processes-'));
  cleanups.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

interface Info {
  readonly groups: readonly { readonly height: number; readonly block_id: string }[];
}

const headOf = async (data: string): Promise<string | undefined> =>
  (await lbJson<Info>(['info'], { data })).groups[0]?.block_id;

async function untilEqual(nodes: readonly Up[]): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  for (;;) {
    const heads = await Promise.all(nodes.map(({ data }) => headOf(data)));
    if (heads[0] !== undefined && new Set(heads).size === 1) return;
    if (performance.now() > deadlineMs) throw new Error(`the heads differ: ${heads.join(' ')}`);
  }
}

const claimsOf = async (data: string): Promise<string[]> => {
  const { claims } = await lbJson<{ claims: { text: string }[] }>(['recent-claims', '--limit', '50'], {
    data,
  });
  return claims.map(({ text }) => text).sort();
};

/** A group that the first node founds and the others join with codes. */
async function joined(founder: Up, others: readonly Up[]): Promise<void> {
  await lbJson(['create-group', '--name', 'domain:processes'], founder);
  for (const other of others) {
    const { code } = await lbJson<{ code: string }>(['invite', 'create'], founder);
    await lbJson(['join', code], other);
  }
}

it('the sealer is killed while both others write: after its return all heads are equal and no claim is missing', async () => {
  const base = directory();
  const paths = ['a', 'b', 'c'].map((name) => join(base, name)) as [string, string, string];
  for (const data of paths) await lbJson(['init'], { data });
  const [a, b, c] = await Promise.all([up(paths[0]), up(paths[1]), up(paths[2])]);
  await joined(a, [b, c]);
  await lbJson(['publish-claim', '--text', 'together'], b);
  await ended(a.child, 'SIGKILL');

  const said = ['one of b', 'one of c', 'two of b', 'two of c'];
  const written = await Promise.all(
    said.map((text) =>
      lb(['publish-claim', '--text', text, '--json'], { data: text.endsWith('b') ? b.data : c.data }),
    ),
  );
  for (const { exitCode, stderr } of written) {
    expect(exitCode).toBe(6);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'pending' });
  }
  const { entries } = await lbJson<{ entries: unknown[] }>(['outbox'], b);
  expect(entries).toHaveLength(2);

  const back = await up(a.data);
  const all = [...said, 'together'].sort();
  const deadlineMs = performance.now() + 60_000;
  while ((await claimsOf(a.data)).length < all.length && performance.now() < deadlineMs);
  await untilEqual([back, b, c]);
  for (const { data } of [back, b, c]) {
    expect(await claimsOf(data)).toEqual(all);
    expect((await lb(['audit', '--json'], { data })).exitCode).toBe(0);
  }
  expect((await lbJson<{ entries: unknown[] }>(['outbox'], b)).entries).toEqual([]);
}, 180_000);

it.skipIf(reason !== undefined)(
  'a member whom only a third one can reach has its work sealed, and hears a refusal with its reason',
  async () => {
    const base = directory();
    const row = threeInARow(`${process.pid % 10_000}r`);
    cleanups.push(row.remove);
    const paths = ['a', 'b', 'c'].map((name) => join(base, name)) as [string, string, string];
    for (const data of paths) await lbJson(['init'], { data });
    const [sealer, between, outside] = (await Promise.all(
      paths.map((data, at) => up(data, row.names[at]!)),
    )) as [Up, Up, Up];
    await joined(sealer, [between]);
    const { public_key } = (await lbJson<{ identities: { public_key: string }[] }>(['info'], outside))
      .identities[0]!;
    await lbJson(['add-member', '--pub', public_key, '--role', 'member'], sealer);
    const { group_id } = (await lbJson<{ groups: { group_id: string }[] }>(['list-groups'], sealer))
      .groups[0]!;
    const { key, port } = await placeOf(between);
    await lbJson(['subscribe', group_id, '--peer', `${key}@${row.addresses[1]}:${port}`], outside);

    await lbJson(['publish-claim', '--text', 'from outside'], outside);
    const refused = await lb(['mint', '--to', 'node', '--amount', '5', '--json'], { data: outside.data });
    expect(refused.exitCode).toBe(4);
    expect(JSON.parse(refused.stderr)).toMatchObject({ refusal: { code: 'role_insufficient' } });
    await untilEqual([sealer, between, outside]);
    expect(await claimsOf(sealer.data)).toEqual(['from outside']);
    const { peers } = await lbJson<{ peers: unknown[] }>(['peers'], outside);
    expect(peers).toHaveLength(1);
  },
  120_000,
);

/** The key and the port of a node that is up, as it says them itself. */
async function placeOf({ data }: Up): Promise<{ key: string; port: string }> {
  const { identities } = await lbJson<{ identities: { public_key: string }[] }>(['info'], { data });
  const { findings } = await lbJson<{ findings: { check: string; message: string }[] }>(['doctor'], { data });
  const listens = findings.find(({ check }) => check === 'network')!.message;
  return { key: identities[0]!.public_key, port: /\/tcp\/(\d+)/.exec(listens)![1]! };
}
