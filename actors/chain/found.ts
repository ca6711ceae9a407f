/** How a group begins: block 0, made by its founder. */
import { ZERO_ID } from '../../events/bytes.ts';
import type { Refusal } from '../../events/refusals.ts';
import type { Operation } from '../../events/registry.ts';
import { SpentSet } from '../../machines/spent.ts';
import type { GroupStore } from '../../storage/port.ts';
import { commitBatchOf, headAfter } from './commit.ts';
import { nativeCrypto } from './core.ts';
import { type BlockSigner, ChainJudge, type FinalBlock } from './judge.ts';
import { signTransaction } from './sign.ts';
import { MemoryState } from './state-cache.ts';

/** Block 0: judged over nothing, sealed by its founder. Storing it makes the group. */
export function foundGroup(
  signer: BlockSigner,
  genesis: Extract<Operation, { type: 'genesis' }>,
  nowMs: number,
): FinalBlock | Refusal {
  const judge = new ChainJudge({
    groupId: undefined,
    tip: undefined,
    base: new MemoryState(),
    crypto: nativeCrypto,
    spent: new SpentSet(nativeCrypto.sha256),
  });
  const signed = signTransaction(signer, { groupId: ZERO_ID, operations: [genesis], tsMs: nowMs });
  if ('code' in signed) return signed;
  judge.openBlock(nowMs);
  return judge.add(signed) ?? judge.sealBlock(signer)!;
}

/** Stores block 0 of a new group. */
export async function storeFounding(store: GroupStore, final: FinalBlock): Promise<void> {
  await store.commit(commitBatchOf([final], headAfter(undefined, final), []));
}
