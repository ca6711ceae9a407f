/**
 * What the three say to each other about a topic, and what becomes of a claim that was too hasty: it is retracted,
 * and what rests on it alone no longer holds.
 */
import type { Hex32 } from '../../../events/bytes.ts';
import { count, shortId } from '../text.ts';
import type { Hit, Inspection } from './inspection.ts';
import type { Round } from './round.ts';

/** As many sections as a claim cites. */
const EVIDENCE_SHOWN = 5;

function scope({ hits, documents }: Inspection): string {
  return `${count(hits.length, 'section')} in ${count(documents.length, 'document')}`;
}

function place({ document, heading }: Hit): string {
  return heading === document ? document : `${document}, “${heading}”`;
}

/** One hit of each document, those with most matches first. */
function examples({ hits }: Inspection): Hit[] {
  const byDocument = new Map<string, Hit>();
  for (const hit of hits) if (!byDocument.has(hit.document)) byDocument.set(hit.document, hit);
  return [...byDocument.values()].slice(0, EVIDENCE_SHOWN);
}

/** Finding, objection, answer: a thread that rests on imported sections. */
export async function discuss(round: Round): Promise<void> {
  const { inspection } = round;
  const { topic, hits, sectionsRead } = inspection;
  const shown = examples(inspection);
  const list = shown.map((hit) => `- ${place(hit)} (${hit.matches}×)`).join('\n');
  const finding = await round.states('architect', 'finding', {
    text: `${scope(inspection)} ${topic.what}. ${topic.concern}\n\nMost of all:\n${list}\n\nRead: ${count(sectionsRead, 'section')}.`,
    parent: hits[0]!.claim,
    evidence: shown.map(({ claim }) => claim),
  });
  const objection = await round.states('reviewer', 'objection', { text: topic.objection, parent: finding });
  await round.states('developer', 'answer', { text: topic.answer, parent: objection, evidence: [finding] });
}

/** The result of the first task: what was found, by package. */
export function resultText({ topic, hits, packages }: Inspection): string {
  const lines = packages.map((name) => {
    const own = hits.filter((hit) => hit.package === name);
    return `- ${name}: ${count(own.length, 'section')}, most of all “${own[0]!.heading}”`;
  });
  return `The ${topic.noun} by package, checked section by section (${count(packages.length, 'package')}):\n${lines.join('\n')}`;
}

interface Haste {
  readonly text: string;
  readonly plan: string;
  /** What proves the hasty claim wrong. */
  readonly proof: { readonly text: string; readonly evidence: Hex32 };
  readonly reason: string;
}

/** A conclusion that the developer jumps to, wrong by what the sections really say. */
function hasteOf({ topic, hits, packages, sectionsRead }: Inspection): Haste {
  const [first, second] = packages;
  if (second === undefined)
    return {
      text: `I have read the first document only, but it will be the same everywhere: expect ${topic.noun} in every package.`,
      plan: 'Then this needs a rule of its own in our handbook before anything else.',
      proof: {
        text: `I have read all ${count(sectionsRead, 'section')}: ${first} is the only one.`,
        evidence: hits[0]!.claim,
      },
      reason: `Only ${first} is concerned; I had not read the others.`,
    };
  const counterexample = hits.find((hit) => hit.package === second)!;
  return {
    text: `I have looked at the first hits: the ${topic.noun} are a matter of ${first} alone.`,
    plan: `Then one issue at ${first} is all we need, and the topic is closed.`,
    proof: {
      text: `That is not so: ${place(counterexample)} is another one, and ${second} is not part of ${first}.`,
      evidence: counterexample.claim,
    },
    reason: `${second} is concerned too; I had stopped reading too early.`,
  };
}

/** A hasty claim, what others build on it, its retraction, and what that turns. */
export async function retract(round: Round): Promise<void> {
  const { inspection, narrator } = round;
  const { group, agents } = round.workshop;
  const haste = hasteOf(inspection);
  const finding = round.claimOf('finding')!;
  const hasty = await round.states('developer', 'haste', {
    text: haste.text,
    parent: finding,
    evidence: [finding],
  });
  const plan = await round.states('architect', 'plan', {
    text: haste.plan,
    parent: hasty,
    evidence: [hasty],
  });
  const first = inspection.packages[0]!;
  const order = await round.states('reviewer', 'order', {
    text: `Wherever else we look, ${first} comes first: one of its sections has more of them than any other.`,
    parent: hasty,
    evidence: [hasty, inspection.hits[0]!.claim],
  });
  await round.states('reviewer', 'proof', {
    text: haste.proof.text,
    parent: hasty,
    evidence: [haste.proof.evidence],
  });
  if (group.now.claim(hasty)!.retraction === undefined) {
    await agents.developer.retractClaim(hasty, haste.reason);
    narrator.does('developer', `retracts ${shortId(hasty)}: “${haste.reason}”`);
  }
  tellVerdicts(round, [
    [finding, 'the finding'],
    [hasty, 'what was concluded too early'],
    [plan, 'the plan, which rests on it alone'],
    [order, 'the order, which has a section as evidence too'],
  ]);
}

function tellVerdicts({ narrator, workshop }: Round, claims: readonly (readonly [Hex32, string])[]): void {
  for (const [claim, what] of claims) {
    const isIn = workshop.group.now.holds(claim);
    narrator.tells(`${isIn ? '✓ holds ' : '✗ is out'} ${shortId(claim)} ${what}`);
  }
}
