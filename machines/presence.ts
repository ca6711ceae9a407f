/** Presence: the log remembers changes of status and metadata; beats between members never come here. */
import type { PresenceOperation } from '../events/operations/presence.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { OperationOf } from '../events/registry.ts';
import type { RuleContext, Rules } from './domain.ts';
import { lacksRole } from './roles.ts';
import { type PresenceRecord, presenceTable } from './tables.ts';

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function presence(operation: OperationOf<'presence'>, context: RuleContext): Refusal | undefined {
  const { state, author, nowMs } = context;
  const { status, metadata } = operation;
  const refused = lacksRole(context, 'member');
  if (refused !== undefined) return refused;
  if (metadata !== undefined && !isJsonObject(metadata)) return refuse('metadata_invalid', {});
  const present = state.get(presenceTable, author);
  if (present !== undefined && present.status === status && present.metadata === metadata)
    return refuse('presence_unchanged', {});
  state.put(presenceTable, author, { status, metadata, tsMs: nowMs });
  context.emit({
    kind: 'presence.changed',
    member: author,
    status,
    ...(metadata === undefined ? {} : { metadata }),
  });
  return undefined;
}

export const presenceRules: Rules<PresenceOperation> = { presence };

/**
 * Whether a member counts as stale: neither the log nor a beat has heard of them for longer than `staleMs`.
 * @param lastBeatMs time of the member's last beat, if any was received
 */
export function isStale(
  record: PresenceRecord,
  lastBeatMs: number | undefined,
  nowMs: number,
  staleMs: number,
): boolean {
  return nowMs - Math.max(record.tsMs, lastBeatMs ?? 0) > staleMs;
}
