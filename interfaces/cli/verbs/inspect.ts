/** `log` and `show`: the history as events, and whatever an id stands for. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import type { Group } from '../../../actors/group.ts';
import { formatCursor, type LogEvent } from '../../../events/bus.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { cursorOf, eventColumns, eventWire, LOG_KIND_LIST, type LogKind, parseKinds } from '../events.ts';
import { nameOrId } from '../facts.ts';
import { parseCount, parseHeight } from '../parse.ts';
import { findSubject, printSubject } from '../subjects.ts';
import { printTable } from '../table.ts';

const heading = 'History';
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
      details: `Without --after: the latest ones. Kinds: ${LOG_KIND_LIST.join(', ')}; "task" stands for all that begin with "task.".`,
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

async function log(run: Run<LogOptions>): Promise<void> {
  const limit = parseCount(run.options.limit, '--limit');
  const kinds = parseKinds(run.options.kind, LOG_KIND_LIST);
  const group = await run.group();
  const view = group.now;
  const last = lastHeight(group, run.options.at);
  const events =
    run.options.after === undefined
      ? await lastEvents(group, last, limit, kinds)
      : await eventsAfter(group, last, limit, kinds, run.options.after);
  const name = nameOrId(await run.namer(view), view.keys(), (id) => run.id(id));
  const newest = events.at(-1);
  run.print({ events: events.map(eventWire), after: newest && formatCursor(newest) }, () =>
    printTable(run.out, eventColumns(name), events, 'no events'),
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
  kinds: readonly LogKind[] | undefined,
  text: string,
): Promise<LogEvent[]> {
  const after = cursorOf(text);
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
  kinds: readonly LogKind[] | undefined,
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
