/** Claims: published, read as they come, watched. */
import type { Group, ReadClaim } from '../../actors/group.ts';
import { CLAIM_TEXT_BYTES_MAX } from '../../events/limits.ts';
import { knowledgeOperations } from '../../events/operations/knowledge.ts';
import { claimId, referenceId } from '../cli/resolve.ts';
import { agentIn, given, groupId, groupOf, groupsOf, limit, PAGE_MAX, sealed } from './call.ts';
import { ClaimDesk, type ClaimWire, claimShape, notice, noticeFor } from './claims.ts';
import { Growth, storedEvents } from './feed.ts';
import { CURSOR_CHARACTERS_MAX } from './limits.ts';
import { type Call, define } from './operation.ts';
import { Places } from './places.ts';
import { field, input, integer, list, longText, number, optional, output, text, textUpTo } from './schema.ts';

const claimFields = knowledgeOperations.claim.fields;

/** How long one call of `watch_claims` waits at most: hosts give a call up after a minute. */
const WATCH_MS_MAX = 50_000;
const WATCH_MS_DEFAULT = 25_000;

export const publishClaim = define({
  name: 'publish_claim',
  title: 'Publish a claim',
  description: 'Adds a claim to what the group knows; parent_hash makes it a reply.',
  toolset: 'default',
  effect: 'adds',
  input: input({
    group_id: groupId,
    text: textUpTo(CLAIM_TEXT_BYTES_MAX),
    tags: optional(field(claimFields.tags)),
    parent_hash: optional(text()),
    evidence: optional(field(claimFields.evidence, 'claims that support it')),
  }),
  output: output({ claim_id: text(), tx_id: text(), height: number() }),
  async run(call, { group_id, text, tags = [], parent_hash, evidence = [] }) {
    const group = groupOf(call, group_id);
    const view = group.now;
    const { claim, ...receipt } = await agentIn(call, group).publishClaim({
      text,
      tags,
      evidence: evidence.map((one) => referenceId(view, one)),
      ...given({ parent: parent_hash && claimId(view, parent_hash) }),
    });
    return { claim_id: claim, ...sealed(receipt) };
  },
});

/** The latest claims of several groups. Groups that last changed before all that was found are not read. */
async function latestClaims(
  groups: readonly Group[],
  sinceMs: number,
  limit: number,
): Promise<{ group: Group; claim: ReadClaim }[]> {
  let latest: { group: Group; claim: ReadClaim }[] = [];
  const newestFirst = groups
    .map((group) => ({ group, changedMs: group.head.tsMs }))
    .sort((one, other) => other.changedMs - one.changedMs);
  for (const { group, changedMs } of newestFirst) {
    const oldestMs = latest.length < limit ? sinceMs : latest.at(-1)!.claim.tsMs;
    if (changedMs < oldestMs) break;
    const claims = await group.recentClaimsInTurns({ sinceMs: oldestMs, limit });
    latest = [...latest, ...claims.map((claim) => ({ group, claim }))]
      .sort((one, other) => other.claim.tsMs - one.claim.tsMs)
      .slice(0, limit);
  }
  return latest;
}

export const getRecentClaims = define({
  name: 'get_recent_claims',
  title: 'Read recent claims',
  description: 'The latest claims of all groups, newest first. cursor goes to watch_claims.',
  toolset: 'default',
  effect: 'reads',
  isNodeWide: false,
  input: input({
    since_ms: optional(integer(0, Number.MAX_SAFE_INTEGER, { description: 'milliseconds since 1970' })),
    limit: limit(20),
  }),
  output: output({ claims: list(claimShape), cursor: optional(text()), notice }),
  async run(call, { since_ms = 0, limit = 20 }) {
    const groups = call.node.groups();
    // The cursor is taken first: what comes meanwhile is told twice rather than never. There is none for more groups
    // than it holds; a watcher of so many names one.
    const cursor = groups.length > Places.GROUPS_MAX ? undefined : Places.atHead(groups).toText();
    const latest = await latestClaims(groups, since_ms, limit);
    const desks = new Map<Group, ClaimDesk>();
    const claims: ClaimWire[] = [];
    for (const { group, claim } of latest) {
      const desk = desks.get(group) ?? new ClaimDesk(call, group);
      desks.set(group, desk);
      claims.push(await desk.describe(claim.claim));
    }
    return { claims, ...given({ cursor }), ...noticeFor(claims) };
  },
});

export const watchClaims = define({
  name: 'watch_claims',
  title: 'Wait for new claims',
  description:
    'Waits for claims after the cursor and returns them with the next cursor; begins now without one. Never skips.',
  toolset: 'default',
  effect: 'reads',
  input: input({
    cursor: optional(longText(CURSOR_CHARACTERS_MAX)),
    group_id: optional(text('only this group')),
    timeout_ms: optional(integer(0, WATCH_MS_MAX, { default: WATCH_MS_DEFAULT })),
    limit: limit(50),
  }),
  output: output({ claims: list(claimShape), cursor: text(), notice }),
  async run(call, { cursor, group_id, timeout_ms = WATCH_MS_DEFAULT, limit = 50 }) {
    const places = cursor === undefined ? Places.atHead(groupsOf(call, group_id)) : Places.fromText(cursor);
    const untilMs = performance.now() + timeout_ms;
    using growth = new Growth(call.node);
    for (;;) {
      // Asked anew each time: a group that came meanwhile is watched as well.
      const claims = await newClaims(call, groupsOf(call, group_id), places, limit);
      const isDone = claims.length > 0 || !(await growth.wait(untilMs - performance.now(), call.signal));
      if (isDone) return { claims, cursor: places.toText(), ...noticeFor(claims) };
    }
  },
});

async function newClaims(
  call: Call,
  groups: readonly Group[],
  places: Places,
  limit: number,
): Promise<ClaimWire[]> {
  const desks = new Map(groups.map((group) => [group.groupId, new ClaimDesk(call, group)]));
  const claims: ClaimWire[] = [];
  for await (const { groupId, event } of storedEvents(groups, places, {
    kinds: ['claim.published'],
    signal: call.signal,
  })) {
    if (event.kind === 'claim.published') claims.push(await desks.get(groupId)!.describe(event.claim));
    if (claims.length >= Math.min(limit, PAGE_MAX)) break;
  }
  return claims;
}
