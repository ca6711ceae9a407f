/** What a block has replaced stays replaced: while it is on its way to disk, once it is there, and after a restart. */
import { expect, it } from 'vitest';
import { ChainCore } from '../../../actors/chain/core.ts';
import { validate } from '../../../actors/chain/validate.ts';
import { InlineVerifier } from '../../../crypto/inline-verifier.ts';
import type { VerifiedTransaction } from '../../../events/transaction.ts';
import { memoryGroup } from '../../../storage/memory.ts';
import { profileSet } from '../../support/operations.ts';
import { alice } from '../../support/people.ts';
import { given, joined, opened } from '../../support/rules.ts';

const verifier = new InlineVerifier();

it('the judge of a chain knows of a replacement that is staged, stored, or was there when it began', async () => {
  const { world } = given(opened(), joined(alice));
  const old = world.transaction(alice, [profileSet('old')]);
  world.submit(world.transaction(alice, [profileSet('young')], { replaces: old.txId }));
  const store = memoryGroup(world.groupId);
  const core = new ChainCore(store, world.groupId);
  const refusalBy = (one: ChainCore, transaction: VerifiedTransaction): string | undefined => {
    one.judge.openBlock(world.nowMs);
    return one.judge.add(transaction)?.code;
  };
  const validation = { verifier, judge: core.judge, stage: core.stage.bind(core) };
  for await (const finals of validate(world.chain.blocks, validation)) {
    if (finals.length === 0) continue;
    if (core.judge.tip?.height === world.chain.judge.tip?.height)
      expect(refusalBy(core, old)).toBe('transaction_replaced');
    await core.commit(finals);
  }
  expect(store.hasReplacements()).toBe(true);
  expect(refusalBy(core, old)).toBe('transaction_replaced');
  expect(refusalBy(new ChainCore(store, world.groupId), old)).toBe('transaction_replaced');
  expect(refusalBy(core, world.transaction(alice, [profileSet('another')]))).toBeUndefined();
});
