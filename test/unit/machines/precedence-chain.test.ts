/** The order of refusals before any rule of a domain looks: of a transaction, and of a block. */
import { describe, expect, it } from 'vitest';
import { TRANSACTION_AGE_MS_MAX, TRANSACTION_BYTES_MAX } from '../../../events/limits.ts';
import { REFUSAL_CODES, type RefusalCode } from '../../../events/refusals.ts';
import { follow, forgeBlock, judgeBytes, spoil } from '../../support/blocks.ts';
import * as op from '../../support/operations.ts';
import { alice, founder, hashOf, stranger } from '../../support/people.ts';
import { by, given, joined, later, opened } from '../../support/rules.ts';
import { START_MS } from '../../support/world.ts';

describe('before the operations', () => {
  const world = () => given(opened(), by(founder, op.profileSet('one')), later(1)).world;
  const profile = [op.profileSet('two')];

  it('a transaction that is too large is not decoded', async () => {
    const bytes = new Uint8Array(TRANSACTION_BYTES_MAX + 1).fill(0xc1);
    expect((await judgeBytes(world(), bytes))?.code).toBe('transaction_too_large');
    expect((await judgeBytes(world(), bytes.subarray(1)))?.code).toBe('malformed');
  });

  it('wrong_group, transaction_expired, transaction_replaced, signature_invalid, then the rules', async () => {
    const replaces = world().chain.finals[1]!.judged.accepted[0]!.txId;
    const defects = [
      ['wrong_group', { groupId: hashOf('another') }],
      ['transaction_expired', { tsMs: START_MS - TRANSACTION_AGE_MS_MAX }],
      ['transaction_replaced', { replaces }],
    ] as const;
    for (let first = 0; first <= defects.length; first++) {
      const at = world();
      const overrides = Object.assign({}, ...defects.slice(first).map(([, change]) => change)) as object;
      const { bytes } = at.transaction(stranger, profile, overrides);
      const expected = defects[first]?.[0] ?? 'signature_invalid';
      expect((await judgeBytes(at, spoil(bytes, -1)))?.code).toBe(expected);
    }
    const at = world();
    expect((await judgeBytes(at, at.transaction(stranger, profile).bytes))?.code).toBe('role_insufficient');
  });
});

describe('of a block', () => {
  it('its place, its sealer, its counts, its history, its seal, its transactions, its effects', async () => {
    const { world } = given(opened(), joined(alice));
    const defects: [RefusalCode, object][] = [
      ['block_wrong_group', { groupId: hashOf('another') }],
      ['block_height_gap', { height: 7 }],
      ['block_previous_mismatch', { prev: hashOf('another') }],
      ['block_time_backwards', { tsMs: 0 }],
      ['block_wrong_sealer', { sealer: alice.publicKey }],
      ['block_transaction_count', { txCount: 9 }],
      ['block_history_root_mismatch', { historyRoot: hashOf('another') }],
      ['block_signature_invalid', {}],
      ['block_transaction_root_mismatch', { txRoot: hashOf('another') }],
      ['block_transaction_refused', {}],
      ['block_effects_mismatch', { effectsHash: hashOf('another') }],
    ];
    const order = defects.map(([code]) => REFUSAL_CODES.indexOf(code));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    const refusedTransaction = world.transaction(stranger, [op.profileSet('x')]).bytes;
    for (const [at, [code]] of defects.entries()) {
      const still = defects.slice(at);
      const has = (one: RefusalCode) => still.some(([other]) => other === one);
      const bytes = forgeBlock(world, {
        header: Object.assign({}, ...still.map(([, change]) => change)) as object,
        spoilSeal: has('block_signature_invalid') ? 1 : 0,
        ...(has('block_transaction_refused') ? { transactions: [refusedTransaction] } : {}),
      });
      expect(await follow(world.chain, bytes)).toMatchObject({ code });
    }
  });
});
