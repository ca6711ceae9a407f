/** `log` and `show`: the history as events, and whatever an id stands for. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import type { Group } from '../../../actors/group.ts';
import { formatCursor, type LogEvent, parseCursor } from '../../../events/bus.ts';
import type { EffectKind } from '../../../events/effects.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { describeFact, nameOrId } from '../facts.ts';
import { parseCount, parseHeight, parseList } from '../parse.ts';
import { findSubject, printSubject } from '../subjects.ts';
import { type Column, printTable } from '../table.ts';
import { formatTime } from '../text.ts';

const heading = 'History';
type EventKind = EffectKind | 'block.sealed';

/** Every kind of event; the type makes sure that none is forgotten or misspelt. */
const EVENT_KINDS: Readonly<Record<EventKind, true>> = {
  'group.created': true,
  'rules.upgraded': true,
  'policy.changed': true,
  'member.changed': true,
  'invite.changed': true,
  'profile.changed': true,
  'sealers.changed': true,
  'tokens.minted': true,
  'tokens.transferred': true,
  'treasury.spent': true,
  'reward.paid': true,
  'reward.skipped': true,
  'reward.returned': true,
  'claim.published': true,
  'claim.retracted': true,
  'claim.reinstated': true,
  'experience.recorded': true,
  'task.changed': true,
  'presence.changed': true,
  'offer.created': true,
  'offer.revoked': true,
  'purchase.changed': true,
  'payout.made': true,
  'payout.to_treasury': true,
  'seller.marked': true,
  'block.sealed': true,
};

interface LogOptions {
  readonly limit: string;
  readonly kind?: string;
  readonly after?: string;
}

export function registerInspect(program: Command, context: CliContext): void {
  verb<LogOptions>(
    program,
    context,
    {
      usage: 'log',
      summary: 'List the events of the group, oldest first.',
      heading,
      example: 'lb log --limit 50\nlb log --kind task.changed,claim.published --after CURSOR',
      details: `Without --after: the latest ones. Kinds: ${Object.keys(EVENT_KINDS).join(', ')}; "task" stands for all that begin with "task.".`,
      inGroup: true,
      at: true,
    },
    (command) =>
      command
        .option('--limit <count>', 'how many at most', '20')
        .option('--kind <a,b>', 'only events of these kinds')
        .option('--after <cursor>', 'events after this one; each event has its cursor in the JSON'),
    log,
  );
  verb(
    program,
    context,
    {
      usage: 'show',
      summary: 'Show whatever an id stands for: block, transaction, claim, task, member, offer …',
      heading,
      example: 'lb show 12\nlb show CLAIM\nlb show bob',
      inGroup: true,
      at: true,
    },
    (command) =>
      command.argument(
        '<id>',
        'a height, an id or the beginning of one, or the name of an identity of this node',
      ),
    async (run) => {
      const group = await run.group();
      const view = await run.view();
      const identities = new Map((await run.node()).identities().map((one) => [one.name, one.publicKey]));
      const subject = findSubject(group, view, run.args[0]!, identities);
      await printSubject(run, group, view, subject);
    },
  );
}

function parseKinds(text: string | undefined): EventKind[] | undefined {
  if (text === undefined) return undefined;
  return parseList(text).flatMap((given) => {
    const kinds = Object.keys(EVENT_KINDS).filter((kind) => kind === given || kind.startsWith(`${given}.`));
    if (kinds.length === 0)
      throw new UsageError(`--kind ${given}: there are ${Object.keys(EVENT_KINDS).join(', ')}`);
    return kinds as EventKind[];
  });
}

async function log(run: Run<LogOptions>): Promise<void> {
  const limit = parseCount(run.options.limit, '--limit');
  const kinds = parseKinds(run.options.kind);
  const group = await run.group();
  const view = group.now;
  const last = lastHeight(group, run.options.at);
  const events =
    run.options.after === undefined
      ? await lastEvents(group, last, limit, kinds)
      : await eventsAfter(group, last, limit, kinds, run.options.after);
  const name = nameOrId(await run.namer(view), view.keys(), (id) => run.id(id));
  const columns: readonly Column<LogEvent>[] = [
    { header: 'place', value: ({ height, index }) => `${height}.${index}` },
    {
      header: 'time',
      value: ({ tsMs }) => formatTime(tsMs).slice(0, 19),
      plain: ({ tsMs }) => formatTime(tsMs),
    },
    { header: 'event', value: ({ event }) => event.kind },
    {
      header: 'author',
      value: ({ author }) => (author === undefined ? '' : name(author)),
      plain: ({ author }) => author ?? '',
      isFlexible: true,
    },
    { header: 'what', value: ({ event }) => describeFact(event, name), isFlexible: true },
  ];
  const newest = events.at(-1);
  const wire = events.map((event) => ({ cursor: formatCursor(event), ...event }));
  run.print({ events: wire, after: newest && formatCursor(newest) }, () =>
    printTable(run.out, columns, events, 'no events'),
  );
}

/** The height that the log is shown up to. The log needs no replay for that. */
function lastHeight(group: Group, at: string | undefined): number {
  const { height } = group.head;
  if (at === undefined) return height;
  const wanted = parseHeight(at);
  if (wanted > height) throw new UsageError(`there is no height ${wanted}; the group is at ${height}`);
  return wanted;
}

async function eventsAfter(
  group: Group,
  last: number,
  limit: number,
  kinds: readonly EventKind[] | undefined,
  text: string,
): Promise<LogEvent[]> {
  const after = parseCursor(text);
  if (after === undefined) throw new UsageError(`--after ${text}: that is no cursor`);
  if (after.groupId !== group.groupId) throw new UsageError('--after: the cursor is of another group');
  const events: LogEvent[] = [];
  for await (const event of group.events({ after, untilHead: true, ...(kinds && { kinds }) })) {
    if (event.height > last) break;
    events.push(event);
    if (events.length === limit) break;
  }
  return events;
}

/** The last events: read in stretches from the end, so that a long log costs what a short one does. */
async function lastEvents(
  group: Group,
  last: number,
  limit: number,
  kinds: readonly EventKind[] | undefined,
): Promise<LogEvent[]> {
  let found: LogEvent[] = [];
  let stretch = 64;
  for (let end = last; end >= 0 && found.length < limit; stretch *= 2) {
    const start = Math.max(0, end - stretch + 1);
    const events: LogEvent[] = [];
    const after = start === 0 ? {} : { after: { height: start - 1, index: Number.MAX_SAFE_INTEGER - 1 } };
    for await (const event of group.events({ ...after, untilHead: true, ...(kinds && { kinds }) })) {
      if (event.height > end) break;
      events.push(event);
    }
    found = [...events, ...found];
    end = start - 1;
  }
  return found.slice(-limit);
}
