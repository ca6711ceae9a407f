/**
 * What an audit can find, as data: where it is, what was checked, and one line for people.
 *
 * The list is closed. Heights and transaction indexes count from 0; hashes and keys of state are text.
 */
import { ARTIFACT_FAULTS, type ArtifactFault } from '../../events/artifact.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { describeRefusal, type Refusal } from '../../events/refusals.ts';
import type { DamagedEntry } from '../../storage/opaque-map.ts';
import type { ExportFileErrorCode } from './export-format.ts';
import type { Place } from './replay.ts';

/** The indexes that a store keeps beside the log. */
export type IndexName =
  | 'transactions'
  | 'replacements'
  | 'block_ids'
  | 'heights'
  | 'history_nodes'
  | 'effects';

export type Finding = Place &
  (
    | { readonly check: 'refused'; readonly refusal: Refusal }
    /** The history ends before its last height. */
    | { readonly check: 'block_missing' }
    /** A claim or an experience refers to bytes that are not there. */
    | { readonly check: 'artifact_missing'; readonly artifact: Hex32 }
    /** The bytes under a hash have another one (`actual`), or cannot be read at all (nothing). */
    | { readonly check: 'artifact_mismatch'; readonly artifact: Hex32; readonly actual: Hex32 | undefined }
    /** The bytes have the hash that the operation names, and cannot be what it says they are. */
    | { readonly check: 'artifact_unfit'; readonly artifact: Hex32; readonly fault: ArtifactFault }
    /** Bytes that no claim and no experience brought into the group. */
    | { readonly check: 'artifact_stray'; readonly artifact: Hex32 }
    /** The sum of all money is not the supply: the rules themselves are broken. */
    | { readonly check: 'money'; readonly held: bigint; readonly supply: bigint }
    | { readonly check: 'index_mismatch'; readonly index: IndexName; readonly what: string }
    | { readonly check: 'head_mismatch'; readonly field: string }
    /** A value of the stored state is not what the log says; absent on either side is nothing. */
    | {
        readonly check: 'state_mismatch';
        readonly key: string;
        readonly expected: Uint8Array | undefined;
        readonly actual: Uint8Array | undefined;
      }
    /** What the node keeps beside its groups is not what was written: the wallet, the outbox, what others told it. */
    | { readonly check: 'entries'; readonly entries: readonly DamagedEntry[] }
    /** The read models of the group are not what the log makes of them. */
    | { readonly check: 'views'; readonly what: string }
    /** The file around the history is damaged; the height is where reading stopped. */
    | { readonly check: 'file'; readonly code: ExportFileErrorCode; readonly what: string }
  );

/** Which thing a finding is about: block 12, transaction 3. */
function describePlace({ height, transaction, txId }: Place): string {
  const block = `block ${height}`;
  if (transaction === undefined) return block;
  const id = txId === undefined ? '' : ` (${txId.slice(0, 12)})`;
  return `${block}, transaction ${transaction}${id}`;
}

function describeCheck(finding: Finding, sayRefusal: (refusal: Refusal) => string): string {
  switch (finding.check) {
    case 'refused':
      return sayRefusal(finding.refusal);
    case 'block_missing':
      return 'The block is missing.';
    case 'artifact_missing':
      return `The artifact ${finding.artifact} is missing.`;
    case 'artifact_mismatch':
      return finding.actual === undefined
        ? `The artifact ${finding.artifact} cannot be read.`
        : `The bytes of artifact ${finding.artifact} have the hash ${finding.actual}.`;
    case 'artifact_unfit':
      return `The artifact ${finding.artifact} is ${ARTIFACT_FAULTS[finding.fault]}.`;
    case 'artifact_stray':
      return `The artifact ${finding.artifact} belongs to no claim and no experience of the group.`;
    case 'money':
      return `Accounts, escrows and treasury hold ${finding.held} in all, but the supply is ${finding.supply}.`;
    case 'index_mismatch':
      return `The index ${finding.index} disagrees with the log: ${finding.what}.`;
    case 'head_mismatch':
      return `The stored head has another ${finding.field} than the log.`;
    case 'state_mismatch':
      return describeState(finding);
    case 'entries':
      return describeEntries(finding.entries);
    case 'views':
      return `The read models are damaged: ${finding.what}. They are made again.`;
    case 'file':
      return `The file is damaged: ${finding.what}.`;
  }
}

/** How many entries are named. */
const ENTRIES_NAMED_MAX = 3;

function describeEntries(entries: readonly DamagedEntry[]): string {
  const named = entries.slice(0, ENTRIES_NAMED_MAX).map(({ table, key }) => {
    return key === undefined ? `what is in ${table}` : `${table} ${JSON.stringify(key)}`;
  });
  const more = entries.length - named.length;
  const all = named.join(', ') + (more > 0 ? ` and ${more} more` : '');
  return `What this node keeps for itself is damaged: ${all}. Restore the node from a backup.`;
}

function describeState({ key, expected, actual }: Extract<Finding, { check: 'state_mismatch' }>): string {
  const entry = `The stored state under ${JSON.stringify(key)}`;
  if (actual === undefined) return `${entry} is missing.`;
  if (expected === undefined) return `${entry} should not be there.`;
  return `${entry} is not what the log says.`;
}

/**
 * One line for people: where, then what.
 * @param sayRefusal other words for what the rules refuse
 */
export function describeFinding(finding: Finding, sayRefusal = describeRefusal): string {
  return `${describePlace(finding)}: ${describeCheck(finding, sayRefusal)}`;
}
