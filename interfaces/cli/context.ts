/**
 * What every verb needs: its place in the help, its common flags, and one run of it.
 *
 *   verb(program, context, {
 *     usage: 'balance [member]',
 *     summary: 'Show the balance of a member.',
 *     heading: 'Tokens',
 *     example: 'lb balance --of node',
 *     inGroup: true,                       // adds --group
 *     at: true,                            // adds --at: `run.view()` is the state at that height
 *   }, (command) => command.option('--of <member>', '…'), async (run) => {
 *     const view = await run.view();
 *     run.print({ balance: view.balance(key) }, () => run.out.line(`…`));
 *   });
 *
 * A `Run` opens the node when it is first asked for, and whatever happens, it is closed at the end.
 */
import type { Command } from 'commander';
import type { Agent } from '../../actors/agent.ts';
import { NotFoundError, UsageError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import type { GroupView } from '../../actors/group-view.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { BatteryNode } from '../../node.ts';
import { envelope } from './json.ts';
import type { Output } from './output.ts';
import { parseHeight } from './parse.ts';
import { askHidden, givenPassword } from './password.ts';
import { formatSpan, shortId } from './text.ts';

/** The sections of the help. */
const HEADINGS = [
  'Start here',
  'Groups and members',
  'Knowledge',
  'Tasks and presence',
  'Tokens',
  'Market',
  'History',
  'Network',
] as const;
export type Heading = (typeof HEADINGS)[number];

/** How long a verb waits for another process that owns the directory: verbs are short. */
const OWNER_WAIT_MS = 5_000;
export const DATA_DEFAULT = './lb-data';

export interface VerbSpec {
  /** Name and arguments in the way of commander: `retract-claim [claim]`. */
  readonly usage: string;
  /** One line. */
  readonly summary: string;
  readonly heading: Heading;
  /** One or more lines that can be pasted. */
  readonly example: string;
  /** More to say in the help of the verb. */
  readonly details?: string;
  /** Adds `--group`. */
  readonly inGroup?: boolean;
  /** Adds `--as`; the node is opened with its password (where a verb both shows and changes: if this says so). */
  readonly signs?:
    | boolean
    | ((options: Readonly<Record<string, unknown>>, args: readonly string[]) => boolean);
  /** Adds `--at`. */
  readonly at?: boolean;
  /** What a family of verbs does when none of them is named. */
  readonly isDefault?: boolean;
}

/** What all runs share. */
export interface CliContext {
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted by Ctrl-C and SIGTERM. A long verb that heeds it ends in its own way; others are closed under. */
  readonly signal: AbortSignal;
  /** The runs under way, to be closed by whoever ends the program. */
  readonly runs: Set<{ close(): Promise<void> }>;
}

interface CommonOptions {
  readonly data?: string;
  readonly json?: boolean;
  readonly group?: string;
  readonly as?: string;
  readonly at?: string;
  readonly passwordFile?: string;
}

/** Adds a verb to `program` (or to a verb that has verbs of its own). */
export function verb<O extends object = object>(
  program: Command,
  context: CliContext,
  spec: VerbSpec,
  configure: (command: Command) => Command,
  action: (run: Run<O>) => Promise<void> | void,
): Command {
  const command = program.command(spec.usage, { isDefault: spec.isDefault === true });
  command.summary(spec.summary).helpGroup(`${spec.heading}:`);
  command.description(spec.details === undefined ? spec.summary : `${spec.summary}\n\n${spec.details}`);
  configure(command);
  // Commander looks for missing flags before mistyped ones; here, `--too` shall be told from a missing `--to`.
  const required = command.options.filter(({ mandatory }) => mandatory);
  for (const option of required) option.mandatory = false;
  command.optionsGroup('Options of many verbs:');
  if (spec.inGroup)
    command.option('--group <group>', 'group: id, short id or name; may be left out if there is one');
  if (spec.signs !== undefined)
    command.option('--as <identity>', "identity that signs (default: the node's own)");
  if (spec.at) command.option('--at <height>', 'as of this height instead of now');
  addCommonOptions(command);
  command.addHelpText('after', `\nExample:\n${indent(spec.example)}`);
  // What stands behind a family without being one of its verbs would else be called too many arguments.
  command.allowExcessArguments(spec.isDefault === true);
  command.action(async () => {
    const [excess] = command.args;
    if (spec.isDefault && excess !== undefined) throw noSuchVerb(program, excess);
    for (const option of required)
      if (command.getOptionValue(option.attributeName()) === undefined)
        throw new UsageError(`${command.name()} needs ${option.flags}; see: lb ${command.name()} --help`);
    const run = new Run<O>(command, context, spec);
    try {
      await action(run);
    } finally {
      await run.close();
    }
  });
  return command;
}

/** Adds a verb that has verbs of its own: `lb invite create`. */
export function family(program: Command, name: string, summary: string, heading: Heading): Command {
  const command = program.command(name).summary(summary).description(summary).helpGroup(`${heading}:`);
  addCommonOptions(command);
  return command;
}

/** The flags that stand before or after any verb. */
export function addCommonOptions(command: Command): void {
  command
    .option('--data <dir>', `data directory (default: LB_DATA, else ${DATA_DEFAULT})`)
    .option('--password-file <file>', 'file with the password of the keys (or set LB_PASSWORD)')
    .option('--json', 'print JSON for machines');
}

function noSuchVerb(parent: Command, given: string): UsageError {
  const known = parent.commands.map((command) => command.name()).join(', ');
  return new UsageError(`${parent.name()} has no verb "${given}"; it has ${known}`);
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}

/** Flags of the verb and of everything above it; where both have one, the one nearer to the verb counts. */
function mergedOptions(command: Command): Record<string, unknown> {
  const above = command.parent === null ? {} : mergedOptions(command.parent);
  return { ...above, ...command.opts() };
}

/** One run of a verb. */
export class Run<O extends object = object> {
  readonly options: Readonly<O & CommonOptions>;
  /** The arguments without a flag, in order. */
  readonly args: readonly string[];
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Whether machines read the output. */
  readonly json: boolean;
  /** The data directory. */
  readonly data: string;
  private readonly spec: VerbSpec;
  private opened: BatteryNode | undefined;
  private cleanups: (() => Promise<void> | void)[] = [];
  private closing: Promise<void> | undefined;
  private readonly context: CliContext;

  constructor(command: Command, context: CliContext, spec: VerbSpec) {
    this.options = mergedOptions(command) as O & CommonOptions;
    this.args = command.processedArgs.flat().filter((one): one is string => typeof one === 'string');
    this.out = context.out;
    this.env = context.env;
    this.signal = context.signal;
    this.json = this.options.json === true;
    this.data = this.options.data ?? (context.env.LB_DATA || DATA_DEFAULT);
    // An empty variable in a script must not mean the directory one happens to stand in.
    if (this.data === '') throw new UsageError('--data is empty; name a directory');
    this.spec = spec;
    this.context = context;
    context.runs.add(this);
  }

  // The node and what is in it.

  /** The node of the data directory, opened; with its password where the verb signs. */
  async node(): Promise<BatteryNode> {
    this.opened ??= await this.open();
    return this.opened;
  }

  /** A look at the node, opened for it alone and closed again. */
  async peek<T>(look: (node: BatteryNode) => T): Promise<T> {
    const node = await this.openWith(undefined);
    try {
      return look(node);
    } finally {
      await node.close();
    }
  }

  private async open(): Promise<BatteryNode> {
    const { signs = false } = this.spec;
    const willSign = typeof signs === 'function' ? signs({ ...this.options }, this.args) : signs;
    if (!willSign) return this.openWith(undefined);
    const password = givenPassword(this.options.passwordFile, this.env);
    const node = await this.openWith(password);
    if (!node.isLocked || !process.stdin.isTTY) return node;
    // Asking takes as long as a person takes; nobody else should wait for the directory meanwhile.
    await node.close();
    return this.openWith(await askHidden(this.out, 'Password: ', this.signal));
  }

  private async openWith(password: string | undefined): Promise<BatteryNode> {
    const options = { data: this.data, waitMs: OWNER_WAIT_MS };
    // Loaded late: help, a mistyped verb and the shell's completion need no database.
    const { BatteryNode } = await import('../../node.ts');
    const node = await BatteryNode.open(password === undefined ? options : { ...options, password });
    const warning = node.keyFileWarning;
    if (warning !== undefined) this.hint(`warning: ${warning}`);
    return node;
  }

  /** The group of `--group`, or the only one. */
  async group(): Promise<Group> {
    const node = await this.node();
    const { group } = this.options;
    if (group !== undefined) return node.group(group);
    const ids = node.groupIds();
    if (ids.length === 1) return node.group(ids[0]!);
    if (ids.length === 0)
      throw new NotFoundError('this node has no group yet; make one with: lb create-group --name NAME');
    throw new UsageError(
      `this node has ${ids.length} groups; say which with --group (${ids.slice(0, 8).map(shortId).join(', ')})`,
    );
  }

  /** The group's state now, or at the height of `--at`. */
  async view(): Promise<GroupView> {
    const group = await this.group();
    const { at } = this.options;
    return at === undefined ? group.now : group.at(parseHeight(at));
  }

  /** The past cannot be changed: `--at` and a change exclude each other. */
  refuseAt(change: string): void {
    if (this.options.at !== undefined)
      throw new UsageError(`--at shows the past; ${change} changes the present`);
  }

  /** The identity that signs, at work in the group. */
  async agent(): Promise<Agent> {
    const node = await this.node();
    const group = await this.group();
    return group.as(this.options.as ?? node.identities().find(({ isNode }) => isNode)!.name);
  }

  /** What an identity of this node is called; other keys by their first digits. The node must be open. */
  nameOf(key: Hex32): string {
    return this.opened?.identities().find(({ publicKey }) => publicKey === key)?.name ?? shortId(key);
  }

  // Printing.

  /** The envelope for machines, or what `forPeople` prints. */
  print(data: unknown, forPeople: () => void): void {
    if (this.json) this.out.line(envelope(data));
    else forPeople();
  }

  /** A hint for people, which machines are not told. */
  hint(text: string): void {
    if (!this.json) this.out.note(text);
  }

  /** A line on a terminal that says how far a long verb is; silent elsewhere. Call `end` when it is done. */
  progress(label: string): { update(done: number, total?: number): void; end(): void } {
    const startedMs = performance.now();
    let shownMs = 0;
    const isShown = this.out.isErrorTerminal && !this.json;
    const update = (done: number, total?: number): void => {
      const nowMs = performance.now();
      if (!isShown || nowMs - shownMs < 100) return;
      shownMs = nowMs;
      const part = total ? `${done}/${total} (${Math.floor((100 * done) / total)} %)` : `${done}`;
      this.out.status(`${label} ${part}, ${formatSpan(nowMs - startedMs)}`);
    };
    return { update, end: () => (isShown ? this.out.status('') : undefined) };
  }

  // Ending.

  /** Runs at the end of the verb, whatever its end is: last added, first run. */
  onEnd(cleanup: () => Promise<void> | void): void {
    this.cleanups.push(cleanup);
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    this.context.runs.delete(this);
    for (const cleanup of this.cleanups.reverse()) await cleanup();
    await this.opened?.close();
  }
}
