/** Claims: published, read as they come, watched. */
import type { Group } from '../../actors/group.ts';
import { CLAIM_TEXT_BYTES_MAX } from '../../events/limits.ts';
import { knowledgeOperations } from '../../events/operations/knowledge.ts';
import { claimId, referenceId } from '../cli/resolve.ts';
import {
  agentIn,
  given,
  groupId,
  groupOf,
  groupsOf,
  idOf,
  limit,
  onlyGroup,
  PAGE_MAX,
  sealed,
  sinceMs,
} from './call.ts';
import { ClaimDesk, type ClaimWire, claimShape, notice, noticeFor } from './claims.ts';
import { Growth, storedEvents } from './feed.ts';
import { CURSOR_CHARACTERS_MAX } from './limits.ts';
import { type Call, define } from './operation.ts';
import { Places } from './places.ts';
import { latestClaims, olderCursor } from './recent.ts';
import { Room } from './room.ts';
import { field, input, list, longText, number, optional, output, span, text, textUpTo } from './schema.ts';

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
    parent_hash: optional(idOf('the claim that this replies to')),
    evidence: optional(field(claimFields.evidence, 'ids of claims or records that support it')),
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

export const getRecentClaims = define({
  name: 'get_recent_claims',
  title: 'Read recent claims',
  description:
    'The latest claims of all groups, newest first; next_cursor leads to older ones, cursor goes to watch_claims.',
  toolset: 'default',
  effect: 'reads',
  isNodeWide: false,
  input: input({
    since_ms: optional(sinceMs),
    limit: limit(20),
    cursor: olderCursor,
  }),
  output: output({
    claims: list(claimShape),
    next_cursor: optional(text()),
    cursor: optional(text()),
    notice,
  }),
  async run(call, { since_ms = 0, limit = 20, cursor: before }) {
    const groups = call.node.groups();
    // The cursor is taken first: what comes meanwhile is told twice rather than never. There is none for more groups
    // than it holds; a watcher of so many names one.
    const cursor = groups.length > Places.GROUPS_MAX ? undefined : Places.atHead(groups).toText();
    const { claims, next } = await latestClaims(call, groups, {
      ...{ sinceMs: since_ms, limit },
      ...{ cursor: before, besides: cursor },
    });
    return { claims, ...next, ...given({ cursor }), ...noticeFor(claims) };
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
    cursor: optional(longText(CURSOR_CHARACTERS_MAX, 'cursor of the result before')),
    group_id: onlyGroup,
    timeout_ms: optional(
      span(0, WATCH_MS_MAX, {
        default: WATCH_MS_DEFAULT,
        description: 'span in milliseconds to wait at most',
      }),
    ),
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
      const isDone = claims.length > 0 || !(await growth.wait(untilMs - performance.now(), call));
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
  const room = new Room(call);
  room.reserve(places.toText());
  for await (const { groupId, event, height, index } of storedEvents(groups, places, {
    kinds: ['claim.published'],
    signal: call.signal,
  })) {
    if (event.kind !== 'claim.published') continue;
    const claim = await desks.get(groupId)!.take(room, event.claim);
    if (claim === undefined) {
      // There is no room for it: it is the first one of the next answer.
      places.set(groupId, { height, index });
      break;
    }
    claims.push(claim);
    if (claims.length >= Math.min(limit, PAGE_MAX)) break;
  }
  return claims;
}
