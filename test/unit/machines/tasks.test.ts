import { describe, expect, it } from 'vitest';
import {
  assignmentTable,
  balanceTable,
  escrowTable,
  loadTable,
  supplyTable,
  taskTable,
} from '../../../machines/tables.ts';
import {
  claim,
  memberAdd,
  memberRemove,
  policyUpdate,
  taskAssign,
  taskCancel,
  taskComplete,
  taskCreate,
  taskFail,
  taskProgress,
  taskRelease,
  taskStart,
} from '../../support/operations.ts';
import { alice, bob, carol, founder, hashOf, type Person, stranger } from '../../support/people.ts';
import { by, effects, given, joined, later, opened, refused } from '../../support/rules.ts';
import { START_MS, type World } from '../../support/world.ts';

const people = [opened(), joined(alice, { balance: 100n }), joined(bob), joined(carol)];
const balance = (world: World, who: Person) => world.read(balanceTable, who.publicKey)?.amount ?? 0n;
const escrow = (world: World, task = 't') => world.read(escrowTable, `task/${task}`)?.amount;
const open = (world: World, who: Person) => world.read(loadTable, who.publicKey)?.open ?? 0;
const task = (world: World) => world.read(taskTable, 't')!;
const changed = (
  event: 'create' | 'assign' | 'start' | 'progress' | 'complete' | 'fail' | 'release' | 'cancel',
  status: 'pending' | 'assigned' | 'in_progress' | 'completed' | 'failed' | 'cancelled',
  attempt: number,
  who: Person,
  rest: {
    assignee?: string;
    leaseUntilMs?: number;
    note?: string;
    result?: string;
    reward?: bigint;
    rewardFrom?: 'mint' | 'escrow';
  } = {},
) => ({ kind: 'task.changed', task: 't', event, status, attempt, by: who.publicKey, ...rest }) as const;
/** Alice made it, Bob runs it. */
const running = (rest: Parameters<typeof taskCreate>[1] = {}) => [
  ...people,
  by(alice, taskCreate('t', rest)),
  by(bob, taskAssign('t', bob), taskStart('t')),
];

describe('the life of a task', () => {
  it('pending, assigned, in progress, completed', () => {
    const assignee = bob.publicKey;
    given(...people, by(bob, claim('answer')))
      .when(alice, taskCreate('t'))
      .thenExactly(effects(changed('create', 'pending', 0, alice)))
      .when(bob, taskAssign('t', bob))
      .thenExactly(effects(changed('assign', 'assigned', 1, bob, { assignee })))
      .when(bob, taskStart('t'))
      .thenExactly(effects(changed('start', 'in_progress', 1, bob, { assignee })))
      .when(bob, taskProgress('t', 1, 'half'))
      .thenExactly(effects(changed('progress', 'in_progress', 1, bob, { assignee, note: 'half' })))
      .when(bob, taskComplete('t', 1, hashOf('answer')))
      .thenExactly(effects(changed('complete', 'completed', 1, bob, { assignee, result: hashOf('answer') })))
      .and((world) => {
        expect(open(world, bob)).toBe(0);
        expect(world.read(assignmentTable, `${assignee}/t`)).toBeUndefined();
      });
  });

  it('may be created for somebody, who holds it from their start of it on', () => {
    given(...people)
      .when(alice, taskCreate('t', { assignee: bob.publicKey }))
      .thenExactly(effects(changed('create', 'assigned', 1, alice, { assignee: bob.publicKey })))
      .and((world) => expect(open(world, bob)).toBe(0))
      .when(bob, taskStart('t'))
      .thenAccepted()
      .and((world) => expect(open(world, bob)).toBe(1));
  });

  it('ends for good', () => {
    for (const end of [taskComplete('t'), taskFail('t')])
      for (const [who, event] of [
        [bob, taskStart('t')],
        [bob, taskRelease('t')],
        [alice, taskCancel('t')],
        [alice, taskAssign('t', carol)],
        [bob, end],
      ] as const)
        given(...running(), by(bob, end))
          .when(who, event)
          .thenExactly(refused('task_state'));
  });

  it('may be cancelled from any state before the end, by its creator or an admin', () => {
    for (const steps of [
      [...people, by(alice, taskCreate('t'))],
      [...people, by(alice, taskCreate('t', { assignee: bob.publicKey }))],
      running(),
    ]) {
      given(...steps)
        .when(bob, taskCancel('t'))
        .thenExactly(refused('not_task_creator'));
      given(...steps)
        .when(alice, taskCancel('t', 'no need'))
        .thenAccepted()
        .and((world) => {
          expect(task(world)).toMatchObject({ status: 'cancelled', error: 'no need' });
          expect(open(world, bob)).toBe(0);
        });
      given(...steps)
        .when(founder, taskCancel('t'))
        .thenAccepted();
    }
  });

  it('keeps the error of a failure', () => {
    given(...running())
      .when(bob, taskFail('t', 1, 'no network'))
      .thenExactly(effects(changed('fail', 'failed', 1, bob, { assignee: bob.publicKey })))
      .and((world) => expect(task(world).error).toBe('no network'));
  });
});

describe('task_assign', () => {
  it('lets any member take a pending task for themselves, and the first one wins', () => {
    given(...people, by(alice, taskCreate('t')))
      .when(bob, taskAssign('t', bob))
      .thenAccepted()
      .when(carol, taskAssign('t', carol))
      .thenExactly(refused('task_state', { task: 't', status: 'assigned', event: 'assign' }));
  });

  it('lets no member give a task of another to a third', () => {
    given(...people, by(alice, taskCreate('t')))
      .when(bob, taskAssign('t', carol))
      .thenExactly(refused('not_task_creator'))
      .when(stranger, taskAssign('t', stranger))
      .thenExactly(refused('role_insufficient'));
  });

  it('lets the creator and an admin assign and reassign, also running work', () => {
    given(...running())
      .when(alice, taskAssign('t', carol))
      .thenExactly(effects(changed('assign', 'assigned', 2, alice, { assignee: carol.publicKey })))
      .and((world) => expect([open(world, bob), open(world, carol)]).toEqual([0, 0]))
      .when(founder, taskAssign('t', bob))
      .thenExactly(effects(changed('assign', 'assigned', 3, founder, { assignee: bob.publicKey })));
  });

  it('gives work only to who may act', () => {
    given(...people, by(founder, memberAdd(carol, 'viewer')), by(alice, taskCreate('t')))
      .when(alice, taskAssign('t', carol))
      .thenExactly(refused('assignee_unable'))
      .when(alice, taskAssign('t', stranger))
      .thenExactly(refused('assignee_unable'))
      .when(alice, taskCreate('u', { assignee: stranger.publicKey }))
      .thenExactly(refused('assignee_unable'));
  });
});

describe('the attempt', () => {
  it('fences late answers from before a release', () => {
    given(...running(), by(bob, taskRelease('t')), by(bob, taskAssign('t', bob), taskStart('t', 2)))
      .when(bob, taskComplete('t', 1))
      .thenExactly(refused('task_attempt_stale', { task: 't', attempt: 1, current: 2 }))
      .when(bob, taskFail('t', 1))
      .thenExactly(refused('task_attempt_stale'))
      .when(bob, taskProgress('t', 1))
      .thenExactly(refused('task_attempt_stale'))
      .when(bob, taskRelease('t', 1))
      .thenExactly(refused('task_attempt_stale'))
      .when(bob, taskComplete('t', 2))
      .thenAccepted();
  });

  it('fences who was taken off', () => {
    given(...running(), by(alice, taskAssign('t', carol)))
      .when(bob, taskComplete('t', 1))
      .thenExactly(refused('task_attempt_stale'))
      .when(bob, taskComplete('t', 2))
      .thenExactly(refused('task_state'))
      .given(by(carol, taskStart('t', 2)))
      .when(bob, taskComplete('t', 2))
      .thenExactly(refused('not_task_assignee'));
  });

  it('between release and the next taking there is nobody to answer', () => {
    given(...running(), by(bob, taskRelease('t')))
      .when(bob, taskComplete('t', 1))
      .thenExactly(refused('task_state', { task: 't', status: 'pending', event: 'complete' }));
  });
});

describe('the lease', () => {
  const leased = [
    ...people,
    by(alice, taskCreate('t', { leaseMs: 5_000 })),
    later(10_000),
    by(bob, taskAssign('t', bob)),
  ];

  it('runs from the assignment, by block time, and lets anyone release once it has run out', () => {
    given(...leased, later(5_000))
      .when(stranger, taskRelease('t'))
      .thenExactly(refused('lease_running'));
    given(...leased, later(5_001))
      .when(stranger, taskRelease('t'))
      .thenExactly(effects(changed('release', 'pending', 1, stranger)))
      .and((world) => expect(open(world, bob)).toBe(0));
  });

  it('is renewed by start and by progress', () => {
    given(...leased, later(4_000))
      .when(bob, taskStart('t'))
      .thenExactly(
        effects(
          changed('start', 'in_progress', 1, bob, {
            assignee: bob.publicKey,
            leaseUntilMs: START_MS + 19_000,
          }),
        ),
      )
      .given(later(4_000))
      .when(bob, taskProgress('t'))
      .thenExactly(
        effects(
          changed('progress', 'in_progress', 1, bob, {
            assignee: bob.publicKey,
            leaseUntilMs: START_MS + 23_000,
          }),
        ),
      )
      .given(later(5_000))
      .when(carol, taskRelease('t'))
      .thenExactly(refused('lease_running', { task: 't', untilMs: START_MS + 23_000 }))
      .given(later(1))
      .when(carol, taskRelease('t'))
      .thenAccepted();
  });

  it('that has run out still lets the assignee finish, as long as nobody released', () => {
    given(...leased, later(60_000), by(bob, taskStart('t')))
      .when(bob, taskComplete('t'))
      .thenAccepted();
  });

  it('exists only where it was asked for; assignee, creator and admins may always release', () => {
    given(...running(), later(1_000_000_000))
      .when(carol, taskRelease('t'))
      .thenExactly(refused('lease_running', { task: 't', untilMs: undefined }));
    for (const who of [alice, bob, founder])
      for (const leaseMs of [undefined, 60_000])
        given(...running({ leaseMs }))
          .when(who, taskRelease('t'))
          .thenAccepted()
          .and((world) => expect(world.read(taskTable, 't')?.status).toBe('pending'))
          .when(bob, taskComplete('t'))
          .thenExactly(refused('task_state'));
  });
});

describe('the reward', () => {
  it('of an admin is minted on completion', () => {
    given(
      ...people,
      by(founder, taskCreate('t', { reward: 9n })),
      by(bob, taskAssign('t', bob), taskStart('t')),
    )
      .and((world) => expect([escrow(world), world.read(supplyTable)?.amount]).toEqual([undefined, 100n]))
      .when(bob, taskComplete('t'))
      .thenExactly(
        effects(
          changed('complete', 'completed', 1, bob, {
            assignee: bob.publicKey,
            reward: 9n,
            rewardFrom: 'mint',
          }),
          { kind: 'reward.paid', source: 'task', to: bob.publicKey, amount: 9n },
        ),
      )
      .and((world) => expect([balance(world, bob), world.read(supplyTable)?.amount]).toEqual([9n, 109n]));
  });

  it('of a plain member is taken from them at creation and paid on completion', () => {
    given(...running({ reward: 60n }))
      .and((world) => expect([balance(world, alice), escrow(world)]).toEqual([40n, 60n]))
      .when(bob, taskComplete('t'))
      .thenAccepted()
      .and((world) => {
        expect([balance(world, alice), balance(world, bob), escrow(world)]).toEqual([40n, 60n, undefined]);
        expect(world.read(supplyTable)?.amount).toBe(100n);
      });
  });

  it('comes back when the task fails or is cancelled, and stays while it is released', () => {
    for (const [who, end] of [
      [bob, taskFail('t')],
      [alice, taskCancel('t')],
      [founder, taskCancel('t')],
    ] as const)
      given(...running({ reward: 60n }))
        .when(who, end)
        .thenAccepted()
        .and((world) => {
          const last = world.chain.finals.at(-1)!.judged.effects.at(-1)!.effect;
          expect(last).toEqual({ kind: 'reward.returned', task: 't', to: alice.publicKey, amount: 60n });
        })
        .and((world) => expect([balance(world, alice), escrow(world)]).toEqual([100n, undefined]));
    given(...running({ reward: 60n }))
      .when(bob, taskRelease('t'))
      .thenAccepted()
      .and((world) => expect([balance(world, alice), escrow(world)]).toEqual([40n, 60n]));
  });

  it('comes back above a cap too, and to a creator who was removed', () => {
    given(
      ...running({ reward: 60n }),
      by(founder, policyUpdate(['max_account_balance', 1n]), memberRemove(alice)),
    )
      .when(bob, taskFail('t'))
      .thenAccepted()
      .and((world) => expect(balance(world, alice)).toBe(100n));
  });

  it('fills the account up to its cap: of an escrow the rest goes to the treasury, and nothing more is minted', () => {
    const capped = by(founder, policyUpdate(['max_account_balance', 59n]));
    given(...running({ reward: 60n }), capped)
      .when(bob, taskComplete('t'))
      .thenExactly(
        effects(
          changed('complete', 'completed', 1, bob, {
            assignee: bob.publicKey,
            reward: 60n,
            rewardFrom: 'escrow',
          }),
          { kind: 'reward.paid', source: 'task', to: bob.publicKey, amount: 59n },
          { kind: 'reward.to_treasury', task: 't', to: bob.publicKey, amount: 1n },
        ),
      )
      .and((world) => expect([balance(world, alice), balance(world, bob)]).toEqual([40n, 59n]));
    given(
      ...people,
      by(founder, taskCreate('t', { reward: 9n, assignee: bob.publicKey })),
      by(bob, taskStart('t')),
      by(founder, policyUpdate(['max_total_supply', 108n])),
    )
      .when(bob, taskComplete('t'))
      .thenExactly(
        effects(
          changed('complete', 'completed', 1, bob, {
            assignee: bob.publicKey,
            reward: 9n,
            rewardFrom: 'mint',
          }),
          { kind: 'reward.paid', source: 'task', to: bob.publicKey, amount: 8n },
          { kind: 'reward.skipped', source: 'task', to: bob.publicKey, amount: 1n, because: 'supply_cap' },
        ),
      );
  });

  it('makes nobody richer who rewards themselves', () => {
    const { world } = given(
      ...people,
      by(alice, taskCreate('t', { reward: 60n, assignee: alice.publicKey })),
      by(alice, taskStart('t'), taskComplete('t')),
    );
    expect([balance(world, alice), world.read(supplyTable)?.amount]).toEqual([100n, 100n]);
  });

  it('must be owned, and be more than nothing', () => {
    given(...people)
      .when(alice, taskCreate('t', { reward: 101n }))
      .thenExactly(refused('balance_too_low', { account: alice.publicKey, balance: 100n, needed: 101n }))
      .when(alice, taskCreate('t', { reward: 0n }))
      .thenExactly(refused('amount_zero'));
  });

  it('of a plain member stays an escrow when they become an admin', () => {
    const promote = by(founder, memberAdd(alice, 'admin'));
    given(...running({ reward: 60n }), promote)
      .when(bob, taskComplete('t'))
      .thenAccepted()
      .and((world) => expect(world.read(supplyTable)?.amount).toBe(100n));
  });
});
