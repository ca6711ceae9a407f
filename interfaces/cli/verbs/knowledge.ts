/** `publish-claim`, `retract-claim`, `reinstate-claim`, `recent-claims`, `thread`: what a group knows. */
import type { Command } from 'commander';
import type { Agent } from '../../../actors/agent.ts';
import type { Group } from '../../../actors/group.ts';
import type { GroupView } from '../../../actors/group-view.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { knowledgeOperations } from '../../../events/operations/knowledge.ts';
import type { Receipt } from '../../../events/receipt.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { checkClaimText, checkOptional, parseEvidence, parseTags } from '../fields.ts';
import { parseCount, parseTime, sourceName, textOf } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { claimId, givenOf, referenceId, subjectOf, subjectOption } from '../resolve.ts';
import { type Column, printTable } from '../table.ts';
import { formatTime, shorten, shortId } from '../text.ts';

const heading = 'Knowledge';
/** Enough of a text to know it by; `show` prints the rest. */
const TEXT_SHOWN = 200;

interface PublishOptions {
  readonly text?: string;
  readonly file?: string;
  readonly tags?: string;
  readonly parent?: string;
  readonly evidence?: string;
}

export function registerKnowledge(program: Command, context: CliContext): void {
  verb<PublishOptions>(
    program,
    context,
    {
      usage: 'publish-claim',
      summary: 'Publish a claim.',
      heading,
      example: [
        'lb publish-claim "Always validate inputs before processing" --tags security,validation',
        'lb publish-claim --text "Also those of files?" --parent CLAIM',
      ].join('\n'),
      inGroup: true,
      signs: true,
    },
    (command) =>
      command
        .argument('[text]', 'the text; - reads it from standard input')
        .option('--text <text>', 'the same as a flag')
        .option('--file <file>', 'file with the text')
        .option('--tags <a,b>', 'tags')
        .option('--parent <claim>', 'claim that this one replies to')
        .option('--evidence <a,b>', 'claims or experiences that support it'),
    publish,
  );
  change(
    program,
    context,
    'retract-claim',
    'Retract a claim (its author or an admin).',
    'superseded',
    'Retracted',
    (agent) => agent.retractClaim.bind(agent),
  );
  change(
    program,
    context,
    'reinstate-claim',
    'Take a retraction back (who retracted, or an admin).',
    'it holds after all',
    'Reinstated',
    (agent) => agent.reinstateClaim.bind(agent),
  );
  registerReading(program, context);
}

function registerReading(program: Command, context: CliContext): void {
  verb<{ limit: string; since?: string }>(
    program,
    context,
    {
      usage: 'recent-claims',
      summary: 'List the latest claims, newest first.',
      heading,
      example: 'lb recent-claims --limit 5 --since 24h',
      inGroup: true,
      at: true,
    },
    (command) =>
      command
        .option('--limit <count>', 'how many at most', '20')
        .option('--since <when>', 'a time, or a span before now'),
    recent,
  );
}

function change(
  program: Command,
  context: CliContext,
  usage: string,
  summary: string,
  why: string,
  done: string,
  method: (agent: Agent) => (claim: Hex32, reason?: string) => Promise<Receipt>,
): void {
  verb<{ claim?: string; reason?: string }>(
    program,
    context,
    {
      usage,
      summary,
      heading,
      example: `lb ${usage} CLAIM "${why}"`,
      inGroup: true,
      signs: true,
    },
    (command) => subjectOption(subjectOption(command, 'claim', 'the claim'), 'reason', 'why', 'text'),
    async (run) => {
      const said = givenOf(run, ['claim', 'reason']);
      const given = subjectOf('claim', said.claim, undefined);
      const reason = checkOptional(said.reason, '--reason', knowledgeOperations.retract.fields.reason);
      const claim = claimId((await run.group()).now, given);
      const receipt = await method(await run.agent())(claim, reason);
      printReceipt(run, receipt, `${done} the claim`, { claim });
    },
  );
}

async function publish(run: Run<PublishOptions>): Promise<void> {
  const { options } = run;
  const text = checkClaimText(
    await textOf(run.terminal, options, run.args[0]),
    sourceName(options, run.args[0]),
  );
  const tags = parseTags(options.tags);
  const view = (await run.group()).now;
  const parent = options.parent === undefined ? undefined : claimId(view, options.parent);
  const evidence = parseEvidence(options.evidence).map((one) => referenceId(view, one));
  const agent = await run.agent();
  const { claim, ...receipt } = await agent.publishClaim({
    text,
    tags,
    evidence,
    ...(parent === undefined ? {} : { parent }),
  });
  printReceipt(run, receipt, 'Published the claim', { claim });
}

/** A claim as it was at the view's height, with its text and whether it is in. */
export async function describeClaim(group: Group, view: GroupView, claim: Hex32) {
  const record = view.claim(claim)!;
  const content = group.claimContent(claim);
  const isIn = await view.holdsInTurns(claim);
  return { ...record, text: content?.text, createdMs: content?.createdMs, isIn };
}
export type DescribedClaim = Awaited<ReturnType<typeof describeClaim>>;

/** Why a claim is not in, in a word. */
export function standing({ isIn, retraction }: DescribedClaim): string {
  if (retraction !== undefined) return 'retracted';
  return isIn ? 'in' : 'out';
}

export const MISSING_TEXT = '(the text is not on this node)';

async function recent(run: Run<{ limit: string; since?: string }>): Promise<void> {
  const limit = parseCount(run.options.limit, '--limit');
  const { since } = run.options;
  const sinceMs = since === undefined ? 0 : parseTime(since, '--since', Date.now(), 'ago');
  const group = await run.group();
  const view = await run.view();
  const claims: DescribedClaim[] = [];
  for (const { claim } of group.recentClaims({ limit, sinceMs, view }))
    claims.push(await describeClaim(group, view, claim));
  const name = await run.namer(view);
  const columns: readonly Column<DescribedClaim>[] = [
    { header: 'claim', value: ({ claim }) => shortId(claim), plain: ({ claim }) => claim },
    {
      header: 'time',
      value: ({ tsMs }) => formatTime(tsMs).slice(0, 16),
      plain: ({ tsMs }) => formatTime(tsMs),
    },
    { header: 'author', value: ({ author }) => name(author), isFlexible: true },
    { header: 'standing', value: standing },
    { header: 'tags', value: ({ tags }) => tags.join(','), isFlexible: true },
    {
      header: 'text',
      value: ({ text }) => shorten(text ?? MISSING_TEXT, TEXT_SHOWN),
      plain: ({ text }) => text ?? '',
      isText: true,
    },
  ];
  run.print({ height: view.height, claims }, () =>
    printTable(run.out, columns, claims, 'no claims; publish one with: lb publish-claim'),
  );
}
