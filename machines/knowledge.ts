/**
 * Knowledge: claims, their retraction and return, and agents' experiences.
 *
 * A claim's id is the hash of its artifact, which is new to the group, so that a text is rewarded once. What a
 * claim refers to exists before it, so references never form a circle, and whether a claim holds can be worked
 * out by walking its evidence (`holds`, below). That is not kept in the state: one retraction may turn any
 * number of claims, and a block's work must be bounded.
 */
import type { Hex32 } from '../events/bytes.ts';
import { REFERENCE_WEIGHT } from '../events/limits.ts';
import type { KnowledgeOperation } from '../events/operations/knowledge.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { OperationOf } from '../events/registry.ts';
import type { RuleContext, Rules } from './domain.ts';
import { reward } from './ledger.ts';
import { lacksRole, roleOf } from './roles.ts';
import type { StateView } from './state.ts';
import { claimTable, experienceTable, policyTable, retractionTable } from './tables.ts';

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
  context.weigh(REFERENCE_WEIGHT * (evidence.length + (parent === undefined ? 0 : 1)));
  if (isKnown(state, artifact)) return refuse('artifact_known', { artifact });
  if (parent !== undefined && state.get(claimTable, parent) === undefined)
    return refuse('claim_unknown', { claim: parent });
  for (const reference of evidence) {
    const unknown = unknownReference(state, reference);
    if (unknown !== undefined) return unknown;
  }
  state.put(claimTable, artifact, { author, tsMs: nowMs, parent, evidence, tags });
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
  context.weigh(REFERENCE_WEIGHT);
  const record = state.get(claimTable, claim);
  if (record === undefined) return refuse('claim_unknown', { claim });
  const refused = mayNotJudge(context, claim, record.author);
  if (refused !== undefined) return refused;
  if (state.get(retractionTable, claim) !== undefined) return refuse('claim_retracted', { claim });
  state.put(retractionTable, claim, { by: author, tsMs: nowMs, reason });
  context.emit({ kind: 'claim.retracted', claim, by: author, ...(reason === undefined ? {} : { reason }) });
  return undefined;
}

/** An author may take back their own retraction; an admin's stands until an admin takes it back. */
function reinstate(operation: OperationOf<'reinstate'>, context: RuleContext): Refusal | undefined {
  const { state, author } = context;
  const { claim, reason } = operation;
  context.weigh(REFERENCE_WEIGHT);
  const record = state.get(claimTable, claim);
  if (record === undefined) return refuse('claim_unknown', { claim });
  const retraction = state.get(retractionTable, claim);
  const refused = mayNotJudge(context, claim, retraction?.by ?? record.author);
  if (refused !== undefined) return refused;
  if (retraction === undefined) return refuse('claim_not_retracted', { claim });
  state.delete(retractionTable, claim);
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

/** What the truth of a claim follows from, of the claim itself. */
export interface Standing {
  readonly evidence: readonly Hex32[];
  readonly isRetracted: boolean;
}

/** The standing of a claim in a state; nothing where there is no such claim. */
export function standingOf(state: Pick<StateView, 'get'>, claim: Hex32): Standing | undefined {
  const record = state.get(claimTable, claim);
  if (record === undefined) return undefined;
  return { evidence: record.evidence, isRetracted: state.get(retractionTable, claim) !== undefined };
}

/** What was found about claims; kept for as long as nothing that they rest on turns. */
export interface KnownVerdicts {
  get(claim: Hex32): boolean | undefined;
  /** @param evidence what the verdict may have been drawn from */
  set(claim: Hex32, verdict: boolean, evidence: readonly Hex32[]): void;
}

/** Whether a claim is in, in one go: see `holding`. */
export function holds(
  claim: Hex32,
  read: (claim: Hex32) => Standing | undefined,
  known: KnownVerdicts = new Map<Hex32, boolean>(),
): boolean {
  const steps = holding(claim, read, known);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Whether a claim is *in*: not retracted, and either without claims among its evidence or with at least one of
 * them in. Evidence that is an artifact neither supports nor weakens. Works without recursion and step by step, so
 * that a chain of evidence of any length can be walked with others at work in between; `known` carries verdicts
 * between calls, and may forget some at any time.
 */
export function* holding(
  claim: Hex32,
  read: (claim: Hex32) => Standing | undefined,
  known: KnownVerdicts,
): Generator<undefined, boolean> {
  if (read(claim) === undefined) return false;
  const stack = [claim];
  for (;;) {
    const current = stack[stack.length - 1]!;
    const verdict = known.get(current) ?? verdictOf(current, read, known, stack);
    if (verdict !== undefined) stack.pop();
    if (verdict !== undefined && stack.length === 0) return verdict;
    yield;
  }
}

/** The verdict, which is known from then on; or nothing, after pushing the first claim that must be known before. */
function verdictOf(
  claim: Hex32,
  read: (claim: Hex32) => Standing | undefined,
  known: KnownVerdicts,
  stack: Hex32[],
): boolean | undefined {
  const { evidence, isRetracted } = read(claim)!;
  const verdict = isRetracted ? false : supportOf(evidence, read, known, stack);
  if (verdict !== undefined) known.set(claim, verdict, evidence);
  return verdict;
}

function supportOf(
  evidence: readonly Hex32[],
  read: (claim: Hex32) => Standing | undefined,
  known: KnownVerdicts,
  stack: Hex32[],
): boolean | undefined {
  let hasClaimEvidence = false;
  for (const reference of evidence) {
    const verdict = known.get(reference);
    if (verdict === true) return true;
    if (verdict === undefined && read(reference) !== undefined) {
      stack.push(reference);
      return undefined;
    }
    hasClaimEvidence ||= verdict !== undefined;
  }
  return !hasClaimEvidence;
}
