/** What holds for every transaction whatever it asks for: atomic, once, within its window, in its group. */
import { describe, expect, it } from 'vitest';
import { TRANSACTION_AGE_MS_MAX, TRANSACTION_LEAD_MS_MAX } from '../../../events/limits.ts';
import { balanceTable, profileTable } from '../../../machines/tables.ts';
import { memberAdd, mint, profileSet, transfer } from '../../support/operations.ts';
import { alice, bob, founder } from '../../support/people.ts';
import { by, given, joined, later, opened } from '../../support/rules.ts';
import { START_MS } from '../../support/world.ts';

const world = () => given(opened(), joined(alice, { balance: 10n })).world;
const rename = (name: string) => [profileSet(name)];

describe('a transaction', () => {
  it('applies all of its operations or none', () => {
    const at = world();
    const before = at.chain.dump();
    expect(at.act(alice, transfer(bob, 4n), transfer(bob, 4n), transfer(bob, 4n)).refusal?.code).toBe(
      'balance_too_low',
    );
    expect(at.chain.dump()).toEqual(before);
    expect(at.chain.finals).toHaveLength(3);
    expect(at.act(alice, transfer(bob, 4n), transfer(bob, 4n)).effects).toHaveLength(2);
  });

  it('sees what its earlier operations did', () => {
    const at = world();
    expect(at.act(founder, memberAdd(bob, 'admin'), mint(bob, 1n)).refusal).toBeUndefined();
    expect(at.read(balanceTable, bob.publicKey)).toEqual({ amount: 1n });
  });

  it('sees, within a block, what the accepted ones before it did, and nothing of the refused', () => {
    const at = world();
    const { refusals, final } = at.seal([
      at.transaction(alice, [transfer(bob, 10n)]),
      at.transaction(alice, [transfer(bob, 1n)]),
      at.transaction(founder, [mint(alice, 5n), profileSet('x'), profileSet('x')]),
      at.transaction(bob, [transfer(alice, 3n)]),
      at.transaction(alice, [transfer(bob, 3n)]),
    ]);
    expect(refusals.map((refusal) => refusal?.code)).toEqual([
      undefined,
      'balance_too_low',
      'profile_unchanged',
      undefined,
      undefined,
    ]);
    expect(at.read(balanceTable, alice.publicKey)).toBeUndefined();
    const places = final!.judged.effects.map(({ transaction, effect }) => [transaction, effect.kind]);
    expect(places).toEqual([0, 1, 2].map((place) => [place, 'tokens.transferred']));
  });

  it('is accepted at both ends of its window, and not beyond', () => {
    const at = world();
    const dated = (tsMs: number) =>
      at.submit(at.transaction(alice, rename(`at ${tsMs}`), { tsMs })).refusal?.code;
    expect(dated(START_MS - TRANSACTION_AGE_MS_MAX)).toBeUndefined();
    expect(dated(START_MS - TRANSACTION_AGE_MS_MAX - 1)).toBe('transaction_expired');
    expect(dated(START_MS + TRANSACTION_LEAD_MS_MAX)).toBeUndefined();
    expect(dated(START_MS + TRANSACTION_LEAD_MS_MAX + 1)).toBe('transaction_from_future');
  });

  it('is accepted once, in one block and in any later one', () => {
    const at = world();
    const one = at.transaction(alice, rename('one'));
    const two = at.transaction(alice, rename('two'));
    const codes = at.seal([one, two, one]).refusals.map((refusal) => refusal?.code);
    expect(codes).toEqual([undefined, undefined, 'transaction_duplicate']);
    expect(at.submit(two).refusal?.code).toBe('transaction_duplicate');
  });

  it('that was refused may be tried again', () => {
    const at = world();
    const one = at.transaction(alice, [transfer(bob, 11n)]);
    expect(at.submit(one).refusal?.code).toBe('balance_too_low');
    by(founder, mint(alice, 1n))(at);
    expect(at.submit(one).refusal).toBeUndefined();
  });
});

describe('replaces', () => {
  const pair = () => {
    const at = world();
    const old = at.transaction(alice, rename('old'));
    return { at, old, young: at.transaction(alice, rename('young'), { replaces: old.txId }) };
  };

  it('lets the first of the two win, across blocks', () => {
    const first = pair();
    expect(first.at.submit(first.old).refusal).toBeUndefined();
    expect(first.at.submit(first.young).refusal).toEqual({
      code: 'transaction_replaced',
      txId: first.old.txId,
    });
    const second = pair();
    expect(second.at.submit(second.young).refusal).toBeUndefined();
    expect(second.at.submit(second.old).refusal).toEqual({
      code: 'transaction_replaced',
      txId: second.old.txId,
    });
  });

  it('lets the first of the two win, within a block', () => {
    for (const swapped of [false, true]) {
      const { at, old, young } = pair();
      const order = swapped ? [young, old] : [old, young];
      const { refusals } = at.seal(order);
      expect(refusals.map((refusal) => refusal?.code)).toEqual([undefined, 'transaction_replaced']);
      expect(at.read(profileTable, alice.publicKey)?.name).toBe(swapped ? 'young' : 'old');
    }
  });

  it('lets one of several that replace the same win', () => {
    const { at, old, young } = pair();
    const other = at.transaction(alice, rename('other'), { replaces: old.txId });
    const { refusals } = at.seal([young, other, old]);
    expect(refusals.map((refusal) => refusal?.code)).toEqual([
      undefined,
      'transaction_replaced',
      'transaction_replaced',
    ]);
  });

  it('spends nothing when it is refused', () => {
    const { at, old } = pair();
    const poor = at.transaction(alice, [transfer(bob, 11n)], { replaces: old.txId });
    expect(at.submit(poor).refusal?.code).toBe('balance_too_low');
    expect(at.submit(old).refusal).toBeUndefined();
  });

  it('may stand in for one that outlived its window', () => {
    const { at, old, young } = pair();
    later(TRANSACTION_AGE_MS_MAX + 1)(at);
    expect(at.submit(old).refusal?.code).toBe('transaction_expired');
    expect(at.submit(young).refusal?.code).toBe('transaction_expired');
    expect(at.submit(at.transaction(alice, rename('new'), { replaces: old.txId })).refusal).toBeUndefined();
  });
});

describe('block time', () => {
  it('never runs backwards, whatever the sealer’s clock says', () => {
    const at = world();
    at.nowMs -= 60_000;
    const { final } = at.seal([at.transaction(alice, rename('x'))]);
    expect(final?.header.tsMs).toBe(START_MS);
  });
});
