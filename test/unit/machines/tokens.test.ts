import { describe, expect, it } from 'vitest';
import { MAX_TOKEN } from '../../../events/fields.ts';
import {
  balanceTable,
  groupTable,
  policyTable,
  supplyTable,
  treasuryTable,
} from '../../../machines/tables.ts';
import {
  claim,
  genesis,
  memberAdd,
  memberRemove,
  mint,
  policyUpdate,
  rulesUpgrade,
  transfer,
  treasurySpend,
} from '../../support/operations.ts';
import { alice, bob, founder, hashOf, stranger } from '../../support/people.ts';
import { by, effects, given, joined, opened, refused } from '../../support/rules.ts';
import type { World } from '../../support/world.ts';

const balance = (world: World, who = alice) => world.read(balanceTable, who.publicKey)?.amount ?? 0n;
const treasury = (world: World) => world.read(treasuryTable)?.amount ?? 0n;
const supply = (world: World) => world.read(supplyTable)?.amount ?? 0n;

describe('mint', () => {
  it('makes tokens for anybody, a stranger too', () => {
    given(opened())
      .when(founder, mint(stranger, 5n))
      .thenExactly(effects({ kind: 'tokens.minted', to: stranger.publicKey, amount: 5n }))
      .and((world) => expect([balance(world, stranger), supply(world)]).toEqual([5n, 5n]));
  });

  it('stops at the caps, and not before', () => {
    given(opened({ max_total_supply: 10n, max_account_balance: 6n }))
      .when(founder, mint(alice, 7n))
      .thenExactly(refused('account_cap_exceeded'))
      .when(founder, mint(alice, 6n))
      .thenAccepted()
      .when(founder, mint(bob, 5n))
      .thenExactly(refused('supply_cap_exceeded'))
      .when(founder, mint(bob, 4n))
      .thenAccepted();
  });

  it('never passes 2^63−1 without a cap', () => {
    given(opened(), by(founder, mint(alice, MAX_TOKEN)))
      .when(founder, mint(bob, 1n))
      .thenExactly(refused('supply_cap_exceeded', { supply: MAX_TOKEN, amount: 1n, cap: MAX_TOKEN }));
  });
});

describe('transfer', () => {
  it('pays the fee on top, rounded up, to the treasury', () => {
    given(opened({ transfer_fee_bps: 125 }), joined(alice, { balance: 1_000n }))
      .when(alice, transfer(bob, 799n))
      .thenExactly(
        effects({
          kind: 'tokens.transferred',
          from: alice.publicKey,
          to: bob.publicKey,
          amount: 799n,
          fee: 10n,
        }),
      )
      .and((world) => {
        expect([balance(world), balance(world, bob), treasury(world)]).toEqual([191n, 799n, 10n]);
        expect(supply(world)).toBe(1_000n);
      });
  });

  it('needs the fee too, to the token', () => {
    const steps = [opened({ transfer_fee_bps: 5_000 }), joined(alice, { balance: 15n })];
    given(...steps)
      .when(alice, transfer(bob, 11n))
      .thenExactly(refused('balance_too_low'));
    given(...steps)
      .when(alice, transfer(bob, 10n))
      .thenAccepted()
      .and((world) => expect(balance(world)).toBe(0n));
  });

  it('needs no role: former members and strangers move what they hold', () => {
    given(opened(), joined(alice, { balance: 2n }), by(founder, memberRemove(alice)))
      .when(alice, transfer(stranger, 2n))
      .thenAccepted()
      .when(stranger, transfer(bob, 1n))
      .thenAccepted();
  });

  it("is refused when it would break the receiver's cap", () => {
    given(opened({ max_account_balance: 10n }), joined(alice, { balance: 10n }), by(founder, mint(bob, 1n)))
      .when(alice, transfer(bob, 10n))
      .thenExactly(refused('account_cap_exceeded'));
  });

  it('to an account above a cap that came later is refused, from it allowed', () => {
    given(opened(), joined(alice, { balance: 10n }), by(founder, policyUpdate(['max_account_balance', 5n])))
      .when(founder, mint(alice, 1n))
      .thenExactly(refused('account_cap_exceeded'))
      .when(alice, transfer(bob, 5n))
      .thenAccepted();
  });
});

describe('treasury_spend', () => {
  const funded = [
    opened({ transfer_fee_bps: 5_000 }),
    joined(alice, { balance: 15n }),
    by(alice, transfer(bob, 10n)),
  ];

  it('pays out of the treasury, by admins alone, and no more than it holds', () => {
    given(...funded)
      .when(bob, treasurySpend(bob, 1n))
      .thenExactly(refused('role_insufficient'))
      .when(founder, treasurySpend(bob, 6n))
      .thenExactly(refused('treasury_too_low', { treasury: 5n, needed: 6n }))
      .when(founder, treasurySpend(bob, 5n))
      .thenExactly(effects({ kind: 'treasury.spent', to: bob.publicKey, amount: 5n }))
      .and((world) => expect([balance(world, bob), treasury(world)]).toEqual([15n, 0n]));
  });

  it("is refused at the receiver's cap", () => {
    given(...funded, by(founder, policyUpdate(['max_account_balance', 12n])))
      .when(founder, treasurySpend(bob, 3n))
      .thenExactly(refused('account_cap_exceeded'));
  });
});

describe('automatic rewards at a cap', () => {
  it('are made as far as there is room, effects say what was left out, and the operation stands', () => {
    given(opened({ claim_reward_amount: 4n, max_total_supply: 5n }), joined(alice, { balance: 2n }))
      .when(alice, claim('c'))
      .thenExactly(
        effects(
          { kind: 'claim.published', claim: hashOf('c'), author: alice.publicKey, evidence: [], tags: [] },
          { kind: 'reward.paid', source: 'claim', to: alice.publicKey, amount: 3n },
          {
            kind: 'reward.skipped',
            source: 'claim',
            to: alice.publicKey,
            amount: 1n,
            because: 'supply_cap',
          },
        ),
      );
    given(opened({ claim_reward_amount: 4n, max_account_balance: 5n }), joined(alice, { balance: 2n }))
      .when(alice, claim('c'))
      .thenExactly(
        effects(
          { kind: 'claim.published', claim: hashOf('c'), author: alice.publicKey, evidence: [], tags: [] },
          { kind: 'reward.paid', source: 'claim', to: alice.publicKey, amount: 3n },
          {
            kind: 'reward.skipped',
            source: 'claim',
            to: alice.publicKey,
            amount: 1n,
            because: 'account_cap',
          },
        ),
      )
      .and((world) => expect(balance(world)).toBe(5n));
  });
});

describe('policy_update', () => {
  it('changes what it names and keeps the rest; the last word on a key counts', () => {
    given(opened({ faucet_amount: 1n, max_total_supply: 100n }))
      .when(
        founder,
        policyUpdate(['discoverable', true], ['max_total_supply', undefined], ['grant_window_ms', 1_000n]),
      )
      .thenAccepted()
      .and((world) =>
        expect(world.read(policyTable)).toMatchObject({
          faucet_amount: 1n,
          discoverable: true,
          max_total_supply: undefined,
          grant_window_ms: 1_000,
        }),
      );
  });

  it('is for admins alone', () => {
    given(opened(), joined(alice))
      .when(alice, policyUpdate(['faucet_amount', 1n]))
      .thenExactly(refused('role_insufficient'));
  });

  it.each([
    ['faucet_amount', true],
    ['faucet_amount', undefined],
    ['discoverable', 1n],
    ['discoverable', undefined],
    ['transfer_fee_bps', 5_001n],
    ['transfer_fee_bps', true],
    ['grant_window_ms', 999n],
    ['grant_window_ms', 90n * 86_400_000n + 1n],
    ['dispute_window_ms', MAX_TOKEN],
    ['max_account_balance', false],
  ] as const)('refuses %s = %s', (key, value) => {
    given(opened())
      .when(founder, policyUpdate([key, value]))
      .thenExactly(refused('policy_value_invalid'));
  });

  it('knows only its own keys', () => {
    for (const key of ['constructor', '__proto__', 'Faucet_amount', ''])
      given(opened())
        .when(founder, policyUpdate([key, 1n]))
        .thenExactly(refused('policy_key_unknown', { key }));
  });

  it('lets the supply cap meet the supply, and not lie below it', () => {
    given(opened(), by(founder, mint(alice, 10n)))
      .when(founder, policyUpdate(['max_total_supply', 9n]))
      .thenExactly(refused('supply_cap_below_supply'))
      .when(founder, policyUpdate(['max_total_supply', 10n]))
      .thenAccepted();
  });

  it('is atomic: a bad change drops the good ones of its transaction', () => {
    given(opened())
      .when(founder, policyUpdate(['faucet_amount', 5n]), memberAdd(alice), policyUpdate())
      .thenExactly(refused('policy_empty'))
      .when(founder, memberAdd(alice))
      .thenExactly(effects({ kind: 'member.changed', member: alice.publicKey, role: 'member' }));
  });
});

describe('the group', () => {
  it('is founded once, by a genesis that stands alone in block 0', () => {
    given().when(founder, genesis(), mint(founder, 1n)).thenExactly(refused('genesis_misplaced'));
    given().when(founder, mint(founder, 1n)).thenExactly(refused('genesis_misplaced'));
    given(opened()).when(founder, mint(founder, 1n), genesis()).thenExactly(refused('genesis_misplaced'));
    const { world } = given();
    const { refusals } = world.seal([
      world.transaction(founder, [genesis()]),
      world.transaction(alice, [genesis()]),
    ]);
    expect(refusals.map((refusal) => refusal?.code)).toEqual([undefined, 'genesis_misplaced']);
  });

  it('refuses a policy out of bounds at its birth', () => {
    given()
      .when(founder, genesis({ transfer_fee_bps: 5_001 }))
      .thenExactly(refused('policy_value_invalid'));
    given()
      .when(founder, genesis({ dispute_window_ms: 0 }))
      .thenExactly(refused('policy_value_invalid'));
  });

  it('takes only later versions of the rules that this software knows, from admins', () => {
    given(opened(), joined(alice))
      .when(alice, rulesUpgrade(2))
      .thenExactly(refused('role_insufficient'))
      .when(founder, rulesUpgrade(1))
      .thenExactly(refused('rules_version_unsupported'))
      .when(founder, rulesUpgrade(2))
      .thenExactly(refused('rules_version_unsupported'))
      .and((world) => expect(world.read(groupTable)?.rulesVersion).toBe(1));
  });
});
