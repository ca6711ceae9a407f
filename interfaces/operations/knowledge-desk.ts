/** Claims one by one: read, in their conversation, retracted and taken back; records of runs. */
import { NotFoundError } from '../../actors/errors.ts';
import { CLAIM_TEXT_BYTES_MAX, EXPERIENCE_BYTES_MAX } from '../../events/limits.ts';
import { knowledgeOperations } from '../../events/operations/knowledge.ts';
import { claimId, referenceId } from '../cli/resolve.ts';
import { act } from './act.ts';
import { agentIn, groupId, groupOf, idOf, limit, sealed } from './call.ts';
import { ClaimDesk, claimShape, notice, noticeFor } from './claims.ts';
import { define, type Operation } from './operation.ts';
import { latestClaims, olderCursor } from './recent.ts';
import { Room } from './room.ts';
import { field, input, integer, list, number, optional, output, text, textUpTo } from './schema.ts';

const { retract } = knowledgeOperations;
const claim_id = idOf('a claim');
const reason = optional(field(retract.fields.reason));

const listClaims = define({
  name: 'list_claims',
  title: 'List claims of a group',
  description: 'The latest claims of one group, newest first; next_cursor leads to older ones.',
  toolset: 'knowledge',
  effect: 'reads',
  input: input({ group_id: groupId, limit: limit(20), cursor: olderCursor }),
  output: output({ claims: list(claimShape), next_cursor: optional(text()), notice }),
  async run(call, { group_id, limit = 20, cursor }) {
    const group = groupOf(call, group_id);
    const { claims, next } = await latestClaims(call, [group], { sinceMs: 0, limit, cursor });
    return { claims, ...next, ...noticeFor(claims) };
  },
});

/** Where a text goes on that an answer could not hold. */
const offset = optional(
  integer(0, CLAIM_TEXT_BYTES_MAX, { description: 'to read on: next_offset of the answer before' }),
);

export const getClaim = define({
  name: 'get_claim',
  title: 'Read a claim',
  description: 'A claim with its author, standing and text.',
  toolset: 'default',
  effect: 'reads',
  input: input({ group_id: groupId, claim_id, offset }),
  output: output({ claim: claimShape, notice }),
  async run(call, { group_id, claim_id, offset = 0 }) {
    const group = groupOf(call, group_id);
    const desk = new ClaimDesk(call, group);
    const claim = await desk.read(new Room(call), claimId(group.now, claim_id), offset);
    return { claim, ...noticeFor([claim]) };
  },
});

const recordExperience = define({
  name: 'record_experience',
  title: 'Keep the record of a run',
  description: 'Keeps what an agent did as an artifact, which claims can name as evidence.',
  toolset: 'knowledge',
  effect: 'adds',
  input: input({ group_id: groupId, text: textUpTo(EXPERIENCE_BYTES_MAX) }),
  output: output({ artifact: text(), tx_id: text(), height: number() }),
  async run(call, { group_id, text }) {
    const agent = agentIn(call, groupOf(call, group_id));
    const { artifact, ...receipt } = await agent.recordExperience(new TextEncoder().encode(text));
    return { artifact, ...sealed(receipt) };
  },
});

const getArtifact = define({
  name: 'get_artifact',
  title: 'Read an artifact',
  description: 'The bytes of a claim or of the record of a run, as text.',
  toolset: 'knowledge',
  effect: 'reads',
  input: input({
    group_id: groupId,
    artifact: idOf('a claim or record'),
    offset: optional(
      integer(0, EXPERIENCE_BYTES_MAX, { description: 'to read on: next_offset of the answer before' }),
    ),
  }),
  output: output({ artifact: text(), text: text(), next_offset: optional(number()), notice }),
  run(call, { group_id, artifact: given, offset = 0 }) {
    const group = groupOf(call, group_id);
    const artifact = referenceId(group.now, given);
    const bytes = group.artifact(artifact);
    if (bytes === undefined) throw new NotFoundError(`the artifact ${artifact} is not on this node`);
    const piece = new Room(call).takeText(new TextDecoder().decode(bytes), offset);
    return { artifact, ...piece, ...noticeFor([{ is_own: false }]) };
  },
});

export const knowledgeDesk: readonly Operation[] = [
  listClaims,
  act('knowledge', {
    name: 'retract_claim',
    title: 'Retract a claim',
    description: 'Takes a claim back (its author or an admin).',
    effect: 'ends',
    properties: { claim_id, reason },
    act: ({ agent, view }, { claim_id, reason }) => agent.retractClaim(claimId(view, claim_id), reason),
  }),
  act('knowledge', {
    name: 'reinstate_claim',
    title: 'Reinstate a claim',
    description: 'Takes a retraction back (who retracted, or an admin).',
    effect: 'sets',
    properties: { claim_id, reason },
    act: ({ agent, view }, { claim_id, reason }) => agent.reinstateClaim(claimId(view, claim_id), reason),
  }),
  recordExperience,
  getArtifact,
];
