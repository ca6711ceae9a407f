/** The chain actor: what it refuses at the door, how it overlaps callers, and how it halts and comes back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { signTransaction } from '../../actors/chain/sign.ts';
import type { Clock } from '../../actors/clock.ts';
import type { Group } from '../../actors/group.ts';
import { sha256 } from '../../crypto/hash.ts';
import { signerFromSeed } from '../../crypto/identity.ts';
import { Secret } from '../../crypto/secret.ts';
import { toHex, utf8 } from '../../events/bytes.ts';
import { BatteryNode } from '../../node.ts';

class TestClock implements Clock {
  wallMs = 1_750_000_000_000;
  nowMs = (): number => this.wallMs;
  monotonicMs = (): number => performance.now();
}

let node: BatteryNode;
let group: Group;
let clock: TestClock;

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lb-chain-'));
  clock = new TestClock();
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), clock });
  const opened = node;
  onTestFinished(async () => {
    await opened.close();
    rmSync(folder, { recursive: true, force: true });
  });
  group = await node.createGroup({ name: 'chain' });
});

test('an artifact that does not come with its operation is refused', async () => {
  const artifact = toHex(sha256(utf8('never sent')));
  const outcome = await group.as('node').submit([{ type: 'experience', artifact }]);
  expect(outcome).toMatchObject({ status: 'refused', refusal: { code: 'artifact_missing', artifact } });
});

test('bytes that are not what the operation says are refused', async () => {
  const bytes = utf8('not a claim');
  const operation = { type: 'claim', parent: undefined, evidence: [], tags: [] } as const;
  const artifact = toHex(sha256(bytes));
  const outcome = await group.as('node').submit([{ ...operation, artifact }], [bytes]);
  expect(outcome).toMatchObject({ status: 'refused', refusal: { code: 'malformed' } });
  const stray = await group.as('node').submit([{ type: 'profile_set', name: 'x' }], [bytes]);
  expect(stray).toMatchObject({ status: 'refused', refusal: { code: 'malformed' } });
  expect(group.head.height).toBe(0);
});

test("a claim's artifact must agree with its operation", async () => {
  const agent = group.as('node');
  const { operations, artifacts } = agent.prepareClaim({ text: 'x', tags: ['a'] });
  const [claim] = operations;
  if (claim?.type !== 'claim') throw new Error('a claim was prepared');
  const outcome = await agent.submit([{ ...claim, tags: ['b'] }], artifacts);
  expect(outcome).toMatchObject({ status: 'refused', refusal: { code: 'malformed' } });
});

test('exactly one of many takers of a task wins', async () => {
  const admin = group.as('node');
  const agents = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const { publicKey } = await node.createIdentity(`agent-${at}`);
      await admin.addMember(publicKey, 'member');
      return group.as(`agent-${at}`);
    }),
  );
  await admin.createTask({ task: 't', title: 'Only once' });
  const outcomes = await Promise.all(
    agents.map((agent) => agent.submit([{ type: 'task_assign', task: 't', assignee: agent.publicKey }])),
  );
  expect(outcomes.filter(({ status }) => status === 'sealed')).toHaveLength(1);
  for (const outcome of outcomes)
    if (outcome.status === 'refused') expect(outcome.refusal.code).toBe('task_state');
});

test('a clock that jumps stops the sealing without halting the group, until it comes back', async () => {
  const agent = group.as('node');
  clock.wallMs -= 3_600_000;
  await expect(agent.setProfile('late')).rejects.toMatchObject({ code: 'clock_jumped' });
  expect(group.info().status).toBe('sealing');
  clock.wallMs += 3_600_000;
  await agent.setProfile('on time');
  clock.wallMs -= 3_600_000;
  node.trustClock();
  await agent.setProfile('trusted');
});

test('a node that may not seal says so and goes on reading', async () => {
  const { publicKey } = await node.createIdentity('other');
  await group.as('node').addMember(publicKey, 'admin');
  const elsewhere = signerFromSeed(new Secret(new Uint8Array(32).fill(7)));
  await group.as('node').addMember(elsewhere.publicKey, 'admin');
  await group.as('node').setSealers([elsewhere.publicKey]);
  expect(group.info().status).toBe('sealing');
  const accepted = signTransaction(elsewhere, {
    groupId: group.groupId,
    operations: [{ type: 'sealer_accept' }],
    tsMs: clock.nowMs(),
  });
  if ('code' in accepted) throw new Error(accepted.code);
  expect((await group.submitSigned(accepted.bytes)).status).toBe('sealed');
  expect(group.info().status).toBe('following');
  await expect(group.as('other').setProfile('x')).rejects.toMatchObject({ code: 'pending' });
  expect(group.info()).toMatchObject({ status: 'following', haltReason: undefined });
  expect(group.now.members()).toHaveLength(3);
});

test('closing seals what waits; afterwards the group takes nothing', async () => {
  const agent = group.as('node');
  const waiting = Promise.all(
    Array.from({ length: 50 }, (_, at) => agent.createTask({ task: `${at}`, title: 'x' })),
  );
  await node.close();
  expect(await waiting).toHaveLength(50);
  await expect(agent.setProfile('x')).rejects.toMatchObject({ code: 'group_closed' });
});

test('a subscriber resumes from a cursor and misses nothing, live or not', async () => {
  const agent = group.as('node');
  for (let at = 0; at < 5; at++) await agent.createTask({ task: `${at}`, title: 'x' });
  const seen: string[] = [];
  let last = { height: 0, index: 0 };
  for await (const event of group.events({ kinds: ['task.changed'] })) {
    if (event.event.kind !== 'task.changed') throw new Error('another kind came');
    seen.push(event.event.task);
    last = event;
    if (seen.length === 3) break;
  }
  const rest: string[] = [];
  const stop = new AbortController();
  const following = (async () => {
    for await (const { event } of group.events({
      after: last,
      kinds: ['task.changed'],
      signal: stop.signal,
    })) {
      if (event.kind === 'task.changed') rest.push(event.task);
      if (rest.length === 4) stop.abort();
    }
  })();
  await agent.createTask({ task: 'live 1', title: 'x' });
  await agent.createTask({ task: 'live 2', title: 'x' });
  await following;
  expect([...seen, ...rest]).toEqual(['0', '1', '2', '3', '4', 'live 1', 'live 2']);
});

test('a listener that submits on a refusal gets its answer, and nothing is sealed twice', async () => {
  const agent = group.as('node');
  const answers: Promise<unknown>[] = [];
  const subscription = node.bus.moment$.subscribe(({ kind }) => {
    if (kind === 'tx.refused' && answers.length < 40)
      answers.push(agent.submit([{ type: 'mint', to: agent.publicKey, amount: 1n }]));
  });
  await Promise.all(
    Array.from({ length: 40 }, (_, at) =>
      agent.submit([{ type: 'mint', to: agent.publicKey, amount: at % 4 === 0 ? 0n : 1n }]),
    ),
  );
  expect(await Promise.all(answers)).toHaveLength(10);
  subscription.unsubscribe();
  expect(group.now.balance(agent.publicKey)).toBe(140n);
  expect((await group.audit()).status).toBe('sound');
});

test("what is sealed is what was checked, whatever becomes of the caller's buffers", async () => {
  const agent = group.as('node');
  const bytes = utf8('a run of an agent');
  const artifact = toHex(sha256(bytes));
  const submitted = agent.submit([{ type: 'experience', artifact }], [bytes]);
  bytes.fill(0);
  expect((await submitted).status).toBe('sealed');
  expect(group.artifact(artifact)).toEqual(utf8('a run of an agent'));
});

test('a node closes while callers keep coming', async () => {
  const agent = group.as('node');
  let isClosed = false;
  let sealed = 0;
  const callers = Array.from({ length: 8 }, async () => {
    for (;;) {
      try {
        await agent.submit([{ type: 'mint', to: agent.publicKey, amount: 1n }]);
        sealed++;
        if (sealed === 100) void node.close().then(() => (isClosed = true));
      } catch (error) {
        return (error as { code: string }).code;
      }
    }
  });
  expect(new Set(await Promise.all(callers))).toEqual(new Set(['group_closed']));
  await node.close();
  expect(isClosed).toBe(true);
  expect(sealed).toBeGreaterThanOrEqual(100);
});

test('a view at a height stands still', async () => {
  const agent = group.as('node');
  const then = await group.at(0);
  await agent.mint(agent.publicKey, 1_000n);
  expect([then.balance(agent.publicKey), group.now.balance(agent.publicKey)]).toEqual([100n, 1_100n]);
});

test('ids come before names', async () => {
  const other = await node.createGroup({ name: group.groupId });
  expect(node.group(group.groupId).groupId).toBe(group.groupId);
  expect(other.groupId).not.toBe(group.groupId);
  const { publicKey } = node.identity('node');
  await expect(node.createIdentity(publicKey)).rejects.toMatchObject({ code: 'usage' });
});
