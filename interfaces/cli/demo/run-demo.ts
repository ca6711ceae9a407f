/**
 * The demo: three agents in one group read the documentation of what is installed here, talk about what they find,
 * share the work, retract what was wrong, and trade a report; then everything is audited, and a question is answered.
 *
 * Each run is a round. A run finds what earlier ones left, goes on with a round that was interrupted, and begins a
 * new one otherwise.
 */

import type { Group } from '../../../actors/group.ts';
import type { AuditReport } from '../../../actors/history/audit.ts';
import { describeFinding } from '../../../actors/history/findings.ts';
import type { Progress } from '../../../actors/history/progress.ts';
import type { BatteryNode } from '../../../node.ts';
import { VerdictError } from '../errors.ts';
import { importMarkdown } from '../import/import-markdown.ts';
import { importStatus, perSecond } from '../import/progress.ts';
import type { Output } from '../output.ts';
import { count, shortId } from '../text.ts';
import { payRound } from './burst.ts';
import { AGENTS, ensureBudget, openWorkshop, report, tokens, type Workshop } from './cast.ts';
import { discuss, retract } from './discussion.ts';
import { DOCS_TAG, Library } from './inspection.ts';
import { Narrator } from './narrator.ts';
import { askTheGroup } from './question.ts';
import { Round } from './round.ts';
import { type DemoSummary, summarize } from './summary.ts';
import { trade } from './trade.ts';
import { ask, check, fixInPlace, note } from './work.ts';

const BONUS = 100n;

export interface DemoOptions {
  readonly node: BatteryNode;
  /** The folder whose documents are imported. */
  readonly docs: string;
  readonly out: Output;
  /** No narration, for machines. */
  readonly isSilent: boolean;
  readonly signal: AbortSignal;
}

/** Runs a round of the demo on an open node. */
export async function runDemo(options: DemoOptions): Promise<DemoSummary> {
  const { node, out, isSilent } = options;
  const narrator = new Narrator(out, isSilent);
  const workshop = await narrator.part('Workshop', () => openWorkshop(node, narrator));
  await narrator.part('Documents', () => readDocuments(workshop, options));
  const library = new Library(workshop.group);
  const round = Round.next(workshop, library);
  const { number, isResumed } = round;
  await narrator.part('Discussion', async () => {
    narrator.tells(isResumed ? `round ${number} was interrupted; it goes on` : `round ${number} begins`);
    await begin(round);
    await discuss(round);
  });
  await narrator.part('Tasks', () => work(round));
  await narrator.part('Provenance', () => retract(round));
  await narrator.part('Trade', () => trade(round));
  await narrator.part('Throughput', () => payRound(workshop));
  await narrator.part('End of the round', () => end(round));
  const report = await narrator.part('Audit', () => audit(workshop.group, narrator, options));
  const [hit] = round.inspection.hits;
  const answer = await narrator.part('Question', () =>
    askTheGroup(node, workshop, library, hit!, options.signal),
  );
  return summarize(workshop, number, report, answer);
}

async function readDocuments(workshop: Workshop, options: DemoOptions): Promise<void> {
  const { group, agents, narrator } = workshop;
  const { docs, signal, out, isSilent } = options;
  const summary = await importMarkdown({
    group,
    agent: agents.architect,
    data: options.node.data,
    paths: [docs],
    tags: [DOCS_TAG],
    signal,
    onProgress: isSilent ? () => {} : importStatus(out),
  });
  out.status('');
  const { files, sections, claims, failed, seconds } = summary;
  const what = `${count(sections, 'section')} of ${count(files, 'Markdown file')}`;
  const speed = `${seconds.toFixed(1)} s, ${perSecond(claims, seconds)}`;
  narrator.does(
    'architect',
    claims === 0
      ? `reads ${what}: all there already`
      : `imports ${what}: ${count(claims, 'new claim')} (${speed})`,
  );
  for (const { path, reason } of failed.slice(0, 3)) narrator.tells(`left out: ${path}, ${reason}`);
}

async function begin(round: Round): Promise<void> {
  const { number, inspection, workshop } = round;
  const { noun } = inspection.topic;
  await report(workshop, 'architect', 'active', `round ${number}: ${noun}`);
  await report(workshop, 'developer', 'active', `round ${number}: waiting for tasks`);
  await report(workshop, 'reviewer', 'busy', `round ${number}: reading`);
}

async function work(round: Round): Promise<void> {
  await check(round);
  await ask(round);
  await note(round);
  await fixInPlace(round);
}

async function end(round: Round): Promise<void> {
  const { workshop, inspection, number } = round;
  const { hits, packages, topic } = inspection;
  const { transfer_fee_bps } = workshop.group.now.policy();
  // Fees are rounded up.
  const fee = (BONUS * BigInt(transfer_fee_bps) + 9_999n) / 10_000n;
  await ensureBudget(workshop, 'architect', BONUS + fee);
  const text = `Round ${number} is closed. ${count(hits.length, 'section')} in ${count(packages.length, 'package')} ${topic.what}; the note is in the handbook, the report is bought.`;
  await round.close(text, { to: 'developer', amount: BONUS });
  workshop.narrator.tells(
    `with it, in one transaction: ${tokens(BONUS)} for the developer, and a fee of ${tokens(fee)} to the treasury`,
  );
  for (const name of AGENTS) await report(workshop, name, 'idle', `round ${number} is closed`);
}

async function audit(group: Group, narrator: Narrator, { out, isSilent }: DemoOptions): Promise<AuditReport> {
  const onProgress = ({ height, of }: Progress): void => {
    if (!isSilent) out.status(`block ${height + 1}/${of + 1}`);
  };
  const result = await group.audit({ onProgress });
  out.status('');
  if (result.status === 'broken')
    throw new VerdictError('audit_broken', `the audit ends at ${describeFinding(result.finding)}`);
  const { report } = result;
  narrator.tells(
    `${count(report.blocks, 'block')} up to ${shortId(group.head.blockId)} replayed from the first: every signature, rule, effect and artifact is right`,
  );
  return report;
}
