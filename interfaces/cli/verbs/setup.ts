/** `setup`: a host of agents gets this node as an MCP server. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import { errnoName } from '../../../events/errno.ts';
import { layoutOf } from '../../../storage/directory.ts';
import type { HostName, Scope } from '../../setup/agents.ts';
import type { Plan } from '../../setup/setup.ts';
import { quoted } from '../completion/scripts.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { fileError } from '../files.ts';
import { parseWord } from '../parse.ts';
import { silentTerminal } from '../silent-terminal.ts';
import { cleanLine } from '../text.ts';
import { parseToolsets, SELECTABLE } from '../toolsets.ts';
import { ownCommand } from '../version.ts';
import { admit, printAdmitted } from './admit.ts';

/** As in `HOSTS`, which help need not load. */
const HOST_NAMES: readonly HostName[] = ['claude-code', 'codex', 'cursor', 'vscode', 'gemini', 'opencode'];
const NAME_DEFAULT = 'battery-node';
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

interface SetupOptions {
  readonly project?: string | true;
  readonly identity?: string;
  readonly toolsets?: string;
  readonly readOnly?: boolean;
  readonly name: string;
  readonly yes?: boolean;
  readonly followLink?: boolean;
  readonly undo?: boolean;
}

export function registerSetup(program: Command, context: CliContext): void {
  verb<SetupOptions>(
    program,
    context,
    {
      usage: 'setup',
      summary: 'Give an agent this node as an MCP server.',
      heading: 'Start here',
      example: 'lb setup claude-code\nlb setup codex --identity bob --yes\nlb setup cursor --undo',
      details:
        "Shows what would change in the agent's configuration, and writes it when you say yes; what is there stays as it is. The agent signs as an identity of its own, by default called as the agent is, which is then made, added to a group when you say yes to that as well, and writes its name there as a proof. Without a terminal nothing is written unless --yes says so, to both. --undo takes the configuration out again.",
      runsHere: true,
      inGroup: true,
      signs: ({ undo, readOnly }) => undo !== true && readOnly !== true,
    },
    (command) =>
      command
        .argument('<agent>', HOST_NAMES.join(', '))
        .option('--project [folder]', "the project's configuration instead of your own")
        .option('--identity <name>', 'who the agent is; made on first use (default: as the agent is called)')
        .option('--read-only', 'offer only what reads')
        .option('--toolsets <a,b>', `which operations to offer: ${SELECTABLE}`)
        .option('--name <name>', 'what the agent calls this node', NAME_DEFAULT)
        .option('--yes', 'write without asking')
        .option('--follow-link', 'with --yes, also through a link that stands in the project')
        .option('--undo', 'take out what this verb has put in'),
    setup,
  );
}

async function setup(run: Run<SetupOptions>): Promise<void> {
  const { name, undo = false } = run.options;
  const host = parseWord(run.args[0]!, 'the agent', HOST_NAMES);
  if (!NAME.test(name)) throw new UsageError('--name is 1 to 64 of the characters A-Z a-z 0-9 _ -');
  const server = undo ? undefined : { command: ownCommand()[0], args: argumentsOf(run, host) };
  const { plan, carryOut } = await import('../../setup/setup.ts');
  const { HOSTS } = await import('../../setup/agents.ts');
  const wish = { host, scope: scopeOf(run), name, server, env: run.env };
  const planned = inWords(() => plan(wish), 'read', HOSTS[host].title);
  const { file, before, after } = planned;
  const { title } = HOSTS[host];
  const isSame = before === after;
  if (!isSame && !run.json) await showDifference(run, planned);
  const isMeant = !isSame && (await isAgreed(run, planned));
  if (isMeant) inWords(() => carryOut(planned), 'write', file);
  const state = isSame ? 'unchanged' : isMeant ? (undo ? 'undone' : 'written') : 'shown';
  run.print({ agent: host, file, state, ...(server && { server }) }, () =>
    run.out.line(sentence(state, title, undo)),
  );
  if (state === 'shown' && !run.terminal.isInteractive) run.hint('nothing was written; --yes writes it');
  const isThere = existsSync(layoutOf(run.path(run.data)).root);
  if (!undo && !isThere)
    run.hint(`there is no node in ${run.path(run.data)} yet; make one with: lb init --data DIR`);
  if (undo || !isThere || state === 'shown' || run.options.readOnly === true) return;
  await letIn(run, run.options.identity ?? host);
}

/** The identity and its place in a group. What fails here takes nothing back: the configuration is right. */
async function letIn(run: Run<SetupOptions>, identity: string): Promise<void> {
  const { group, yes } = run.options;
  const place = group === undefined ? 'the group of this node' : group;
  const question = `Make ${identity} a member of ${place}, if it is none? [y/N] `;
  const next = `lb admit ${identity}${group === undefined ? '' : ` --group ${quoted(group)}`}`;
  if (yes !== true && !(await agrees(run, question))) {
    run.hint(`${identity} can write once it is a member: ${next}`);
    return;
  }
  try {
    await admitThere(run, identity);
  } catch (error) {
    run.hint(`${identity} is in no group yet: ${(run.inWords(error) as Error).message}; then: ${next}`);
  }
}

/** Where the node is up, or here. Machines are told of the configuration alone: one verb, one envelope. */
async function admitThere(run: Run<SetupOptions>, identity: string): Promise<void> {
  const { group } = run.options;
  const args = [
    'admit',
    identity,
    '--data',
    run.path(run.data),
    ...(group === undefined ? [] : ['--group', group]),
  ];
  const terminal = run.json ? { terminal: silentTerminal(run.terminal.cwd) } : {};
  const code = await run.forward({ args, ...terminal });
  if (code !== undefined) return;
  const admitted = await admit(run, identity, 'member');
  if (!run.json) printAdmitted(run, admitted);
}

function sentence(state: string, title: string, isUndo: boolean): string {
  if (state === 'unchanged')
    return isUndo ? `${title} does not have this node` : `${title} has this node already`;
  if (state === 'written') return `${title} has this node from its next start on`;
  return state === 'undone' ? `${title} has this node no more` : `${title} is as it was`;
}

function argumentsOf(run: Run<SetupOptions>, host: HostName): string[] {
  const { readOnly = false, identity, toolsets } = run.options;
  if (readOnly && identity !== undefined)
    throw new UsageError('--read-only and --identity exclude each other');
  if (toolsets !== undefined) parseToolsets(toolsets, '--toolsets');
  return [
    ownCommand()[1],
    'mcp',
    ...['--data', run.path(run.data)],
    ...(readOnly ? ['--read-only'] : ['--identity', identity ?? host]),
    ...(toolsets === undefined ? [] : ['--toolsets', toolsets]),
  ];
}

function scopeOf(run: Run<SetupOptions>): Scope {
  const { project } = run.options;
  if (project === undefined) return { kind: 'user' };
  return { kind: 'project', folder: run.path(project === true ? '.' : project) };
}

/** The lines that change, without what stands around them: that may hold other servers' secrets. */
async function showDifference(run: Run, { file, before = '', after = '' }: Plan): Promise<void> {
  const { structuredPatch } = await import('diff');
  run.out.line(run.out.style('bold', file));
  for (const { lines } of structuredPatch(file, file, before, after, undefined, undefined, { context: 0 })
    .hunks)
    for (const line of lines) {
      const style = line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : 'dim';
      run.out.line(run.out.style(style, cleanLine(line)));
    }
}

async function isAgreed(run: Run<SetupOptions>, { leadsTo }: Plan): Promise<boolean> {
  const { yes = false, followLink = false } = run.options;
  if (leadsTo === undefined || followLink) return yes || agrees(run);
  const line = `this is behind a link in the project, which leads to ${cleanLine(leadsTo)}`;
  if (yes && (!run.terminal.isInteractive || run.json))
    throw new UsageError(`${line}; nothing was written; if that is what you want, add --follow-link`);
  run.hint(line);
  return agrees(run);
}

async function agrees(run: Run<SetupOptions>, question = 'Write this? [y/N] '): Promise<boolean> {
  if (!run.terminal.isInteractive || run.json) return false;
  const answer = await run.terminal.ask(question, { isShown: true, signal: run.signal });
  return /^y(es)?$/i.test(answer.trim());
}

function inWords<T>(action: () => T, kind: 'read' | 'write', path: string): T {
  try {
    return action();
  } catch (error) {
    throw errnoName(error) === undefined
      ? error
      : fileError(error, kind, (error as { path?: string }).path ?? path);
  }
}
