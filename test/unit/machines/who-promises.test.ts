/** Where the reward of a task comes from is what its creator has said, whatever they are by the time it is paid. */
import { describe, expect, it } from 'vitest';
import { balanceTable, escrowTable, taskTable } from '../../../machines/tables.ts';
import { memberAdd, taskCancel, taskCreate } from '../../support/operations.ts';
import { alice, bob, founder, type Person } from '../../support/people.ts';
import { given, joined, opened } from '../../support/rules.ts';
import type { World } from '../../support/world.ts';

const balance = (world: World, who: Person) => world.read(balanceTable, who.publicKey)?.amount ?? 0n;

describe('a reward comes from where its author said', () => {
  const promise = (rewardFrom: 'mint' | 'escrow' | undefined) =>
    taskCreate('t', { reward: 5n, assignee: bob.publicKey, rewardFrom });

  it('whoever promised as an admin does not pay as a member', () => {
    const { world } = given(opened(), joined(alice, { role: 'admin', balance: 9n }), joined(bob));
    const before = balance(world, alice);
    const signed = world.transaction(alice, [promise('mint')]);
    const demoted = world.transaction(founder, [memberAdd(alice, 'member')]);
    const { refusals } = world.seal([demoted, signed]);
    expect(refusals).toEqual([undefined, { code: 'role_insufficient', needed: 'admin', actual: 'member' }]);
    expect(balance(world, alice)).toBe(before);
    expect(world.read(taskTable, 't')).toBeUndefined();
  });

  it('whoever promised their own money pays it as an admin too, and gets it back', () => {
    const { world } = given(opened(), joined(alice, { balance: 9n }), joined(bob));
    const before = balance(world, alice);
    const signed = world.transaction(alice, [promise('escrow')]);
    const raised = world.transaction(founder, [memberAdd(alice, 'admin')]);
    expect(world.seal([raised, signed]).refusals).toEqual([undefined, undefined]);
    expect(balance(world, alice)).toBe(before - 5n);
    expect(world.read(escrowTable, 'task/t')).toEqual({ amount: 5n });
    expect(world.read(taskTable, 't')).toMatchObject({ rewardFrom: 'escrow' });
    expect(world.submit(world.transaction(alice, [taskCancel('t')])).refusal).toBeUndefined();
    expect(balance(world, alice)).toBe(before);
  });

  it('where nothing is said, the role says it', () => {
    const { world } = given(opened(), joined(alice, { role: 'admin' }), joined(bob));
    expect(world.submit(world.transaction(alice, [promise(undefined)])).refusal).toBeUndefined();
    expect(world.read(taskTable, 't')).toMatchObject({ rewardFrom: 'mint' });
  });
});
