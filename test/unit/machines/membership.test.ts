import { describe, expect, it } from 'vitest';
import {
  adminsTable,
  balanceTable,
  inviteTable,
  memberTable,
  profileTable,
  sealersTable,
  taskTable,
} from '../../../machines/tables.ts';
import { follow, forgeBlock } from '../../support/blocks.ts';
import {
  DAY_MS,
  inviteAccept,
  inviteCreate,
  inviteRevoke,
  memberAdd,
  memberRemove,
  mint,
  profileSet,
  sealerAccept,
  sealerSet,
  taskCreate,
  taskStart,
} from '../../support/operations.ts';
import { alice, bob, carol, founder, person, stranger } from '../../support/people.ts';
import { by, effects, given, joined, later, opened, refused } from '../../support/rules.ts';
import { START_MS, type World } from '../../support/world.ts';

const invite = person('invite');
const accept =
  (who = alice) =>
  (world: World) =>
    inviteAccept(invite, who, world.groupId);
const role = (world: World, who = alice) => world.read(memberTable, who.publicKey)?.role;
const balance = (world: World, who = alice) => world.read(balanceTable, who.publicKey)?.amount ?? 0n;

describe('genesis', () => {
  it('makes its author admin and sealer, and pays them the faucet like any new member', () => {
    const { world } = given(opened({ faucet_amount: 7n }));
    expect(role(world, founder)).toBe('admin');
    expect(world.read(sealersTable)).toEqual([founder.publicKey]);
    expect(world.read(adminsTable)).toEqual({ count: 1 });
    expect(balance(world, founder)).toBe(7n);
  });
});

describe('member_add', () => {
  it('pays the faucet to a new member', () => {
    given(opened({ faucet_amount: 7n }))
      .when(founder, memberAdd(alice))
      .thenExactly(
        effects(
          { kind: 'member.changed', member: alice.publicKey, role: 'member' },
          { kind: 'reward.paid', source: 'faucet', to: alice.publicKey, amount: 7n },
        ),
      );
  });

  it('pays the faucet once in the life of the group, also when it was skipped the first time', () => {
    given(opened({ faucet_amount: 7n }), joined(alice), by(founder, memberRemove(alice)))
      .when(founder, memberAdd(alice))
      .thenExactly(effects({ kind: 'member.changed', member: alice.publicKey, role: 'member' }))
      .and((world) => expect(balance(world)).toBe(7n));
    given(opened({ faucet_amount: 7n, max_total_supply: 7n }))
      .when(founder, memberAdd(alice))
      .thenExactly(
        effects(
          { kind: 'member.changed', member: alice.publicKey, role: 'member' },
          {
            kind: 'reward.skipped',
            source: 'faucet',
            to: alice.publicKey,
            amount: 7n,
            because: 'supply_cap',
          },
        ),
      );
  });

  it("changes an existing member's role, and counts the admins", () => {
    given(opened(), joined(alice))
      .when(founder, memberAdd(alice, 'admin'))
      .thenExactly(effects({ kind: 'member.changed', member: alice.publicKey, role: 'admin' }))
      .and((world) => expect(world.read(adminsTable)).toEqual({ count: 2 }))
      .when(alice, memberAdd(alice, 'viewer'))
      .thenAccepted()
      .and((world) => expect(world.read(adminsTable)).toEqual({ count: 1 }));
  });

  it('keeps the day of joining through a change of role, and not through a removal', () => {
    const { world } = given(opened(), joined(alice), later(DAY_MS), by(founder, memberAdd(alice, 'viewer')));
    expect(world.read(memberTable, alice.publicKey)?.joinedMs).toBe(START_MS);
    by(founder, memberRemove(alice))(world);
    by(founder, memberAdd(alice))(world);
    expect(world.read(memberTable, alice.publicKey)?.joinedMs).toBe(START_MS + DAY_MS);
  });

  it('is for admins alone', () => {
    given(opened(), joined(alice)).when(alice, memberAdd(bob)).thenExactly(refused('role_insufficient'));
    given(opened())
      .when(stranger, memberAdd(stranger, 'admin'))
      .thenExactly(refused('role_insufficient', { needed: 'admin', actual: 'none' }));
  });

  it('cannot demote the sealer or the last admin', () => {
    given(opened()).when(founder, memberAdd(founder, 'member')).thenExactly(refused('last_admin'));
    given(opened(), joined(alice, { role: 'admin' }))
      .when(alice, memberAdd(founder, 'viewer'))
      .thenExactly(refused('member_is_sealer'));
  });

  it('takes the work from whoever becomes a viewer', () => {
    given(opened(), joined(alice), by(founder, taskCreate('t', { assignee: alice.publicKey })))
      .when(founder, memberAdd(alice, 'viewer'))
      .thenExactly(
        effects(
          { kind: 'member.changed', member: alice.publicKey, role: 'viewer' },
          {
            kind: 'task.changed',
            task: 't',
            event: 'release',
            status: 'pending',
            attempt: 1,
            by: founder.publicKey,
          },
        ),
      );
  });
});

describe('member_remove', () => {
  it("returns the member's assigned and running tasks to pending, and leaves others alone", () => {
    const task = (id: string, who = alice) => by(founder, taskCreate(id, { assignee: who.publicKey }));
    given(
      opened(),
      joined(alice),
      joined(bob),
      task('assigned'),
      task('running/ü'),
      task('other', bob),
      by(alice, taskStart('running/ü')),
    )
      .when(founder, memberRemove(alice))
      .thenExactly(
        effects(
          { kind: 'member.changed', member: alice.publicKey, role: 'none' },
          {
            kind: 'task.changed',
            task: 'assigned',
            event: 'release',
            status: 'pending',
            attempt: 1,
            by: founder.publicKey,
          },
          {
            kind: 'task.changed',
            task: 'running/ü',
            event: 'release',
            status: 'pending',
            attempt: 1,
            by: founder.publicKey,
          },
        ),
      )
      .and((world) => expect(world.read(taskTable, 'other')?.assignee).toBe(bob.publicKey));
  });

  it('lets anybody leave, a viewer too, and leaves them their money', () => {
    given(opened(), joined(alice, { role: 'viewer', balance: 3n }))
      .when(alice, memberRemove(alice))
      .thenAccepted()
      .and((world) => expect([role(world), balance(world)]).toEqual([undefined, 3n]));
  });

  it('lets no member remove another', () => {
    given(opened(), joined(alice), joined(bob))
      .when(alice, memberRemove(bob))
      .thenExactly(refused('role_insufficient'));
  });

  it('counts the admins that are left', () => {
    given(opened(), joined(alice, { role: 'admin' }), joined(bob, { role: 'admin' }))
      .when(alice, memberRemove(bob))
      .thenAccepted()
      .and((world) => expect(world.read(adminsTable)).toEqual({ count: 2 }))
      .when(founder, memberRemove(alice))
      .thenAccepted()
      .when(founder, memberRemove(founder))
      .thenExactly(refused('last_admin'));
  });

  it('cannot remove somebody twice', () => {
    given(opened(), joined(alice), by(alice, memberRemove(alice)))
      .when(founder, memberRemove(alice))
      .thenExactly(refused('member_unknown'));
  });

  it('spares the sealer and the last admin, until somebody else is both', () => {
    given(opened())
      .when(founder, memberRemove(founder))
      .thenExactly(refused('last_admin'))
      .given(joined(alice, { role: 'admin' }))
      .when(founder, memberRemove(founder))
      .thenExactly(refused('member_is_sealer'))
      .given(by(founder, sealerSet(alice)), by(alice, sealerAccept))
      .when(founder, memberRemove(founder))
      .thenAccepted();
  });
});

describe('invites', () => {
  it('let as many in as they are for, each with its role, and pay the faucet', () => {
    given(opened({ faucet_amount: 2n }), by(founder, inviteCreate(invite, { role: 'viewer', maxUses: 2 })))
      .when(alice, accept())
      .thenExactly(
        effects(
          { kind: 'member.changed', member: alice.publicKey, role: 'viewer', invite: invite.publicKey },
          { kind: 'reward.paid', source: 'faucet', to: alice.publicKey, amount: 2n },
        ),
      )
      .when(bob, accept(bob))
      .thenAccepted()
      .when(carol, accept(carol))
      .thenExactly(refused('invite_used_up'))
      .and((world) => expect(world.read(inviteTable, invite.publicKey)?.uses).toBe(2));
  });

  it('are closed from the millisecond on at which they expire', () => {
    const expiresMs = START_MS + 1_000;
    const open = [opened(), by(founder, inviteCreate(invite, { expiresMs }))];
    given(...open, later(999))
      .when(alice, accept())
      .thenAccepted();
    given(...open, later(1_000))
      .when(alice, accept())
      .thenExactly(refused('invite_expired'));
  });

  it('prove themselves for one joiner in one group', () => {
    const elsewhere = inviteAccept(invite, alice, '00'.repeat(32));
    given(opened(), by(founder, inviteCreate(invite)))
      .when(alice, elsewhere)
      .thenExactly(refused('invite_proof_invalid'))
      .when(alice, accept(bob))
      .thenExactly(refused('invite_proof_invalid'))
      .when(alice, accept(alice))
      .thenAccepted();
  });

  it('are opened and revoked by admins alone, and revoked once', () => {
    given(opened(), joined(alice))
      .when(alice, inviteCreate(invite))
      .thenExactly(refused('role_insufficient'))
      .when(founder, inviteCreate(invite))
      .thenExactly(effects({ kind: 'invite.changed', invite: invite.publicKey, status: 'open' }))
      .when(alice, inviteRevoke(invite))
      .thenExactly(refused('role_insufficient'))
      .when(founder, inviteRevoke(invite))
      .thenExactly(effects({ kind: 'invite.changed', invite: invite.publicKey, status: 'revoked' }))
      .when(founder, inviteRevoke(invite))
      .thenExactly(refused('invite_revoked'))
      .when(founder, inviteCreate(invite))
      .thenExactly(refused('invite_exists'));
  });

  it('unknown ones cannot be revoked', () => {
    given(opened()).when(founder, inviteRevoke(invite)).thenExactly(refused('invite_unknown'));
  });
});

describe('profile_set', () => {
  it('names oneself, as any member', () => {
    given(opened(), joined(alice, { role: 'viewer' }))
      .when(alice, profileSet('Alice ☀'))
      .thenExactly(effects({ kind: 'profile.changed', member: alice.publicKey, name: 'Alice ☀' }))
      .and((world) => expect(world.read(profileTable, alice.publicKey)).toEqual({ name: 'Alice ☀' }))
      .when(stranger, profileSet('Nobody'))
      .thenExactly(refused('role_insufficient'));
  });
});

describe('sealer_set and sealer_accept', () => {
  it('hands the sealing over from the next block on', async () => {
    const { world } = given(
      opened(),
      joined(alice, { role: 'admin' }),
      by(founder, sealerSet(alice)),
      by(alice, sealerAccept),
    );
    expect(world.read(sealersTable)).toEqual([alice.publicKey]);
    const old = await follow(world.chain, forgeBlock(world, { signer: founder }));
    expect(old).toMatchObject({ code: 'block_wrong_sealer' });
    expect(await follow(world.chain, forgeBlock(world, { signer: alice }))).not.toHaveProperty('code');
  });

  it('within one block the old sealer seals to its end', () => {
    const { world } = given(opened(), joined(alice, { role: 'admin' }));
    const { refusals, final } = world.seal([
      world.transaction(founder, [sealerSet(alice)]),
      world.transaction(alice, [sealerAccept]),
      world.transaction(founder, [mint(founder, 1n)]),
    ]);
    expect(refusals).toEqual([undefined, undefined, undefined]);
    expect(final?.header.sealer).toBe(founder.publicKey);
  });

  it('is for admins, and exactly one admin', () => {
    given(opened(), joined(alice))
      .when(alice, sealerSet(alice))
      .thenExactly(refused('role_insufficient'))
      .when(founder, sealerSet())
      .thenExactly(refused('sealer_count'))
      .when(founder, sealerSet(stranger))
      .thenExactly(refused('sealer_not_admin'));
  });
});
