/** Claims one by one: read, in their conversation, retracted and taken back; records of runs. */
import { NotFoundError } from '../../actors/errors.ts';
import { EXPERIENCE_BYTES_MAX } from '../../events/limits.ts';
import { knowledgeOperations } from '../../events/operations/knowledge.ts';
import { claimId, referenceId } from '../cli/resolve.ts';
import { act } from './act.ts';
import { agentIn, groupId, groupOf, limit, sealed } from './call.ts';
import { ClaimDesk, claimShape, notice, noticeFor } from './claims.ts';
import { define, type Operation } from './operation.ts';
import { field, input, list, number, optional, output, text, textUpTo } from './schema.ts';

const { retract } = knowledgeOperations;
const claim_id = text('a claim, or the first 8 digits of one');
const reason = optional(field(retract.fields.reason));

const listClaims = define({
  name: 'list_claims',
  title: 'List claims of a group',
  description: 'The latest claims of one group, newest first.',
  toolset: 'knowledge',
  effect: 'reads',
  input: input({ group_id: groupId, limit: limit(20) }),
  output: output({ claims: list(claimShape), notice }),
  async run(call, { group_id, limit = 20 }) {
    const group = groupOf(call, group_id);
    const desk = new ClaimDesk(call, group);
    const recent = await group.recentClaimsInTurns({ limit });
    const claims = await desk.describeAll(recent.map(({ claim }) => claim));
    return { claims, ...noticeFor(claims) };
  },
});

const getClaim = define({
  name: 'get_claim',
  title: 'Read a claim',
  description: 'A claim with its author, standing and text.',
  toolset: 'knowledge',
  effect: 'reads',
  input: input({ group_id: groupId, claim_id }),
  output: output({ claim: claimShape, notice }),
  async run(call, { group_id, claim_id }) {
    const group = groupOf(call, group_id);
    const claim = await new ClaimDesk(call, group).describe(claimId(group.now, claim_id));
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
  input: input({ group_id: groupId, artifact: text() }),
  output: output({ artifact: text(), text: text(), notice }),
  run(call, { group_id, artifact: given }) {
    const group = groupOf(call, group_id);
    const artifact = referenceId(group.now, given);
    const bytes = group.artifact(artifact);
    if (bytes === undefined) throw new NotFoundError(`the artifact ${artifact} is not on this node`);
    return { artifact, text: new TextDecoder().decode(bytes), ...noticeFor([{ is_own: false }]) };
  },
});

export const knowledgeDesk: readonly Operation[] = [
  listClaims,
  getClaim,
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
