/**
 * Admission of what is submitted: the cheap checks, before a signature costs anything. The judge makes those of
 * validity again.
 */
import type { Hex32 } from '../../events/bytes.ts';
import { type Refusal, refuse } from '../../events/refusals.ts';
import type { Transaction } from '../../events/transaction.ts';
import { unknownAuthor } from '../../machines/group.ts';
import type { GroupStore } from '../../storage/port.ts';
import { admitArtifacts } from './attachments.ts';
import type { Artifact } from './commit.ts';
import type { ChainCore } from './core.ts';

/**
 * The artifacts that a transaction brings, checked; or why it cannot be accepted as things stand.
 * @param attachments the bytes of the artifacts
 */
export function admit(
  core: ChainCore,
  store: Pick<GroupStore, 'groupId' | 'hasArtifact'>,
  transaction: Transaction & { readonly txId: Hex32; readonly txIdBytes: Uint8Array },
  attachments: readonly Uint8Array[],
): Artifact[] | Refusal {
  const { groupId, txId, author, operations } = transaction;
  if (groupId !== store.groupId) return refuse('wrong_group', { expected: store.groupId, actual: groupId });
  if (core.spent.isSealed(txId, transaction.txIdBytes)) return refuse('transaction_duplicate', { txId });
  return (
    unknownAuthor(core.state, author, operations) ??
    admitArtifacts(operations, attachments, (hash) => store.hasArtifact(hash))
  );
}
