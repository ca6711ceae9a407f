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
import { UsageError } from '../../actors/errors.ts';
import type { BatteryNode } from '../../node.ts';
import { DATA_DEFAULT } from './contexts.ts';
import { layOutExample } from './help-layout.ts';
import type { Output } from './output.ts';
import { noSuchVerb } from './suggest.ts';
import type { Terminal } from './terminal.ts';
import { Run } from './verb-run.ts';

export type { Run } from './verb-run.ts';

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
  'Operation',
] as const;
export type Heading = (typeof HEADINGS)[number];

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
    | ((options: Readonly<Record<string, unknown>>, args: readonly string[]) => boolean | Promise<boolean>);
  /** Adds `--at`. */
  readonly at?: boolean;
  /** What a family of verbs does when none of them is named. */
  readonly isDefault?: boolean;
  /** Left out of the help: for the program's own scripts. */
  readonly isHidden?: boolean;
  /** Runs in this process whoever owns the data directory. All others run where the node is. */
  readonly runsHere?: boolean;
}

/** What all runs share. */
export interface CliContext {
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted by Ctrl-C and SIGTERM. A long verb that heeds it ends in its own way; others are closed under. */
  readonly signal: AbortSignal;
  /** The runs under way, to be closed by whoever ends the program. */
  readonly runs: Set<{ close(): Promise<void> }>;
  readonly terminal: Terminal;
  /** The node that is up in this process; verbs use it instead of opening one of their own. */
  readonly upNode?: BatteryNode;
  /** Runs the whole command line where the node of `data` is up. Resolves to its exit code; nothing: it is not up. */
  readonly forward?: Forward;
  /** Has the process that serves agents' hosts give the directory to a node; nothing where a node is up. */
  readonly yieldUp?: () => void;
}

export type Forward = (
  data: string,
  /** Another command line, or another terminal than the caller's own. */
  other?: { readonly args?: readonly string[]; readonly terminal?: Terminal },
) => Promise<number | undefined>;

/** The verb ended with this exit code: it ran in another process, or a signal was its proper end. */
export class VerbExit extends Error {
  override readonly name = 'VerbExit';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`ended with ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Adds a verb to `program` (or to a verb that has verbs of its own). */
export function verb<O extends object = object>(
  program: Command,
  context: CliContext,
  spec: VerbSpec,
  configure: (command: Command) => Command,
  action: (run: Run<O>) => Promise<void> | void,
): Command {
  const command = program.command(spec.usage, {
    isDefault: spec.isDefault === true,
    hidden: spec.isHidden === true,
  });
  command.summary(spec.summary).helpGroup(`${spec.heading}:`);
  command.description(spec.details === undefined ? spec.summary : `${spec.summary}\n\n${spec.details}`);
  configure(command);
  // Commander looks for missing flags before mistyped ones; here, `--too` shall be told from a missing `--to`.
  const required = command.options.filter(({ mandatory }) => mandatory);
  for (const option of required) option.mandatory = false;
  command.optionsGroup('Options of many verbs:');
  if (spec.inGroup)
    command.option('--group <group>', 'group: id, short id or name; may be left out if there is one');
  if (spec.signs !== undefined) {
    command.option('--as <identity>', "identity that signs (default: the node's own)");
    // Where a verb asks something of its own, one yes answers both.
    if (!command.options.some(({ long }) => long === '--yes'))
      command.option('--yes', 'the clock of this machine is right, also where nothing else says so');
  }
  if (spec.at) command.option('--at <height>', 'as of this height instead of now');
  addCommonOptions(command);
  command.addHelpText('after', () => layOutExample(spec.example, context.out.width));
  // What stands behind a family without being one of its verbs would else be called too many arguments.
  command.allowExcessArguments(spec.isDefault === true);
  command.action(async () => {
    const [excess] = command.args;
    if (spec.isDefault && excess !== undefined) throw noSuchVerb(program, excess);
    for (const option of required)
      if (command.getOptionValue(option.attributeName()) === undefined)
        throw new UsageError(`${pathOf(command)} needs ${option.flags}; see: lb ${pathOf(command)} --help`);
    const run = new Run<O>(command, context, spec);
    try {
      const forwarded = spec.runsHere ? undefined : await context.forward?.(run.data);
      if (forwarded !== undefined) throw new VerbExit(forwarded);
      await action(run);
    } catch (error) {
      throw run.inWords(error);
    } finally {
      await run.close();
    }
  });
  return command;
}

/** What is typed behind `lb`: `mint`, `backup create`. */
function pathOf(command: Command): string {
  const above = command.parent;
  return above?.parent ? `${pathOf(above)} ${command.name()}` : command.name();
}

/** Adds a verb that has verbs of its own: `lb invite create`. */
export function family(program: Command, name: string, summary: string, heading: Heading): Command {
  const command = program.command(name).summary(summary).description(summary).helpGroup(`${heading}:`);
  addCommonOptions(command);
  command.on('command:*', ([given]: [string]) => {
    throw noSuchVerb(command, given);
  });
  return command;
}

/** The flags that stand before or after any verb. */
export function addCommonOptions(command: Command): void {
  command
    .option('--data <dir>', `data directory (default: LB_DATA, the context in use, ${DATA_DEFAULT})`)
    .option('--context <name>', 'data directory by its name (see: lb context)')
    .option('--password-file <file>', 'file with the password of the keys (or set LB_PASSWORD)')
    .option('--json', 'print JSON for machines');
}
