/** All verbs of `lb`, assembled: what runs, and what the help and docs/CLI.md are made from. */
import { Command } from 'commander';
import { addCommonOptions, type CliContext } from './context.ts';
import { HELP_LAYOUT, wrapHint } from './help-layout.ts';
import { noSuchVerb } from './suggest.ts';
import { registerAccess } from './verbs/access.ts';
import { registerAdmit } from './verbs/admit.ts';
import { registerAdvanced } from './verbs/advanced.ts';
import { registerAnnouncing } from './verbs/announcing.ts';
import { registerBackup } from './verbs/backup.ts';
import { registerBuying } from './verbs/buying.ts';
import { registerCall } from './verbs/call.ts';
import { registerCompletion } from './verbs/completion.ts';
import { registerConfig } from './verbs/config.ts';
import { registerConsistency } from './verbs/consistency.ts';
import { registerContext } from './verbs/context.ts';
import { registerContexts } from './verbs/contexts.ts';
import { registerDemo } from './verbs/demo.ts';
import { registerEconomy } from './verbs/economy.ts';
import { registerGit } from './verbs/git.ts';
import { registerGroup } from './verbs/group.ts';
import { registerHealth } from './verbs/health.ts';
import { registerHelp } from './verbs/help.ts';
import { registerHistory } from './verbs/history.ts';
import { registerIdentity } from './verbs/identity.ts';
import { registerImport } from './verbs/import.ts';
import { registerInspect } from './verbs/inspect.ts';
import { registerInvites } from './verbs/invites.ts';
import { registerKnowledge } from './verbs/knowledge.ts';
import { registerMarket } from './verbs/market.ts';
import { registerMcp } from './verbs/mcp.ts';
import { registerMembers } from './verbs/members.ts';
import { registerNode } from './verbs/node.ts';
import { registerPeers } from './verbs/peers.ts';
import { registerPresence } from './verbs/presence.ts';
import { registerPurchases } from './verbs/purchases.ts';
import { registerSetup } from './verbs/setup.ts';
import { registerSql } from './verbs/sql.ts';
import { registerState } from './verbs/state.ts';
import { registerSync } from './verbs/sync.ts';
import { registerTasks } from './verbs/tasks.ts';
import { registerThread } from './verbs/thread.ts';
import { registerTokens } from './verbs/tokens.ts';
import { registerUp } from './verbs/up.ts';
import { registerWatch } from './verbs/watch.ts';
import { registerWork } from './verbs/work.ts';
import { version } from './version.ts';

const REGISTRATIONS: readonly ((program: Command, context: CliContext) => void)[] = [
  registerHelp,
  registerNode,
  registerUp,
  registerMcp,
  registerSetup,
  registerIdentity,
  registerConfig,
  registerDemo,
  registerGroup,
  registerMembers,
  registerAdmit,
  registerInvites,
  registerKnowledge,
  registerThread,
  registerContext,
  registerImport,
  registerTasks,
  registerWork,
  registerPresence,
  registerTokens,
  registerEconomy,
  registerMarket,
  registerBuying,
  registerPurchases,
  registerAnnouncing,
  registerInspect,
  registerWatch,
  registerState,
  registerHistory,
  registerSql,
  registerPeers,
  registerSync,
  registerGit,
  registerConsistency,
  registerAdvanced,
  registerAccess,
  registerCall,
  registerHealth,
  registerBackup,
  registerContexts,
  registerCompletion,
];

const EPILOGUE =
  'An id may be shortened to its first 8 digits or more. "lb VERB --help" shows the flags of a verb and an example.';

export function buildProgram(context: CliContext): Command {
  const program = new Command('lb')
    .description(
      'Battery Node: agents share knowledge, coordinate tasks and trade packages in signed, replayable groups.',
    )
    .usage('VERB [flags]')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
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
    .configureHelp({
      ...HELP_LAYOUT,
      styleTitle: (title) => context.out.style('bold', title),
      subcommandTerm: termOf,
    })
    .addHelpText('after', () => `\n${wrapHint(EPILOGUE, context.out.width)}`);
  addCommonOptions(program);
  for (const register of REGISTRATIONS) register(program, context);
  program.on('command:*', ([given]: [string]) => {
    throw noSuchVerb(program, given);
  });
  return program;
}

/** What a verb is called in the list: its name and what it cannot do without. */
function termOf(command: Command): string {
  const required = command.registeredArguments.filter((one) => one.required);
  return [command.name(), ...required.map((one) => `<${one.name()}${one.variadic ? '...' : ''}>`)].join(' ');
}
