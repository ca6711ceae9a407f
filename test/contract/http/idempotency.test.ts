/** A call that is sent again under the same key is done once, and answered as it was at first. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { signedWithin } from '../../../actors/chain/signed-within.ts';
import { utf8 } from '../../../events/bytes.ts';
import { AccessTokens } from '../../../interfaces/access/tokens.ts';
import { performOnce } from '../../../interfaces/operations/idempotency.ts';
import type { Call } from '../../../interfaces/operations/operation.ts';
import { operationNamed } from '../../../interfaces/operations/registry.ts';
import { BatteryNode } from '../../../node.ts';
import { call, httpClient, serveOverHttp, tokenFor } from '../../support/mcp.ts';
import { openTestNode } from '../../support/node.ts';
import { runVerb } from '../../support/owner.ts';

async function served() {
  const opened = await openTestNode();
  await opened.node.createGroup({ name: 'g' });
  let server = await serveOverHttp(opened.node);
  onTestFinished(() => server.close());
  const token = tokenFor(opened.node, 'node');
  const post = (name: string, body: object, key?: string, bearer = token) =>
    fetch(`http://127.0.0.1:${server.port}/v1/${name}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bearer}`,
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify(body),
    });
  const restart = async (): Promise<void> => {
    await server.close();
    await opened.restart();
    server = await serveOverHttp(opened.node);
  };
  return { opened, post, restart, token, port: () => server.port };
}

const callOf = (node: BatteryNode): Call => ({
  ...{ node, identity: 'node', signal: new AbortController().signal },
  progress: () => {},
});

test('a retry gets the first receipt, at once, at the same time, and after a restart', async () => {
  const { opened, post, restart } = await served();
  const body = { text: 'Said once.' };
  const [first, second] = await Promise.all([
    post('publish_claim', body, 'k1'),
    post('publish_claim', body, 'k1'),
  ]);
  const receipt = (await first.json()) as { tx_id: string };
  expect(await second.json()).toEqual(receipt);
  const third = await post('publish_claim', body, '"k1"');
  expect(third.headers.get('idempotent-replayed')).toBe('true');
  expect(await third.json()).toEqual(receipt);
  await restart();
  expect(await (await post('publish_claim', body, 'k1')).json()).toEqual(receipt);
  expect(opened.node.groups()[0]!.recentClaims().length).toBe(1);
  expect(await (await post('publish_claim', body)).json()).not.toEqual(receipt);
});

test('the same key for another call is refused, and another identity has keys of its own', async () => {
  const { opened, post } = await served();
  expect((await post('publish_claim', { text: 'One.' }, 'k')).status).toBe(200);
  for (const [name, body] of [
    ['publish_claim', { text: 'Two.' }],
    ['create_task', { title: 'One.' }],
  ] as const) {
    const refused = await post(name, body, 'k');
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
      422,
      'idempotency_key_reused',
    ]);
  }
  const group = opened.node.groups()[0]!;
  await group.as('node').addMember((await opened.node.createIdentity('bob')).publicKey, 'member');
  const bob = tokenFor(opened.node, 'bob');
  expect((await post('publish_claim', { text: 'Two.' }, 'k', bob)).status).toBe(200);
  expect((await post('publish_claim', { text: 'x' }, 'k'.repeat(256))).status).toBe(400);
});

test('what was refused left nothing behind, and may be tried again under its key', async () => {
  const { post } = await served();
  expect((await post('start_task', { task_id: 'later' }, 'k')).status).toBe(404);
  await post('create_task', { title: 'Later', task_id: 'later' });
  expect((await post('start_task', { task_id: 'later' }, 'k')).status).toBe(200);
});

test('over MCP a tool that changes something takes the key, over either protocol the same', async () => {
  const { opened, post, token, port } = await served();
  const client = await httpClient('modern', port(), token);
  const { tools } = await client.listTools();
  const keyed = tools.filter(({ inputSchema }) => Object.hasOwn(inputSchema.properties!, 'idempotency_key'));
  expect(keyed.map(({ name }) => name)).toContain('publish_claim');
  expect(keyed.map(({ name }) => name)).not.toContain('list_tasks');
  const input = { title: 'Once', idempotency_key: 'm1' };
  const first = await call(client, 'create_task', input);
  expect(await call(client, 'create_task', input)).toEqual(first);
  // A retry may come over another protocol, and gets the same answer in the form of that one.
  const { idempotency_key: key, ...body } = input;
  expect(await (await post('create_task', body, key)).json()).toEqual(first);
  const other = { title: 'Twice', idempotency_key: 7 };
  const receipt = await (await post('create_task', { title: 'Twice' }, '7')).json();
  expect(await call(client, 'create_task', other)).toEqual(receipt);
  await client.close();
  expect(opened.node.groups()[0]!.now.tasks().length).toBe(2);
});

test('a key stands for nothing of a group that its sender does not reach', async () => {
  const { opened, post } = await served();
  const { node } = opened;
  const other = await node.createGroup({ name: 'other' });
  const own = node.groups().find(({ groupId }) => groupId !== other.groupId)!;
  const bearerOf = (name: string, groupId: string): string =>
    new AccessTokens(node.data).create({ name, identity: 'node', groups: [groupId] }).token;
  const [one, two] = [bearerOf('one', own.groupId), bearerOf('two', other.groupId)];
  const body = { text: 'Said in the only group that there is for me.' };
  // At the same time, and later.
  const both = await Promise.all([
    post('publish_claim', body, 'k', one),
    post('publish_claim', body, 'k', two),
  ]);
  expect(both.map(({ status }) => status)).toEqual([200, 422]);
  expect((await post('publish_claim', body, 'k', two)).status).toBe(422);
  expect((await post('publish_claim', body, 'k', one)).headers.get('idempotent-replayed')).toBe('true');
  expect(other.recentClaims()).toEqual([]);
});

test('a node that went down between the seal and the answer answers from the chain', async () => {
  const { opened } = await served();
  const publish = operationNamed('publish_claim')!;
  const input = { text: 'Sealed, and never answered.' };
  // The work is done and its answer lost, as when the process ends right then.
  let lost: { tx_id?: string } = {};
  const crash = performOnce(callOf(opened.node), publish, input, {
    key: 'c',
    work: async () => {
      lost = (await publish.run(callOf(opened.node), input as never)) as typeof lost;
      throw new Error('the process ends here');
    },
  });
  await expect(crash).rejects.toThrow('ends here');
  await opened.restart();
  const { result, isReplayed } = await performOnce(callOf(opened.node), publish, input, {
    key: 'c',
    work: () => publish.run(callOf(opened.node), input as never),
  });
  expect(isReplayed).toBe(true);
  expect(result).toMatchObject({ tx_id: lost.tx_id });
  expect(opened.node.groups()[0]!.recentClaims().length).toBe(1);
});

test('what is signed is known before anybody else has it', async () => {
  const { opened } = await served();
  const group = opened.node.groups()[0]!;
  const before = group.head.height;
  let heightWhenTold = -1;
  await signedWithin(
    {
      signed: async () => {
        heightWhenTold = group.head.height;
      },
      noted: async () => {},
    },
    () => group.as('node').publishClaim({ text: 'Told first.' }),
  );
  expect(heightWhenTold).toBe(before);
  expect(group.head.height).toBe(before + 1);
});

test('who goes away before a task is taken leaves no answer behind', async () => {
  const { opened } = await served();
  await opened.node.groups()[0]!.as('node').createTask({ task: 'waiting', title: 'T' });
  const operation = operationNamed('next_task')!;
  const take = (call: Call) =>
    performOnce(call, operation, {}, { key: 'k', work: () => operation.run(call, {} as never) });
  const gone = { ...callOf(opened.node), signal: AbortSignal.abort() };
  await expect(take(gone)).rejects.toMatchObject({ code: 'cancelled' });
  const { result, isReplayed } = await take(callOf(opened.node));
  expect([isReplayed, result]).toMatchObject([false, { task: { task_id: 'waiting' } }]);
});

const HOUR_MS = 3_600_000;

/** What is kept of keys on disk. */
const keptBy = (node: BatteryNode): number =>
  [...node.networkPort.store.agents.list(utf8('i'))].filter(([name]) => name.length > 100).length;

test('a key is known for 23 hours, also by a node that was started again, and is forgotten then', async () => {
  const { opened, post, restart } = await served();
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const startMs = Date.now();
  const publish = async (): Promise<string> =>
    ((await (await post('create_task', { title: 'T' }, 'k')).json()) as { tx_id: string }).tx_id;
  const first = await publish();
  vi.setSystemTime(startMs + 22 * HOUR_MS);
  expect(await publish()).toBe(first);
  await restart();
  expect(await publish()).toBe(first);
  vi.setSystemTime(startMs + 23 * HOUR_MS);
  const second = await publish();
  expect(second).not.toBe(first);
  expect(await publish()).toBe(second);
  // What is too old goes from the disk when the next key comes.
  vi.setSystemTime(startMs + 47 * HOUR_MS);
  await post('create_task', { title: 'Another' }, 'other');
  expect(keptBy(opened.node)).toBe(1);
});

/** Does nothing under a key. The answer is `size` long. */
async function keyOnce(call: Call, key: string, size = 1): Promise<boolean> {
  const operation = operationNamed('create_task')!;
  const work = async () => ({ text: 'x'.repeat(size) });
  return (await performOnce(call, operation, { title: key }, { key, work })).isReplayed;
}

test.each([
  ['4,096 keys', 4_096, 1],
  ['16 MiB of answers', 42, 400_000],
])(
  'an identity that has more than %s loses the oldest, and another identity none',
  async (_, count, size) => {
    const { opened } = await served();
    const { node } = opened;
    await node.createIdentity('bob');
    const bob = { ...callOf(node), identity: 'bob' };
    await keyOnce(bob, 'first');
    await keyOnce(callOf(node), 'first', size);
    expect(await keyOnce(callOf(node), 'first', size)).toBe(true);
    const others = Array.from({ length: count }, (_, at) => `other ${at}`);
    await Promise.all(others.map((key) => keyOnce(callOf(node), key, size)));
    expect(keptBy(node)).toBeLessThanOrEqual(count + 1);
    expect(await keyOnce(callOf(node), others.at(-1)!, size)).toBe(true);
    expect(await keyOnce(callOf(node), 'first', size)).toBe(false);
    expect(await keyOnce(bob, 'first')).toBe(true);
    await opened.restart();
    expect(await keyOnce(callOf(opened.node), others.at(-1)!, size)).toBe(true);
    expect(keptBy(opened.node)).toBeLessThanOrEqual(count + 1);
  },
);

test('on the command line it is --key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lb-key-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, 'node');
  const node = await BatteryNode.openOrInit({ data });
  await node.createGroup({ name: 'g' });
  const call = async (json: string, key: string) => {
    const args = ['call', 'publish_claim', json, '--key', key, '--json'];
    const { code, stdout, stderr } = await runVerb(args, data, { isForwarding: false });
    return { code, said: `${stdout}${stderr}`, stdout };
  };
  const publish = operationNamed('publish_claim')!;
  const input = { text: 'Once.' };
  const work = () => publish.run(callOf(node), input);
  const { result } = await performOnce(callOf(node), publish, input, { key: 'k', work });
  await node.close();
  const first = await call('{"text":"Once."}', 'k');
  expect(first.code).toBe(0);
  expect(first.stdout).toContain(result.tx_id);
  expect((await call('{"text":"Once."}', 'k')).stdout).toBe(first.stdout);
  const other = await call('{"text":"Twice."}', 'k');
  expect(other.code).not.toBe(0);
  expect(other.said).toContain('idempotency_key_reused');
  expect((await call('{"text":"Once."}', '')).code).not.toBe(0);
  const mine = await call('{"text":"Mine."}', 'mine');
  expect(mine.code).toBe(0);
  expect((await call('{"text":"Mine."}', 'mine')).stdout).toBe(mine.stdout);
  await using again = await BatteryNode.open({ data });
  expect(again.group('g').recentClaims().length).toBe(2);
});
