/** `presence`: what everybody is doing, and saying what oneself does. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import type { Presence } from '../../../actors/group-view.ts';
import { PRESENCE_STALE_MS_DEFAULT } from '../../../events/limits.ts';
import { presenceOperations } from '../../../events/operations/presence.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { checkText } from '../fields.ts';
import { Verbatim } from '../json.ts';
import { parseObject, parseSpan, parseWord } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { subjectOf } from '../resolve.ts';
import { type Column, printTable } from '../table.ts';
import { formatSpan } from '../text.ts';

const STATUSES = ['active', 'idle', 'busy', 'offline'] as const;

interface PresenceOptions {
  readonly status?: string;
  readonly metadata?: string;
  readonly stale?: string;
}

export function registerPresence(program: Command, context: CliContext): void {
  verb<PresenceOptions>(
    program,
    context,
    {
      usage: 'presence',
      summary: 'Show what members are doing, or say what you do.',
      heading: 'Tasks and presence',
      example: `lb presence\nlb presence busy --metadata '{"current_task":"task_001"}'`,
      inGroup: true,
      signs: ({ status, metadata }, [given]) =>
        status !== undefined || metadata !== undefined || given !== undefined,
      at: true,
    },
    (command) =>
      command
        .argument('[status]', `sets yours: ${STATUSES.join(', ')}`)
        .option('--status <status>', 'the same as a flag')
        .option('--metadata <json>', 'a JSON object to go with it')
        .option(
          '--stale <span>',
          `stale after this span (default: ${formatSpan(PRESENCE_STALE_MS_DEFAULT)})`,
        ),
    presence,
  );
}

async function presence(run: Run<PresenceOptions>): Promise<void> {
  const { metadata } = run.options;
  const [given] = run.args;
  const status = given === undefined ? run.options.status : subjectOf('status', run.options.status, given);
  if (status === undefined && metadata === undefined) return show(run);
  run.refuseAt('--status');
  if (status === undefined) throw new UsageError('--metadata goes with --status');
  const word = parseWord(status, '--status', STATUSES);
  const { metadata: field } = presenceOperations.presence.fields;
  const object =
    metadata === undefined ? undefined : parseObject(checkText(metadata, '--metadata', field), '--metadata');
  const agent = await run.agent();
  printReceipt(run, await agent.setPresence(word, object), `You are ${word} now`, { status: word });
}

async function show(run: Run<PresenceOptions>): Promise<void> {
  const { stale } = run.options;
  const view = await run.view();
  const nowMs = run.timeOf(view);
  const staleMs = stale === undefined ? PRESENCE_STALE_MS_DEFAULT : parseSpan(stale, '--stale');
  const name = await run.namer(view);
  const group = await run.group();
  const rows = run.options.at === undefined ? group.presence({ staleMs }) : view.presence({ nowMs, staleMs });
  const columns: readonly Column<Presence>[] = [
    { header: 'member', value: ({ member }) => name(member), plain: ({ member }) => member },
    { header: 'status', value: ({ status }) => status },
    { header: 'seen', value: ({ lastSeenMs }) => `${formatSpan(nowMs - lastSeenMs)} ago` },
    { header: 'since', value: ({ tsMs }) => `${formatSpan(nowMs - tsMs)} ago` },
    { header: 'stale', value: ({ isStale }) => (isStale ? 'stale' : '') },
    { header: 'metadata', value: ({ metadata }) => metadata ?? '', isFlexible: true },
  ];
  const wire = rows.map((row) => ({ ...row, metadata: parsed(row.metadata) }));
  run.print({ height: view.height, presence: wire }, () =>
    printTable(run.out, columns, rows, 'nobody said anything yet'),
  );
}

/** The metadata as the member wrote it: its keys are theirs. */
function parsed(metadata: string | undefined): Verbatim | undefined {
  return metadata === undefined ? undefined : new Verbatim(JSON.parse(metadata));
}
