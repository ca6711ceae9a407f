/** Two nodes on a network without IPv4: what is on by default listens there, and join codes lead there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';
import { BIN } from './bin-lb.ts';
import { twoMachines, whyNot } from './netns.ts';

const reason = whyNot();
if (reason !== undefined) console.warn(`a network without IPv4 is not tested here: ${reason}`);

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** `lb` in a namespace, with nothing configured but where its data is. */
function lbIn(namespace: string, data: string, args: readonly string[]) {
  const child = spawn('ip', ['netns', 'exec', namespace, BIN, ...args, '--json'], {
    env: { ...process.env, LB_DATA: data },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return child;
}

async function run(
  namespace: string,
  data: string,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const child = lbIn(namespace, data, args);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  expect({ args, code }).toEqual({ args, code: 0 });
  return (JSON.parse(out) as { data: Record<string, unknown> }).data;
}

async function up(namespace: string, data: string): Promise<{ addresses: string[] }> {
  const child = lbIn(namespace, data, ['up']);
  cleanups.unshift(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return (JSON.parse(line) as { data: { network: { addresses: string[] } } }).data.network;
}

it.skipIf(reason !== undefined)(
  'a node listens, its join code names its address, and another joins and writes',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lb-ipv6-'));
    const { names, remove } = twoMachines(`six${process.pid % 10_000}`, 6);
    cleanups.push(remove, () => rmSync(directory, { recursive: true, force: true }));
    const [a, b] = [join(directory, 'a'), join(directory, 'b')];
    await run(names[0], a, ['init']);
    await run(names[1], b, ['init']);
    await run(names[0], a, ['create-group', '--name', 'six']);
    const { addresses } = await up(names[0], a);
    expect(addresses.some((address) => address.startsWith('/ip6/fd77::1/tcp/'))).toBe(true);
    const { code } = await run(names[0], a, ['invite', 'create']);
    expect(await run(names[1], b, ['join', String(code)])).toMatchObject({ role: 'member' });
    await up(names[1], b);
    expect(await run(names[1], b, ['publish-claim', '--text', 'over six'])).toHaveProperty('height');
  },
  120_000,
);
