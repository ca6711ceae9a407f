/** What a node keeps beside the logs of its groups, for the end of an audit: read models, wallet, outbox, notes. */
import type { DamagedEntry } from '../../storage/opaque-map.ts';
import type { Audit } from './audit.ts';

/** What can be asked of the node. */
export interface Beside {
  /** What the read models of the group have that its log does not say; they are made again then. */
  compareViews(): Promise<string | undefined>;
  /** Entries that belong to no group and are not what was written. */
  damagedEntries(): readonly DamagedEntry[];
}

/** An audit of a group that found nothing, gone on with. What rests on nothing comes last: it breaks nothing else. */
export async function auditBeside(result: Audit, beside: Beside): Promise<Audit> {
  if (result.status === 'broken') return result;
  const { report } = result;
  const height = report.blocks - 1;
  const entries = beside.damagedEntries();
  if (entries.length > 0) return { status: 'broken', finding: { height, check: 'entries', entries }, report };
  const what = await beside.compareViews();
  return what === undefined
    ? result
    : { status: 'broken', finding: { height, check: 'views', what }, report };
}
