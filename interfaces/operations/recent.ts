/**
 * Claims of one group or several from the newest to the oldest, page by page. A page goes on behind the last claim of
 * the one before: by its time, group and place in the log, so that what is published meanwhile shifts nothing.
 */
import { UsageError } from '../../actors/errors.ts';
import type { Group, ReadClaim, RecentOptions } from '../../actors/group.ts';
import { ClaimDesk, type ClaimWire } from './claims.ts';
import type { Call } from './operation.ts';
import { Room } from './room.ts';
import { optional, text } from './schema.ts';

export const olderCursor = optional(text('next_cursor of the page before: goes on to older claims'));

/** Where a page ended. Claims of one counted time come by the ids of their groups. */
interface Place {
  readonly ms: number;
  readonly group: string;
  readonly height: number;
  readonly index: number;
}

interface Listed {
  readonly group: Group;
  readonly claim: ReadClaim;
}

interface Wanted {
  readonly sinceMs: number;
  readonly limit: number;
  readonly cursor: string | undefined;
  /** What the answer holds besides. */
  readonly besides?: string | undefined;
}

/** A page of claims, newest first. @throws UsageError for a cursor that is none */
export async function latestClaims(
  call: Call,
  groups: readonly Group[],
  { sinceMs, limit, cursor, besides = '' }: Wanted,
): Promise<{ claims: ClaimWire[]; next: { next_cursor?: string } }> {
  const after = cursor === undefined ? undefined : placeIn(cursor);
  // One more than asked for says whether there is more.
  const latest = await listed(groups, after, sinceMs, limit + 1);
  const desks = new Map<Group, ClaimDesk>();
  const claims: ClaimWire[] = [];
  const room = new Room(call);
  room.reserve(besides);
  for (const [at, { group, claim }] of latest.entries()) {
    const desk = desks.get(group) ?? new ClaimDesk(call, group);
    desks.set(group, desk);
    const taken = at < limit ? await desk.take(room, claim.claim) : undefined;
    if (taken === undefined) return { claims, next: { next_cursor: textOf(latest[at - 1]!) } };
    claims.push(taken);
  }
  return { claims, next: {} };
}

/** Groups that last changed before all that was found are not read. */
async function listed(
  groups: readonly Group[],
  after: Place | undefined,
  sinceMs: number,
  limit: number,
): Promise<Listed[]> {
  let latest: Listed[] = [];
  const newestFirst = groups
    .map((group) => ({ group, changedMs: group.head.tsMs }))
    .sort((one, other) => other.changedMs - one.changedMs);
  for (const { group, changedMs } of newestFirst) {
    const oldestMs = latest.length < limit ? sinceMs : latest.at(-1)!.claim.countedMs;
    if (changedMs < oldestMs) break;
    const claims = await group.recentClaimsInTurns({
      sinceMs: oldestMs,
      limit,
      ...(after === undefined ? {} : { before: beginningIn(group.groupId, after) }),
    });
    latest = [...latest, ...claims.map((claim) => ({ group, claim }))].sort(compare).slice(0, limit);
  }
  return latest;
}

function compare({ group, claim }: Listed, other: Listed): number {
  return (
    other.claim.countedMs - claim.countedMs ||
    (group.groupId === other.group.groupId ? 0 : group.groupId < other.group.groupId ? -1 : 1) ||
    other.claim.height - claim.height ||
    other.claim.index - claim.index
  );
}

/** From where a group goes on: behind the place in its own, at or before its time in the others. */
function beginningIn(
  groupId: string,
  { group, ms, height, index }: Place,
): NonNullable<RecentOptions['before']> {
  if (groupId === group) return { height, index };
  return { ms: groupId < group ? ms : ms + 1 };
}

const PREFIX = 'n1.';

function textOf({ group, claim: { countedMs, height, index } }: Listed): string {
  return PREFIX + Buffer.from(`${countedMs} ${group.groupId} ${height} ${index}`).toString('base64url');
}

function placeIn(cursor: string): Place {
  const plain = Buffer.from(cursor.slice(PREFIX.length), 'base64url').toString();
  const [, ms, group, height, index] = /^(\d{1,16}) ([0-9a-f]{64}) (\d{1,15}) (\d{1,9})$/.exec(plain) ?? [];
  if (!cursor.startsWith(PREFIX) || group === undefined)
    throw new UsageError('that is no cursor of these claims; leave it out to begin at the newest');
  return { ms: Number(ms), group, height: Number(height), index: Number(index) };
}
