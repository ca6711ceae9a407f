/** Many callers of a node that is up: what they do together, and what becomes of them when things go wrong. */
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeFrame, SOCKET_PROTOCOL } from '../../../interfaces/socket/frames.ts';
import { BatteryNode } from '../../../node.ts';
import { lb } from '../../e2e/bin-lb.ts';
import { runVerb, startNode, stopNode, type UpNode } from '../../support/owner.ts';

const CALLERS = 64;
const base = mkdtempSync(join(tmpdir(), 'lb-callers-'));
const first = join(base, 'first');
const second = join(base, 'second');
const nodes: UpNode[] = [];
afterAll(async () => {
  for (const node of nodes) await stopNode(node);
  rmSync(base, { recursive: true, force: true });
});

async function up(data: string): Promise<UpNode> {
  const node = await startNode(data);
  nodes.push(node);
  return node;
}

const agentName = (at: number): string => `agent-${at}`;

beforeAll(async () => {
  const node = await BatteryNode.openOrInit({ data: first });
  const group = await node.createGroup({ name: 'work' });
  for (let at = 0; at < CALLERS; at++) {
    const { publicKey } = await node.createIdentity(agentName(at));
    await group.as('node').addMember(publicKey, 'member');
  }
  await node.close();
  cpSync(first, second, { recursive: true });
});

/** What every caller does, one thing after the other: verbs, whoever runs them. */
const WORK = (at: number): readonly (readonly string[])[] => {
  const as = ['--as', agentName(at)];
  return [
    ['publish-claim', '--text', `Claim of ${at}`, ...as],
    ['transfer', '--to', agentName((at + 1) % CALLERS), '--amount', String(1 + (at % 7)), ...as],
    ['create-task', '--id', `task-${at}`, '--title', `Task ${at}`, ...as],
    // Two callers are after every task; one gets it, and the other is refused.
    ['take-task', `task-${at - (at % 2)}`, ...as],
    ['presence', '--status', 'busy', ...as],
  ];
};

/** The final state, without what time and order decide. */
async function finalState(data: string): Promise<unknown> {
  const node = await BatteryNode.open({ data });
  try {
    const { now } = node.group('work');
    const audit = await node.group('work').audit();
    const balances = node.identities().map(({ name, publicKey }) => [name, String(now.balance(publicKey))]);
    const tasks = now.tasks().map(({ task, status }) => [task, status]);
    return {
      audit: audit.status,
      balances: balances.sort(),
      tasks: tasks.sort(),
      claims: [...now.claimIds()].length,
      supply: String(now.money().supply),
    };
  } finally {
    await node.close();
  }
}

describe('64 callers at once', () => {
  test('reach the same state through the socket as in one process', { timeout: 120_000 }, async () => {
    const node = await up(first);
    const exits = await Promise.all(
      Array.from({ length: CALLERS }, async (_, at) => {
        const codes: number[] = [];
        for (const args of WORK(at)) codes.push((await runVerb(args, first, { isForwarding: true })).code);
        return codes;
      }),
    );
    expect(await stopNode(node)).toBe(0);
    expect(exits.flat().filter((code) => code !== 0 && code !== 4 && code !== 3)).toEqual([]);

    const here = await BatteryNode.open({ data: second });
    const group = here.group('work');
    await Promise.all(
      Array.from({ length: CALLERS }, async (_, at) => {
        const agent = group.as(agentName(at));
        await agent.publishClaim({ text: `Claim of ${at}` });
        await agent.transfer(here.identity(agentName((at + 1) % CALLERS)).publicKey, BigInt(1 + (at % 7)));
        await agent.createTask({ task: `task-${at}`, title: `Task ${at}` });
        await agent.takeTask(`task-${at - (at % 2)}`).catch(() => {});
        await agent.setPresence('busy');
      }),
    );
    await here.close();
    expect(await finalState(first)).toEqual(await finalState(second));
  });
});

/** A connection that speaks for itself. */
async function speak(data: string, text: string): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect(join(data, 'node.sock'));
  await once(socket, 'connect');
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('error', () => {});
  socket.write(text);
  return { socket, received: () => received };
}

/** Not `once`: a connection that is reset is closed as well. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => (socket.destroyed ? resolve() : socket.on('close', () => resolve())));

describe('a node that is up', () => {
  const data = join(base, 'third');
  beforeAll(() => cpSync(second, data, { recursive: true }));

  test('answers its user alone, and a second one is refused', async () => {
    const node = await up(data);
    expect(statSync(join(data, 'node.sock')).mode & 0o777).toBe(0o600);
    const { code, stderr } = await lb(['up', '--data', data]);
    expect(code).toBe(7);
    expect(stderr).toMatch(/^lb: .* is in use by process \d+/);
    expect(await stopNode(node)).toBe(0);
    expect(existsSync(join(data, 'node.sock'))).toBe(false);
  });

  test('survives clients that speak nonsense, another version, or hang up', async () => {
    const node = await up(data);
    for (const nonsense of [
      'hello\n',
      '{"kind":"run"}\n',
      `${'x'.repeat(5_000_000)}`,
      '\u0000\u0001\n[]\nnull\n',
    ]) {
      const { socket, received } = await speak(data, nonsense);
      await closed(socket);
      expect(received()).toBe('');
    }
    const request = {
      kind: 'run',
      args: ['info'],
      cwd: '/',
      env: {},
      isOutTerminal: false,
      isErrTerminal: false,
      isInteractive: false,
    } as const;
    const other = await speak(data, encodeFrame({ ...request, protocol: SOCKET_PROTOCOL + 1 }));
    await closed(other.socket);
    expect(JSON.parse(other.received())).toEqual({ kind: 'other_protocol', protocol: SOCKET_PROTOCOL });
    const gone = await speak(data, encodeFrame({ ...request, args: ['audit'], protocol: SOCKET_PROTOCOL }));
    gone.socket.destroy();
    expect((await runVerb(['info'], data, { isForwarding: true })).code).toBe(0);
    expect(await stopNode(node)).toBe(0);
  });

  test('that was killed leaves a socket and a lock that stand in nobody’s way', async () => {
    const node = await up(data);
    process.kill(node.pid, 'SIGKILL');
    await once(node.child, 'exit');
    expect(existsSync(join(data, 'node.sock'))).toBe(true);
    expect((await runVerb(['info'], data, { isForwarding: true })).code).toBe(0);
    const again = await up(data);
    expect((await runVerb(['balance', 'node'], data, { isForwarding: true })).code).toBe(0);
    expect(await stopNode(again)).toBe(0);
  });
});
