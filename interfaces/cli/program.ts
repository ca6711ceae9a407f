/** All verbs of `lb`, assembled: what runs, and what the help and docs/CLI.md are made from. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { addCommonOptions, type CliContext, type Heading } from './context.ts';
import { registerDemo } from './verbs/demo.ts';
import { registerGroup } from './verbs/group.ts';
import { registerHistory } from './verbs/history.ts';
import { registerIdentity } from './verbs/identity.ts';
import { registerImport } from './verbs/import.ts';
import { registerInspect } from './verbs/inspect.ts';
import { registerInvites } from './verbs/invites.ts';
import { registerKnowledge } from './verbs/knowledge.ts';
import { registerMarket } from './verbs/market.ts';
import { registerMembers } from './verbs/members.ts';
import { registerNode } from './verbs/node.ts';
import { registerPeers } from './verbs/peers.ts';
import { registerPresence } from './verbs/presence.ts';
import { registerPurchases } from './verbs/purchases.ts';
import { registerSync } from './verbs/sync.ts';
import { registerTasks } from './verbs/tasks.ts';
import { registerTokens } from './verbs/tokens.ts';
import { registerWork } from './verbs/work.ts';

const REGISTRATIONS: readonly ((program: Command, context: CliContext) => void)[] = [
  registerNode,
  registerIdentity,
  registerDemo,
  registerGroup,
  registerMembers,
  registerInvites,
  registerKnowledge,
  registerImport,
  registerTasks,
  registerWork,
  registerPresence,
  registerTokens,
  registerMarket,
  registerPurchases,
  registerInspect,
  registerHistory,
  registerPeers,
  registerSync,
];

const EPILOGUE = `
An id may be shortened to its first 8 digits or more. "lb VERB --help" shows the flags of a verb and an example.`;

export function buildProgram(context: CliContext): Command {
  const program = new Command('lb')
    .description(
      'Battery Node: agents share knowledge, coordinate tasks and trade packages in signed, replayable groups.',
    )
    .usage('VERB [flags]')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .addHelpCommand(helpVerb())
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out.write(text),
      // What is wrong is printed once, by whoever ends the program.
      writeErr: () => {},
      getOutHelpWidth: () => context.out.width,
      getErrHelpWidth: () => context.out.width,
      getOutHasColors: () => context.out.style('bold', '') !== '',
    })
    .configureHelp({ styleTitle: (title) => context.out.style('bold', title), subcommandTerm: termOf })
    .addHelpText('after', EPILOGUE);
  addCommonOptions(program);
  for (const register of REGISTRATIONS) register(program, context);
  return program;
}

/** What a verb is called in the list: its name and what it cannot do without. */
function termOf(command: Command): string {
  const required = command.registeredArguments.filter((one) => one.required);
  return [command.name(), ...required.map((one) => `<${one.name()}${one.variadic ? '...' : ''}>`)].join(' ');
}

function helpVerb(): Command {
  return new Command('help')
    .summary('Show the help of a verb.')
    .argument('[verb]', 'the verb')
    .helpGroup('Start here:' satisfies `${Heading}:`);
}

function version(): string {
  // From the sources the package file is two folders up, from the build one more.
  for (const up of ['../..', '../../..'])
    try {
      const path = join(dirname(fileURLToPath(import.meta.url)), up, 'package.json');
      return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
    } catch {
      // The next candidate.
    }
  return 'unknown';
}
