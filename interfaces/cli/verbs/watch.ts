/** `watch`: events as they happen, from now on or from a cursor, until Ctrl-C. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import type { Group } from '../../../actors/group.ts';
import { formatCursor, type LogEvent, type MomentEvent } from '../../../events/bus.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { BatteryNode } from '../../../node.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import {
  cursorOf,
  eventColumns,
  eventWire,
  LOG_KIND_LIST,
  type LogKind,
  MOMENT_KIND_LIST,
  type MomentKind,
  parseKinds,
} from '../events.ts';
import { describeFact, nameOrId } from '../facts.ts';
import { envelope } from '../json.ts';
import { parseCount } from '../parse.ts';
import { namer } from '../resolve.ts';
import { cleanLine, count } from '../text.ts';

interface WatchOptions {
  readonly group?: string[];
  readonly kind?: string;
  readonly after?: string[];
  readonly limit?: string;
}

/** Groups that are followed at once without being named: each costs a subscription. */
const GROUPS_UNNAMED_MAX = 256;
/** Events of the moment that wait for a slow reader; then the oldest go, and their number is said. */
const MOMENTS_WAITING_MAX = 1_000;
const LONG_MS = 3_600_000;
const ALL_KINDS = [...LOG_KIND_LIST, ...MOMENT_KIND_LIST];

export function registerWatch(program: Command, context: CliContext): void {
  const collect = (value: string, list: string[] = []): string[] => [...list, value];
  verb<WatchOptions>(
    program,
    context,
    {
      usage: 'watch',
      summary: 'Follow events live, until Ctrl-C.',
      heading: 'History',
      example: 'lb watch --kind task,claim.published\nlb watch --group domain:research --after CURSOR --json',
      details: `From now on, or after a cursor without a gap. With --json each line is one event with its cursor. Kinds: ${ALL_KINDS.join(', ')}; "task" stands for all that begin with "task.". The last ${MOMENT_KIND_LIST.length} are of the moment: they are in no log and cannot be resumed.`,
    },
    (command) =>
      command
        .option('--group <group>', 'only this group; may be given several times (default: all)', collect)
        .option('--kind <a,b>', 'only events of these kinds')
        .option('--after <cursor>', 'begin after this event; one for each group', collect)
        .option('--limit <count>', 'end after so many events'),
    watch,
  );
}

async function watch(run: Run<WatchOptions>): Promise<void> {
  const { limit, kind } = run.options;
  const kinds = parseKinds(kind, ALL_KINDS);
  const most = limit === undefined ? Number.POSITIVE_INFINITY : parseCount(limit, '--limit');
  const node = await run.node();
  const watching = new Watch(run, node, kinds, most);
  const cursors = new Map((run.options.after ?? []).map(cursorOf).map((one) => [one.groupId, one]));
  const groups = groupsOf(node, run.options.group);
  for (const groupId of cursors.keys())
    if (!groups.some((group) => group.groupId === groupId))
      throw new UsageError('--after: the cursor is of another group');
  for (const group of groups) {
    const after = cursors.get(group.groupId) ?? {
      height: group.head.height,
      index: Number.MAX_SAFE_INTEGER - 1,
    };
    if (after.height > group.head.height)
      throw new UsageError(`--after: the cursor is beyond the end of ${group.info().name}`);
    watching.follow(group, after);
  }
  await watching.end(run.options.group === undefined);
}

function groupsOf(node: BatteryNode, named: readonly string[] | undefined): Group[] {
  if (named !== undefined) return [...new Set(named.map((one) => node.group(one)))];
  const ids = node.groupIds();
  if (ids.length > GROUPS_UNNAMED_MAX)
    throw new UsageError(`this node has ${ids.length} groups; say which with --group`);
  return ids.map((id) => node.group(id));
}

/** Several streams, printed as one. */
class Watch {
  private readonly run: Run<WatchOptions>;
  private readonly node: BatteryNode;
  private readonly kinds: ReadonlySet<string> | undefined;
  private readonly logKinds: readonly LogKind[] | undefined;
  private left: number;
  private readonly done = new AbortController();
  private readonly signal: AbortSignal;
  private readonly streams = new Set<Promise<void>>();
  private readonly followed = new Map<Hex32, Group>();
  private readonly last = new Map<Hex32, string>();
  private failure: unknown;

  constructor(
    run: Run<WatchOptions>,
    node: BatteryNode,
    kinds: readonly (LogKind | MomentKind)[] | undefined,
    limit: number,
  ) {
    this.run = run;
    this.node = node;
    this.kinds = kinds === undefined ? undefined : new Set(kinds);
    this.logKinds = kinds?.filter((kind): kind is LogKind => LOG_KIND_LIST.includes(kind as LogKind));
    this.left = limit;
    this.signal = AbortSignal.any([run.signal, this.done.signal]);
  }

  follow(group: Group, after?: { readonly height: number; readonly index: number }): void {
    this.followed.set(group.groupId, group);
    this.own(this.read(group, after));
  }

  /** Every stream ends the watch when it fails, and the last one when it ends. */
  private own(stream: Promise<void>): void {
    const owned = stream
      .catch((error: unknown) => {
        this.failure ??= error;
        this.done.abort();
      })
      .finally(() => this.streams.delete(owned));
    this.streams.add(owned);
  }

  private async read(
    group: Group,
    after: { readonly height: number; readonly index: number } | undefined,
  ): Promise<void> {
    const { signal, logKinds } = this;
    const start = after === undefined ? {} : { after };
    const kinds = logKinds === undefined ? {} : { kinds: logKinds };
    for await (const event of group.events({ ...start, ...kinds, signal })) {
      if (this.left <= 0) return;
      this.last.set(event.groupId, formatCursor(event));
      await this.print(eventWire(event), () => this.logLine(group, event));
    }
  }

  /** Prints one event, no faster than it is read; the last one of `--limit` ends the watch. */
  private async print(wire: unknown, line: () => string): Promise<void> {
    this.left--;
    this.run.out.line(this.run.json ? envelope(wire) : line());
    if (this.left <= 0) this.done.abort();
    await this.run.out.flush();
  }

  private logLine(group: Group, event: LogEvent): string {
    const name = this.names(group);
    const cells = eventColumns(name).map((column) =>
      cleanLine((this.run.out.isTerminal ? column.value : (column.plain ?? column.value))(event)),
    );
    return this.joined(group, cells);
  }

  /** Groups are told apart by name where there are several. */
  private joined(group: Group | undefined, cells: readonly string[]): string {
    const named =
      this.followed.size > 1 && group !== undefined ? [cleanLine(group.info().name), ...cells] : cells;
    return named
      .filter((cell) => cell !== '' || !this.run.out.isTerminal)
      .join(this.run.out.isTerminal ? '  ' : '\t');
  }

  private names(group: Group): (id: Hex32) => string {
    const id = (one: Hex32): string => this.run.id(one);
    return nameOrId(namer(this.node, group.now, id), group.now.keys(), id);
  }

  /** Events of the moment; and groups that appear, where all are watched. */
  private async moments(isEverything: boolean): Promise<void> {
    const waiting = new Waiting<MomentEvent>(MOMENTS_WAITING_MAX);
    const over = (): void => waiting.close();
    const subscription = this.node.bus.moment$.subscribe({
      next: (event) => waiting.add(event),
      complete: over,
    });
    this.signal.addEventListener('abort', over, { once: true });
    if (this.signal.aborted) over();
    try {
      for (let event = await waiting.next(); event !== undefined; event = await waiting.next()) {
        if (isEverything && event.kind === 'group.opened' && !this.followed.has(event.groupId))
          this.follow(this.node.group(event.groupId));
        await this.printMoment(event, waiting.takeSkipped());
      }
    } finally {
      subscription.unsubscribe();
      this.signal.removeEventListener('abort', over);
    }
  }

  private async printMoment(event: MomentEvent, skipped: number): Promise<void> {
    if (skipped > 0)
      this.run.out.note(`lb: skipped ${count(skipped, 'event')} of the moment: they came too fast`);
    // What happens to the node itself, such as a jump of its clock, concerns every group.
    const groupId = 'groupId' in event ? event.groupId : undefined;
    const group = groupId === undefined ? undefined : this.followed.get(groupId);
    const isWanted = this.kinds === undefined || this.kinds.has(event.kind);
    if ((groupId !== undefined && group === undefined) || !isWanted || this.left <= 0) return;
    const name = group === undefined ? (id: Hex32): string => this.run.id(id) : this.names(group);
    const what = (): string => describeFact({ ...event, groupId: undefined }, name);
    await this.print({ groupId, event: { ...event, groupId: undefined } }, () =>
      this.joined(group, ['-', '', event.kind, '', what()]),
    );
  }

  /** Resolves when nothing is left to follow: Ctrl-C, `--limit`, or the end of the node. */
  async end(isEverything: boolean): Promise<void> {
    this.own(this.moments(isEverything));
    // Nothing else keeps a process alive that only waits for something to happen.
    const alive = setInterval(() => {}, LONG_MS);
    while (this.streams.size > 0) await Promise.all(this.streams);
    clearInterval(alive);
    if (this.failure !== undefined) throw this.failure;
    for (const cursor of this.last.values())
      if (this.run.out.isTerminal) this.run.hint(`to go on from here: lb watch --after ${cursor}`);
  }
}

/** A bounded queue with one reader: when it is full, the oldest goes and is counted. */
class Waiting<T> {
  private readonly max: number;
  private readonly items: T[] = [];
  private skipped = 0;
  private isClosed = false;
  private wake: () => void = () => {};

  constructor(max: number) {
    this.max = max;
  }

  add(item: T): void {
    this.items.push(item);
    if (this.items.length > this.max) {
      this.items.shift();
      this.skipped++;
    }
    this.wake();
  }

  close(): void {
    this.isClosed = true;
    this.wake();
  }

  /** The next item; nothing once the queue is closed. */
  async next(): Promise<T | undefined> {
    while (this.items.length === 0 && !this.isClosed)
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    return this.isClosed ? undefined : this.items.shift();
  }

  takeSkipped(): number {
    const { skipped } = this;
    this.skipped = 0;
    return skipped;
  }
}
