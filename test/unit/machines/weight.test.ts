/**
 * Weight: what a transaction costs others is bounded, and counted alike by whoever seals, follows and replays. The
 * heaviest blocks are those of the benchmark, which fills them whole; here most are small, and those whose kind was
 * ever a danger are full.
 */
import { describe, expect, it } from 'vitest';
import { CASES, type HeavyKind, heaviest } from '../../../bench/heaviest/cases.ts';
import {
  BLOCK_WEIGHT_MAX,
  ITEM_WEIGHT,
  PROOF_WEIGHT,
  REFERENCE_WEIGHT,
  RETURNED_TASKS_MAX,
  TRANSACTION_WEIGHT_MAX,
} from '../../../events/limits.ts';
import type { Operation } from '../../../events/registry.ts';
import { assignmentTable, loadTable, taskTable } from '../../../machines/tables.ts';
import { follow } from '../../support/blocks.ts';
import {
  claim,
  inviteAccept,
  inviteCreate,
  memberAdd,
  memberRemove,
  taskAssign,
  taskComplete,
  taskCreate,
  taskProgress,
  taskRelease,
  taskStart,
} from '../../support/operations.ts';
import { alice, bob, carol, founder, hashOf, type Person, person, stranger } from '../../support/people.ts';
import { by, given, joined, opened, refused } from '../../support/rules.ts';
import { MemoryChain, type World } from '../../support/world.ts';

const KINDS = Object.keys(CASES) as HeavyKind[];
/** Those that cost seconds when only their bytes were bounded. */
const ONCE_DEAR: readonly HeavyKind[] = [
  'member_remove',
  'task_progress',
  'purchase_settle',
  'invite_accept',
];
/** Ten times what it takes on a machine that does nothing else; before there were weights, it took 20 seconds. */
const JUDGED_MS_MAX = 5_000;

/** Follows all blocks of a history from nothing, and says how long the last one took. */
async function judged(
  blocks: readonly Uint8Array[],
): Promise<{ ms: number; weight: number; sealed: number }> {
  const chain = new MemoryChain();
  let ms = 0;
  let weight = 0;
  let sealed = 0;
  for (const bytes of blocks) {
    const startMs = performance.now();
    const final = await follow(chain, bytes);
    ms = performance.now() - startMs;
    if ('code' in final) throw new Error(final.code);
    weight = final.judged.weight;
    sealed = final.judged.operationCount;
  }
  return { ms, weight, sealed };
}

describe('the heaviest block of each kind', () => {
  it.each(KINDS)('%s: whoever follows finds the weight that its sealer found', async (kind) => {
    const { blocks, final } = heaviest(kind, 0.01);
    const { weight, sealed } = await judged(blocks);
    expect(weight).toBe(final.judged.weight);
    expect(sealed).toBe(final.judged.operationCount);
    expect(
      new Set(final.judged.accepted.flatMap(({ operations }) => operations.map(({ type }) => type))),
    ).toContain(kind === 'signatures' ? 'presence' : kind);
  });

  it.each(ONCE_DEAR)(
    '%s: is full by its weight, and judged in no time',
    async (kind) => {
      const { blocks, final } = heaviest(kind);
      expect(final.judged.weight).toBeGreaterThan(0.75 * BLOCK_WEIGHT_MAX);
      expect(final.judged.weight).toBeLessThanOrEqual(BLOCK_WEIGHT_MAX);
      const { ms, weight } = await judged(blocks);
      expect(weight).toBe(final.judged.weight);
      expect(ms).toBeLessThan(JUDGED_MS_MAX);
    },
    120_000,
  );
});

describe('the weight of a transaction', () => {
  /** What the block of these operations weighs, without the bytes that it wrote. */
  function weightOf(world: World, author: Person, ...operations: Operation[]): number {
    const { final, refusals } = world.seal([world.transaction(author, operations)]);
    expect(refusals).toEqual([undefined]);
    const { judged: block } = final!;
    let bytes = 1 + (block.writes.tables().reduce((sum, map) => sum + map.size, 0) > 15 ? 2 : 0);
    for (const [key, write] of block.writes) {
      const value = write.bytes === undefined ? 1 : write.bytes.length;
      bytes += 1 + Buffer.byteLength(key) + (Buffer.byteLength(key) < 32 ? 1 : 2) + value;
    }
    return block.weight - bytes;
  }

  it('counts operations, keys, effects and what is looked at, and the bytes once', () => {
    const { world } = given(
      opened({ claim_reward_amount: 0n }),
      joined(alice),
      by(alice, claim('a'), claim('b')),
    );
    const evidence = [hashOf('a'), hashOf('b')];
    expect(weightOf(world, alice, claim('c', { parent: hashOf('a'), evidence }))).toBe(
      3 * ITEM_WEIGHT + 3 * REFERENCE_WEIGHT,
    );
    expect(weightOf(world, alice, taskCreate('t'))).toBe(4 * ITEM_WEIGHT);
    expect(weightOf(world, alice, taskAssign('t', alice), taskStart('t'))).toBe((2 + 3 + 2) * ITEM_WEIGHT);
    const ten = Array.from({ length: 10 }, () => taskProgress('t'));
    expect(weightOf(world, alice, ...ten)).toBe((10 + 1 + 10) * ITEM_WEIGHT);
  });

  it('a step of a task writes what changes, however much the task says', () => {
    const fat = { description: 'd'.repeat(4_096), tags: ['x'.repeat(64)] };
    const { world } = given(
      opened(),
      joined(alice),
      by(alice, taskCreate('t', { ...fat, assignee: alice.publicKey })),
    );
    const { final } = world.seal([world.transaction(alice, [taskStart('t')])]);
    expect(final!.judged.weight).toBeLessThan(3 * ITEM_WEIGHT + 256);
  });

  it('a transaction that is too heavy writes nothing, and one less heavy goes through', () => {
    const invite = person('invite');
    const { world } = given(opened(), by(founder, inviteCreate(invite, { maxUses: 100 })));
    const comeAndGo = (times: number): Operation[] =>
      Array.from({ length: times }, () => [
        inviteAccept(invite, stranger, world.groupId),
        memberRemove(stranger),
      ]).flat();
    const before = world.chain.dump();
    expect(world.act(stranger, ...comeAndGo(32)).refusal?.code).toBe('transaction_too_heavy');
    expect(world.chain.dump()).toEqual(before);
    expect(weightOf(world, stranger, ...comeAndGo(31))).toBe(31 * PROOF_WEIGHT + (62 + 62 + 2) * ITEM_WEIGHT);
  });

  it('what does not fit into a block is for the next one, in its order, and nothing in it is lost', () => {
    const invite = person('invite');
    const { world } = given(opened(), by(founder, inviteCreate(invite, { maxUses: 1_000 })));
    const heavy = Array.from({ length: 9 }, (_, at) => {
      const joiner = person(`joiner ${at}`);
      const operations = Array.from({ length: 31 }, () => [
        inviteAccept(invite, joiner, world.groupId),
        memberRemove(joiner),
      ]).flat();
      return world.transaction(joiner, operations);
    });
    const { final, refusals } = world.seal(heavy);
    expect(refusals.map((refusal) => refusal?.code)).toEqual([
      ...Array(8).fill(undefined),
      'block_too_heavy',
    ]);
    expect(final!.judged.weight).toBeLessThanOrEqual(BLOCK_WEIGHT_MAX);
    expect(final!.judged.weight).toBeGreaterThan(BLOCK_WEIGHT_MAX - TRANSACTION_WEIGHT_MAX);
    expect(world.seal([heavy[8]!]).refusals).toEqual([undefined]);
  });
});

describe('a member with full hands who goes', () => {
  const many = RETURNED_TASKS_MAX + 2;
  const tasks = Array.from({ length: many }, (_, at) => `t${String(at).padStart(3, '0')}`);
  const [left, other] = tasks.slice(-2) as [string, string];
  const full = [
    opened(),
    joined(alice),
    joined(bob),
    joined(carol),
    by(alice, ...tasks.map((task) => taskCreate(task, { assignee: bob.publicKey }))),
    by(bob, taskStart(left)),
  ];
  const gone = [...full, by(founder, memberRemove(bob))];
  const open = (world: World) => world.read(loadTable, bob.publicKey)?.open;

  it('leaves the tasks that one operation does not return', () => {
    const { world } = given(...full);
    const { effects } = world.act(founder, memberRemove(bob));
    const returned = effects!.flatMap((effect) => (effect.kind === 'task.changed' ? [effect.task] : []));
    expect(returned).toEqual(tasks.slice(0, RETURNED_TASKS_MAX));
    // Of the two that are left, Bob had agreed to the one that was started.
    expect(open(world)).toBe(1);
    expect(world.read(taskTable, left)).toMatchObject({ status: 'in_progress', assignee: bob.publicKey });
  });

  it('whoever may act takes them, whoever comes by releases them, and the counts come out even', () => {
    const { world } = given(...gone);
    expect(world.act(carol, taskAssign(left, carol)).refusal).toBeUndefined();
    expect(world.read(taskTable, left)).toMatchObject({
      status: 'assigned',
      assignee: carol.publicKey,
      attempt: 2,
    });
    expect(world.act(stranger, taskRelease(other)).refusal).toBeUndefined();
    expect(world.read(taskTable, other)).toMatchObject({ status: 'pending', assignee: undefined });
    expect(open(world)).toBeUndefined();
    expect(world.read(assignmentTable, `${bob.publicKey}/${left}`)).toBeUndefined();
  });

  it('and cannot go on with them from outside', () => {
    given(...gone)
      .when(bob, taskProgress(left))
      .thenExactly(refused('role_insufficient', { needed: 'member', actual: 'none' }));
    given(...gone)
      .when(bob, taskComplete(left))
      .thenExactly(refused('role_insufficient', { needed: 'member', actual: 'none' }));
  });

  it('but finds what nobody took when coming back', () => {
    const { world } = given(...gone, by(founder, memberAdd(bob)));
    expect(world.act(carol, taskAssign(left, carol)).refusal?.code).toBe('task_state');
    expect(world.act(bob, taskComplete(left)).refusal).toBeUndefined();
    expect(open(world)).toBeUndefined();
  });
});
