/** Work comes back: what `next_task` gives to a worker that died, to others after it, and what it says when there is nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RETURNED_TASKS_MAX } from '../../events/limits.ts';
import type { Operation } from '../../events/registry.ts';
import { operationNamed } from '../../interfaces/operations/registry.ts';
import { BatteryNode } from '../../node.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-comes-back-'));
let aheadMs = 0;
const clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };
let node: BatteryNode;

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), clock, threads: 1 });
  const group = await node.createGroup({ name: 'work' });
  for (const name of ['ann', 'bob', 'viewer']) {
    const { publicKey } = await node.createIdentity(name);
    await group.as('node').addMember(publicKey, name === 'viewer' ? 'viewer' : 'member');
  }
});
afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Next {
  readonly task?: { readonly task_id: string; readonly attempt: number; readonly lease_until_ms?: number };
  readonly is_resumed?: boolean;
  readonly why?: string;
  readonly retry_at_ms?: number;
}

async function call<T = Next>(as: string, name: string, input: object = {}): Promise<T> {
  const operation = operationNamed(name)!;
  expect(operation.take(input)).toEqual({ input });
  const signal = new AbortController().signal;
  return (await operation.run(
    { node, identity: as, signal, progress: () => {} } as never,
    input as never,
  )) as T;
}

/** All tests end with an empty board. */
async function clear(): Promise<void> {
  const group = node.groups()[0]!;
  for (const { task } of group.now.tasks({ status: 'open' })) await group.as('node').cancelTask(task);
}

test('a worker that was started again gets the task that it runs, before anything else', async () => {
  await call('node', 'create_task', { task_id: 'first', title: 'first', lease_ms: 60_000 });
  const taken = await call('ann', 'next_task');
  expect(taken).toMatchObject({ task: { task_id: 'first', attempt: 1 } });
  expect(taken.is_resumed).toBeUndefined();
  await call('node', 'create_task', { task_id: 'urgent', title: 'urgent', due_ms: Date.now() + 1_000 });
  aheadMs += 1_000;
  const again = await call('ann', 'next_task');
  expect(again).toMatchObject({ is_resumed: true, task: { task_id: 'first', attempt: 1 } });
  // Its lease goes on with it.
  expect(again.task!.lease_until_ms!).toBeGreaterThan(taken.task!.lease_until_ms!);
  await call('ann', 'complete_task', { task_id: 'first', result_text: 'done and said' });
  expect(await call('ann', 'get_task', { task_id: 'first' })).toMatchObject({
    is_over: true,
    result_text: 'done and said',
  });
  await clear();
});

test('a task whose lease has run out goes to whoever asks next, and the late answer does not count', async () => {
  await call('node', 'create_task', { task_id: 'dead', title: 'dead', lease_ms: 1_000 });
  await call('ann', 'next_task');
  const held = await call('bob', 'next_task');
  expect(held.task).toBeUndefined();
  expect(held.why).toContain('in the hands of others');
  expect(held.retry_at_ms).toBeGreaterThan(Date.now() - 1_000);
  const group = node.groups()[0]!;
  aheadMs += 2_000;
  // The caller's own clock says when to try; the block's time decides.
  while (Date.now() < held.retry_at_ms!) await new Promise((wait) => setTimeout(wait, 50));
  expect(await call('bob', 'next_task')).toMatchObject({ task: { task_id: 'dead', attempt: 2 } });
  expect(group.now.task('dead')).toMatchObject({ status: 'in_progress', attempt: 2 });
  await expect(call('ann', 'complete_task', { task_id: 'dead', attempt: 1 })).rejects.toMatchObject({
    refusal: { code: 'task_attempt_stale' },
  });
  await clear();
});

test('what a removed member left beyond what came back at once goes to whoever asks', async () => {
  const group = node.groups()[0]!;
  const { publicKey: gone } = await node.createIdentity('gone');
  await group.as('node').addMember(gone, 'member');
  const ids = Array.from(
    { length: RETURNED_TASKS_MAX + 2 },
    (_, at) => `left-${String(at).padStart(3, '0')}`,
  );
  const rest = {
    description: undefined,
    dueMs: undefined,
    reward: undefined,
    rewardFrom: undefined,
    leaseMs: undefined,
    tags: [],
  };
  const operations = ids.map(
    (task): Operation => ({ type: 'task_create', task, title: 'left', assignee: gone, ...rest }),
  );
  expect(await group.as('node').submit(operations)).toMatchObject({ status: 'sealed' });
  await group.as('node').removeMember(gone);
  const left = group.now.tasks({ assignee: gone });
  expect(left).toHaveLength(2);
  // Those that came back go first by age and id; here they are out of the way.
  for (const { task } of group.now.tasks({ status: 'pending' })) await group.as('node').cancelTask(task);

  const taken = await call('ann', 'next_task');
  expect(taken.task).toMatchObject({ task_id: left[0]!.task, attempt: 2 });
  const started = await call<{ status: string }>('bob', 'start_task', { task_id: left[1]!.task });
  expect(started.status).toBe('in_progress');
  expect((await call('bob', 'next_task')).task).toMatchObject({ task_id: left[1]!.task });
  await clear();
});

test('of all who ask for what ran out, one gets it', async () => {
  await call('node', 'create_task', { task_id: 'raced', title: 'raced', assignee: 'node', lease_ms: 1_000 });
  const until = node.groups()[0]!.now.task('raced')!.leaseUntilMs!;
  aheadMs += 2_000;
  while (Date.now() <= until) await new Promise((wait) => setTimeout(wait, 50));
  const won = await Promise.all(['ann', 'bob'].map((as) => call(as, 'next_task')));
  expect(won.filter(({ task }) => task !== undefined)).toHaveLength(1);
  await clear();
});

test('without a lease the creator and an admin take it back; somebody else is told that they may not', async () => {
  for (const who of ['ann', 'node']) {
    await call('ann', 'create_task', { task_id: `kept ${who}`, title: 'kept', assignee: 'bob' });
    await expect(call('viewer', 'release_task', { task_id: `kept ${who}` })).rejects.toMatchObject({
      refusal: { code: 'lease_running' },
    });
    await call(who, 'release_task', { task_id: `kept ${who}` });
    expect(node.groups()[0]!.now.task(`kept ${who}`)).toMatchObject({
      status: 'pending',
      assignee: undefined,
    });
  }
  await clear();
});

test('says why there is nothing', async () => {
  expect(await call('ann', 'next_task')).toEqual({ why: expect.stringContaining('no open task') });
  await call('node', 'create_task', { task_id: 'tagged', title: 'tagged', tags: ['rust'] });
  expect((await call('ann', 'next_task', { tags: ['go'] })).why).toBe(
    '1 open task without these tags; ask without tags for any',
  );
  await expect(call('viewer', 'next_task')).rejects.toMatchObject({
    refusal: { code: 'role_insufficient', needed: 'member', actual: 'viewer' },
  });
  await clear();
});
