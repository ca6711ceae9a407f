/** `kill -9` between a call and its answer: sent again under its key, it is done once, and answered as at first. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { performOnce } from '../../interfaces/operations/idempotency.ts';
import { operationNamed } from '../../interfaces/operations/registry.ts';
import { BatteryNode } from '../../node.ts';
import { CALLS, INPUT, KEY } from './idempotent-call.ts';

const CHILD = fileURLToPath(new URL('./idempotent-child.ts', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'lb-idempotent-kill-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Claimed {
  readonly tx_id: string;
  readonly claim_id: string;
}

async function founded(name: string): Promise<string> {
  const data = join(base, name);
  await using node = await BatteryNode.openOrInit({ data });
  await node.createGroup({ name: 'once' });
  return data;
}

function child(data: string, moment: string, ...more: readonly string[]): ChildProcess {
  return spawn(process.execPath, [CHILD, data, moment, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test.each([
  ['written down', 0],
  ['sealed', 1],
  ['kept', 1],
])('killed when it was %s', async (moment, acknowledged) => {
  const data = await founded(moment);
  const dying = child(data, moment);
  const said: Claimed[] = [];
  createInterface(dying.stdout!).on('line', (line) => said.push(JSON.parse(line) as Claimed));
  const [, signal] = (await once(dying, 'close')) as [number, string];
  expect([signal, said.length]).toEqual(['SIGKILL', acknowledged]);
  await using node = await BatteryNode.open({ data });
  const publish = operationNamed('publish_claim')!;
  const call = { ...{ node, identity: 'node', signal: new AbortController().signal }, progress: () => {} };
  const work = () => publish.run(call, INPUT);
  const again = await performOnce(call, publish, INPUT, { key: KEY, work });
  expect(again.isReplayed).toBe(acknowledged === 1);
  const claims = node.group('once').recentClaims();
  expect(claims.length).toBe(1);
  expect(again.result).toMatchObject(said[0] ?? { claim_id: claims[0]!.claim });
  const third = await performOnce(call, publish, INPUT, { key: KEY, work });
  expect(third).toMatchObject({ isReplayed: true, result: { tx_id: again.result.tx_id } });
});

test.each(Object.keys(CALLS))('%s, killed between its block and its answer', async (name) => {
  const data = await founded(name);
  if (name === 'next_task') {
    await using node = await BatteryNode.open({ data });
    await node.group('once').as('node').createTask({ task: 'waiting', title: 'Waiting' });
  }
  const dying = child(data, 'sealed', name);
  const said: Record<string, unknown>[] = [];
  createInterface(dying.stdout!).on('line', (line) => said.push(JSON.parse(line) as Record<string, unknown>));
  const [, signal] = (await once(dying, 'close')) as [number, string];
  expect([signal, said.length]).toEqual(['SIGKILL', 1]);
  await using node = await BatteryNode.open({ data });
  const operation = operationNamed(name)!;
  const call = { ...{ node, identity: 'node', signal: new AbortController().signal }, progress: () => {} };
  const work = () => Promise.reject(new Error('it was done twice'));
  const { note: _, ...first } = said[0]!;
  for (const _ of [1, 2]) {
    const again = await performOnce(call, operation, CALLS[name]!, { key: KEY, work });
    expect(again).toMatchObject({ isReplayed: true, result: first });
  }
});

/** How long after the call is sent: before, while and after it is done. */
const KILLED_AFTER_MS = [0, 5, 15, 40, 120];

test('killed at any moment while it is served', { timeout: 240_000 }, async () => {
  const data = await founded('served');
  for (const killMs of KILLED_AFTER_MS) {
    const text = `Killed after ${killMs} ms.`;
    const ask = async (): Promise<{ node: ChildProcess; answer: Promise<Claimed | undefined> }> => {
      const node = child(data, 'served');
      const [line] = (await once(createInterface(node.stdout!), 'line')) as [string];
      const { port, token } = JSON.parse(line) as { port: number; token: string };
      const answer = fetch(`http://127.0.0.1:${port}/v1/publish_claim`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': text,
        },
        body: JSON.stringify({ text }),
      }).then(
        async (response) => (await response.json()) as Claimed,
        () => undefined,
      );
      return { node, answer };
    };
    const first = await ask();
    setTimeout(() => first.node.kill('SIGKILL'), killMs);
    const [firstAnswer] = await Promise.all([first.answer, once(first.node, 'close')]);
    const second = await ask();
    const secondAnswer = await second.answer;
    second.node.kill('SIGKILL');
    await once(second.node, 'close');
    expect(secondAnswer, text).toMatchObject(firstAnswer ?? { claim_id: expect.any(String) });
  }
  await using node = await BatteryNode.open({ data });
  const claims = node.group('once').recentClaims();
  expect(claims.length).toBe(KILLED_AFTER_MS.length);
});
