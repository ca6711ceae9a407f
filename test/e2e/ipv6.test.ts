/**
 * Two nodes on a network without IPv4, also where each has no address but that of its cable: what is on by default
 * listens there, and join codes lead there.
 */
import { execFileSync, spawn } from 'node:child_process';
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
  return spawn('ip', ['netns', 'exec', namespace, BIN, ...args, '--json'], {
    env: { ...process.env, LB_DATA: data },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function outcome(
  namespace: string,
  data: string,
  args: readonly string[],
): Promise<{ code: number | null; said: string }> {
  const child = lbIn(namespace, data, args);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

async function run(
  namespace: string,
  data: string,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const { code, said } = await outcome(namespace, data, args);
  expect({ args, code, said }).toMatchObject({ args, code: 0 });
  const answer = said.split('\n').find((line) => line.includes('"data":'))!;
  return (JSON.parse(answer) as { data: Record<string, unknown> }).data;
}

async function up(namespace: string, data: string): Promise<{ addresses: string[]; key: string }> {
  const child = lbIn(namespace, data, ['up']);
  child.stderr.pipe(process.stderr);
  cleanups.unshift(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return (JSON.parse(line) as { data: { network: { addresses: string[]; key: string } } }).data.network;
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
  180_000,
);

/** Two machines whose only addresses are those of their cable. */
function twoOnACable(tag: string) {
  const directory = mkdtempSync(join(tmpdir(), 'lb-link-'));
  const { names, remove } = twoMachines(`${tag}${process.pid % 10_000}`, 'link');
  cleanups.push(remove, () => rmSync(directory, { recursive: true, force: true }));
  return { names, a: join(directory, 'a'), b: join(directory, 'b') };
}

const ofALink = /fe80|ip6zone/i;

it.skipIf(reason !== undefined)(
  'on a cable without any address a code leads to whoever made it, and what is good there only is kept nowhere',
  async () => {
    const { names, a, b } = twoOnACable('cab');
    await run(names[0], a, ['init']);
    await run(names[1], b, ['init']);
    await run(names[0], a, ['create-group', '--name', 'cable']);
    const { addresses } = await up(names[0], a);
    expect(addresses.filter((address) => ofALink.test(address))).toEqual([]);
    const { code } = await run(names[0], a, ['invite', 'create']);
    expect(Buffer.from(String(code).slice(4), 'base64url').toString('latin1')).not.toMatch(ofALink);
    // A node that is not up looks around for the time of the verb.
    expect(await run(names[1], b, ['join', String(code)])).toMatchObject({ role: 'member' });
    await up(names[1], b);
    expect(await run(names[1], b, ['publish-claim', '--text', 'over the cable'])).toHaveProperty('height');
    for (const [name, data] of [
      [names[0], a],
      [names[1], b],
    ] as const)
      expect(JSON.stringify(await run(name, data, ['peer-list']))).not.toMatch(ofALink);
  },
  180_000,
);

it.skipIf(reason !== undefined)(
  'an address of a link is called with the interface that it is reached by, and one that is not there is named',
  async () => {
    const { names, a, b } = twoOnACable('zon');
    await run(names[0], a, ['init']);
    await run(names[1], b, ['init']);
    const { addresses, key } = await up(names[0], a);
    const port = /\/tcp\/(\d+)/.exec(addresses[0]!)![1]!;
    const [host] = linkAddress(names[0]);
    const [, zone] = linkAddress(names[1]);
    const peerId = addresses[0]!.split('/').at(-1)!;
    const at = (place: string): string => `/ip6zone/${place}/ip6/${host}/tcp/${port}/p2p/${peerId}`;
    expect(await run(names[1], b, ['connect', at(zone)])).toMatchObject({ key });
    expect(await run(names[1], b, ['connect', `${key}@[${host}%${zone}]:${port}`])).toMatchObject({ key });
    expect(await run(names[1], b, ['connect', '--host', `${host}%${zone}`, '--port', port])).toMatchObject({
      key,
    });
    expect(await run(names[1], b, ['peer-list'])).toEqual({ peers: [] });
    for (const [args, message] of [
      [['connect', at('nosuch')], 'this machine has no interface nosuch; it has '],
      [['connect', `/ip6/${host}/tcp/${port}/p2p/${peerId}`], 'needs the name of your interface'],
      [['connect', '--host', host, '--port', port], `${host}%INTERFACE`],
      [['peer-add', at(zone)], 'is not kept'],
    ] as const) {
      const { code, said } = await outcome(names[1], b, args);
      expect(said).toContain(message);
      expect(code).not.toBe(0);
    }
  },
  180_000,
);

/** The address that an interface of a namespace has given itself, and the interface. */
function linkAddress(namespace: string): [host: string, zone: string] {
  const shown = execFileSync('ip', ['-n', namespace, '-j', '-6', 'addr', 'show', 'scope', 'link'], {
    encoding: 'utf8',
  });
  const [{ ifname, addr_info }] = JSON.parse(shown);
  return [addr_info[0].local, ifname];
}
