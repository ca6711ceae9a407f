/**
 * Knowledge: claims, their retraction and return, and agents' experiences.
 *
 * A claim's id is the hash of its artifact, which is new to the group, so that a text is rewarded once. What a
 * claim refers to exists before it, so references never form a circle, and whether a claim holds can be worked
 * out by walking its evidence (`holds`, below). That is not kept in the state: one retraction may turn any
 * number of claims, and a block's work must be bounded.
 */
import type { Hex32 } from '../events/bytes.ts';
import type { KnowledgeOperation } from '../events/operations/knowledge.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { OperationOf } from '../events/registry.ts';
import type { RuleContext, Rules } from './domain.ts';
import { reward } from './ledger.ts';
import { lacksRole, roleOf } from './roles.ts';
import type { StateView } from './state.ts';
import { type ClaimRecord, claimTable, experienceTable, policyTable } from './tables.ts';

function isKnown(state: StateView, artifact: Hex32): boolean {
  return state.get(claimTable, artifact) !== undefined || state.get(experienceTable, artifact) !== undefined;
}

/** Refuses unless `reference` is a claim or an artifact of this group. */
export function unknownReference(state: StateView, reference: Hex32): Refusal | undefined {
  return isKnown(state, reference) ? undefined : refuse('reference_unknown', { reference });
}

function claim(operation: OperationOf<'claim'>, context: RuleContext): Refusal | undefined {
  const { state, author, nowMs } = context;
  const { artifact, parent, evidence, tags } = operation;
  const refused = lacksRole(context, 'member');
  if (refused !== undefined) return refused;
  if (isKnown(state, artifact)) return refuse('artifact_known', { artifact });
  if (parent !== undefined && state.get(claimTable, parent) === undefined)
    return refuse('claim_unknown', { claim: parent });
  for (const reference of evidence) {
    const unknown = unknownReference(state, reference);
    if (unknown !== undefined) return unknown;
  }
  state.put(claimTable, artifact, { author, tsMs: nowMs, parent, evidence, tags, retraction: undefined });
  context.emit({
    kind: 'claim.published',
    claim: artifact,
    author,
    ...(parent === undefined ? {} : { parent }),
    evidence,
    tags,
  });
  reward(context, 'claim', author, state.get(policyTable, '')!.claim_reward_amount);
  return undefined;
}

/** Refuses unless the author of the transaction wrote the claim as a member, or is an admin. */
function mayNotJudge(context: RuleContext, claim: Hex32, owner: Hex32): Refusal | undefined {
  const role = roleOf(context.state, context.author);
  if (role === 'admin' || (role === 'member' && context.author === owner)) return undefined;
  return refuse('not_claim_author', { claim, author: owner });
}

function retract(operation: OperationOf<'retract'>, context: RuleContext): Refusal | undefined {
  const { state, author, nowMs } = context;
  const { claim, reason } = operation;
  const record = state.get(claimTable, claim);
  if (record === undefined) return refuse('claim_unknown', { claim });
  const refused = mayNotJudge(context, claim, record.author);
  if (refused !== undefined) return refused;
  if (record.retraction !== undefined) return refuse('claim_retracted', { claim });
  state.put(claimTable, claim, { ...record, retraction: { by: author, tsMs: nowMs, reason } });
  context.emit({ kind: 'claim.retracted', claim, by: author, ...(reason === undefined ? {} : { reason }) });
  return undefined;
}

/** An author may take back his own retraction; an admin's stands until an admin takes it back. */
function reinstate(operation: OperationOf<'reinstate'>, context: RuleContext): Refusal | undefined {
  const { state, author } = context;
  const { claim, reason } = operation;
  const record = state.get(claimTable, claim);
  if (record === undefined) return refuse('claim_unknown', { claim });
  const refused = mayNotJudge(context, claim, record.retraction?.by ?? record.author);
  if (refused !== undefined) return refused;
  if (record.retraction === undefined) return refuse('claim_not_retracted', { claim });
  state.put(claimTable, claim, { ...record, retraction: undefined });
  context.emit({ kind: 'claim.reinstated', claim, by: author, ...(reason === undefined ? {} : { reason }) });
  return undefined;
}

function experience(operation: OperationOf<'experience'>, context: RuleContext): Refusal | undefined {
  const { state, author, nowMs } = context;
  const { artifact } = operation;
  const refused = lacksRole(context, 'member');
  if (refused !== undefined) return refused;
  if (isKnown(state, artifact)) return refuse('artifact_known', { artifact });
  state.put(experienceTable, artifact, { author, tsMs: nowMs });
  context.emit({ kind: 'experience.recorded', artifact, author });
  return undefined;
}

export const knowledgeRules: Rules<KnowledgeOperation> = { claim, retract, reinstate, experience };

/**
 * Whether a claim is *in*: not retracted, and either without claims among its evidence or with at least one of
 * them in. Evidence that is an artifact neither supports nor weakens. Works without recursion, so that a chain
 * of evidence of any length can be walked; `known` carries results between calls on the same state.
 */
export function holds(
  claim: Hex32,
  read: (claim: Hex32) => ClaimRecord | undefined,
  known = new Map<Hex32, boolean>(),
): boolean {
  const stack = [claim];
  while (stack.length > 0) {
    const current = stack[stack.length - 1]!;
    const verdict = known.get(current) ?? verdictOf(current, read, known, stack);
    if (verdict === undefined) continue;
    known.set(current, verdict);
    stack.pop();
  }
  return known.get(claim)!;
}

/** The verdict, or nothing after pushing the first piece of evidence that must be known before. */
function verdictOf(
  claim: Hex32,
  read: (claim: Hex32) => ClaimRecord | undefined,
  known: Map<Hex32, boolean>,
  stack: Hex32[],
): boolean | undefined {
  const record = read(claim);
  if (record === undefined || record.retraction !== undefined) return false;
  let hasClaimEvidence = false;
  for (const reference of record.evidence) {
    if (read(reference) === undefined) continue;
    hasClaimEvidence = true;
    const verdict = known.get(reference);
    if (verdict === true) return true;
    if (verdict === undefined) {
      stack.push(reference);
      return undefined;
    }
  }
  return !hasClaimEvidence;
}
