/** `mcp`: the node as a server of the Model Context Protocol, for the host that started this process. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import type { BatteryNode } from '../../../node.ts';
import type { Session } from '../../mcp/session.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { listenFor } from '../serving.ts';
import { parseToolsets, SELECTABLE } from '../toolsets.ts';

const IDENTITY_DEFAULT = 'agent';

interface McpOptions {
  readonly identity?: string;
  readonly readOnly?: boolean;
  readonly toolsets?: string;
}

export function registerMcp(program: Command, context: CliContext): void {
  verb<McpOptions>(
    program,
    context,
    {
      usage: 'mcp',
      summary: 'Serve an agent over MCP on standard input and output.',
      heading: 'Start here',
      example: 'lb mcp --identity bob --toolsets default,groups',
      details: [
        "Hosts start this by themselves; their configuration names the command. The agent signs as an identity of its own, which is made on first use, and never as the node's own unless that is named.",
        'Several may run at once: the first owns the directory and serves the others, unless a node is up already (lb up).',
      ].join(' '),
      signs: ({ readOnly }) => readOnly !== true,
    },
    (command) =>
      command
        .option('--identity <name>', `who the agent is; made on first use (default: ${IDENTITY_DEFAULT})`)
        .option('--read-only', 'offer only what reads; no identity is needed')
        .option('--toolsets <a,b>', `which operations to offer: ${SELECTABLE} (default: default)`),
    serve,
  ).alias('run-mcp');
}

async function serve(run: Run<McpOptions>): Promise<void> {
  const { readOnly = false, identity = IDENTITY_DEFAULT } = run.options;
  const toolsets = parseToolsets(run.options.toolsets, '--toolsets');
  if (readOnly && run.options.identity !== undefined)
    throw new UsageError('--read-only and --identity exclude each other');
  const node = await run.node();
  // Others on this directory are served meanwhile, as by a node that is up.
  const server = run.isUpHere ? undefined : await listenFor(node);
  if (server !== undefined) run.onEnd(() => server.close());
  if (!readOnly) await ensureIdentity(node, identity);
  node.views.follow(node.groupIds());
  const { serveTerminal } = await import('../../mcp/stdio.ts');
  const session: Session = {
    node,
    identity: readOnly ? undefined : identity,
    scopes: new Set(readOnly ? ['read'] : ['read', 'write']),
    toolsets,
    report: (error) => run.out.note(`lb: a tool failed: ${error instanceof Error ? error.message : error}`),
  };
  await serveTerminal(session, run.terminal, run.signal);
  await server?.idle(run.signal);
}

/** Makes the identity where there is none of that name. */
export async function ensureIdentity(node: BatteryNode, name: string): Promise<void> {
  const isThere = (): boolean => node.identities().some((one) => one.name === name);
  if (isThere()) return;
  try {
    await node.createIdentity(name);
  } catch (error) {
    // Another agent of the same name was faster.
    if (!isThere()) throw error;
  }
}
