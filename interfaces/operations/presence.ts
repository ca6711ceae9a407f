/** Who is there, and what they are at. */
import { presenceOperations } from '../../events/operations/presence.ts';
import { agentIn, cursor, groupId, groupOf, limit, namesIn, ownKey, sealed } from './call.ts';
import { notice, noticeFor } from './claims.ts';
import { define } from './operation.ts';
import { describedPage } from './room.ts';
import { field, flag, free, input, list, number, optional, output, pointOut, text } from './schema.ts';

const { status } = presenceOperations.presence.fields;

export const updatePresence = define({
  name: 'update_presence',
  title: 'Say what you are at',
  description: 'Sets your status in the group. Repeating it costs nothing and shows that you are there.',
  toolset: 'default',
  effect: 'sets',
  input: input({
    group_id: groupId,
    status: field(status),
    metadata: optional(free('what you are at, as a JSON object up to 4 KiB')),
  }),
  output: output({ status: text(), tx_id: optional(text()), height: optional(number()) }),
  async run(call, { group_id, status, metadata }) {
    const group = groupOf(call, group_id);
    const agent = agentIn(call, group);
    const present = group.now.presence().find(({ member }) => member === agent.publicKey);
    const said = metadata === undefined ? undefined : JSON.stringify(metadata);
    if (present?.status === status && present.metadata === said) {
      // The log takes changes alone; that somebody is still there is told by a beat, which it never sees.
      agent.beat();
      return { status };
    }
    return { status, ...sealed(await agent.setPresence(status, metadata)) };
  },
});

export const getPresence = define({
  name: 'get_presence',
  title: 'See who is there',
  description: 'Members of the group by what they said last; is_stale: not heard of lately.',
  toolset: 'default',
  effect: 'reads',
  input: input({ group_id: groupId, limit: limit(50), cursor }),
  output: output({
    members: list(
      output({
        member: text(),
        name: text(),
        is_own: flag(),
        status: text(),
        is_stale: flag(),
        last_seen_ms: pointOut(),
        metadata: optional(free()),
      }),
    ),
    next_cursor: optional(text()),
    notice,
  }),
  run(call, { group_id, limit = 50, cursor }) {
    const group = groupOf(call, group_id);
    const nameOf = namesIn(call, group);
    const own = ownKey(call);
    const { page: members, next } = describedPage(call, group.presence(), {
      keyOf: ({ member }) => member,
      describe: ({ member, status, isStale, lastSeenMs, metadata }) => ({
        member,
        name: nameOf(member),
        is_own: member === own,
        status,
        is_stale: isStale,
        last_seen_ms: lastSeenMs,
        ...(metadata === undefined ? {} : { metadata: JSON.parse(metadata) as Record<string, unknown> }),
      }),
      cursor,
      limit,
    });
    return { members, ...next, ...noticeFor(members) };
  },
});
