/** `mcp`: the node as a server of the Model Context Protocol, for the host that started this process. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import type { BatteryNode } from '../../../node.ts';
import { DirectoryOwnedError } from '../../../storage/errors.ts';
import { loadConfig, networkOptions } from '../../config/load.ts';
import type { Relay } from '../../mcp/relay.ts';
import type { Session } from '../../mcp/session.ts';
import { ANSWER_TOKENS_DEFAULT, parseAnswerTokens } from '../../operations/answer-tokens.ts';
import { NodeGoneError } from '../../socket/frames.ts';
import { type CliContext, type Run, VerbExit, verb } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { givenPeers } from '../network.ts';
import { aborted, listenFor } from '../serving.ts';
import type { Terminal } from '../terminal.ts';
import { parseToolsets, SELECTABLE } from '../toolsets.ts';
import { ensureIdentity } from './admit.ts';

const IDENTITY_DEFAULT = 'agent';
/** How long others get to end what is under way when the host of the owner has gone. */
const HANDOVER_MS = 500;
/** A node that asked for the directory gets this long to take it. */
const YIELD_MS = 2_000;
/** Who takes the directory when several hosts find it free is decided by the lock; the others look again after this. */
const RETRY_MS = 50;
/** Longer than this nobody holds the directory without a socket, unless something is wrong. */
const OWNED_MS_MAX = 15_000;

interface McpOptions {
  readonly identity?: string;
  readonly readOnly?: boolean;
  readonly toolsets?: string;
  readonly answerTokens?: string;
  readonly yield?: boolean;
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
        'Several may run at once, beside a node that is up (lb up) or without one: then the first has the directory and serves the others, and when its host goes, another takes over.',
      ].join(' '),
      signs: ({ readOnly }) => readOnly !== true,
      runsHere: true,
    },
    (command) =>
      command
        .option('--identity <name>', `who the agent is; made on first use (default: ${IDENTITY_DEFAULT})`)
        .option('--read-only', 'offer only what reads; no identity is needed')
        .option('--toolsets <a,b>', `which operations to offer: ${SELECTABLE} (default: default)`)
        .option(
          '--answer-tokens <n>',
          `how long one answer may be (default: ${ANSWER_TOKENS_DEFAULT} tokens)`,
        )
        .option('--yield', 'make room for lb up: the hosts are served by it from then on'),
    mcp,
  ).alias('run-mcp');
}

async function mcp(run: Run<McpOptions>): Promise<void> {
  if (run.options.yield) return yieldUp(run);
  const { readOnly, identity } = run.options;
  if (readOnly && identity !== undefined)
    throw new UsageError('--read-only and --identity exclude each other');
  parseToolsets(run.options.toolsets, '--toolsets');
  parseAnswerTokens(run.options.answerTokens, '--answer-tokens');
  if (run.isUpHere) return serve(run, await run.node(), run.terminal, run.signal);
  const relay = new (await import('../../mcp/relay.ts')).Relay(run.terminal, run.signal);
  let ownedMs = 0;
  while (!relay.isOver) {
    const served = await servedByOther(run, relay);
    if (served || relay.isOver) {
      ownedMs = 0;
      continue;
    }
    try {
      await serveAsOwner(run, relay);
    } catch (error) {
      // Another process was faster; its socket will be there in a moment.
      if (!(error instanceof DirectoryOwnedError) || ownedMs > OWNED_MS_MAX) throw error;
      ownedMs += RETRY_MS;
      await delay(RETRY_MS);
    }
  }
}

/** Has whoever is up serve the host, until one of them is gone. False: nobody is up. */
async function servedByOther(run: Run<McpOptions>, relay: Relay): Promise<boolean> {
  try {
    const code = await relay.through((terminal) => run.forward({ terminal }));
    // A node that stops ends its verbs; what else ends one is its own failure, and has been told.
    if (code !== undefined && code !== EXIT.ok && code !== EXIT.interrupted) throw new VerbExit(code);
    return code !== undefined;
  } catch (error) {
    if (error instanceof NodeGoneError) return true;
    throw error;
  }
}

/** Opens the directory, and serves this host and all others until this one is gone, or a node wants to be up. */
async function serveAsOwner(run: Run<McpOptions>, relay: Relay): Promise<void> {
  const node = await run.openAnew(RETRY_MS);
  const yielding = new AbortController();
  try {
    void followOthers(run, node);
    node.views.follow(node.groupIds());
    const server = await listenFor(node, () => yielding.abort());
    try {
      const stopping = AbortSignal.any([run.signal, yielding.signal]);
      await relay.through((terminal) => serve(run, node, terminal, stopping));
      if (!yielding.signal.aborted) await Promise.race([server.idle(run.signal), delay(HANDOVER_MS)]);
    } finally {
      await server.close(0);
    }
  } finally {
    await node.close();
  }
  if (yielding.signal.aborted && !relay.isOver) await Promise.race([delay(YIELD_MS), aborted(run.signal)]);
}

/** Calls other nodes, so that groups of theirs come here; nobody is listened to. The host waits for none of it. */
async function followOthers(run: Run<McpOptions>, node: BatteryNode): Promise<void> {
  try {
    const config = loadConfig({ data: node.data, env: run.env });
    if (!config.settings.p2p || node.isLocked) return;
    const { listen: _, ...settings } = networkOptions(config);
    await node.startNetwork({
      ...settings,
      bootstrap: await givenPeers(config.settings.p2p_bootstrap),
      mdns: false,
      log: () => {},
    });
  } catch (error) {
    run.out.note(`lb: other nodes are not called: ${(error as Error).message}`);
  }
}

async function serve(
  run: Run<McpOptions>,
  node: BatteryNode,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { readOnly = false, identity = IDENTITY_DEFAULT } = run.options;
  if (!readOnly) await ensureIdentity(node, identity);
  const { serveTerminal } = await import('../../mcp/stdio.ts');
  const session: Session = {
    node,
    identity: readOnly ? undefined : identity,
    scopes: new Set(readOnly ? ['read'] : ['read', 'write']),
    toolsets: parseToolsets(run.options.toolsets, '--toolsets'),
    answerTokens: parseAnswerTokens(run.options.answerTokens, '--answer-tokens'),
    report: (error) => run.out.note(`lb: a tool failed: ${error instanceof Error ? error.message : error}`),
  };
  await serveTerminal(session, terminal, signal);
}

/** Tells the process that serves the hosts to make room. */
async function yieldUp(run: Run<McpOptions>): Promise<void> {
  if (run.isUpHere) {
    if (run.yieldUp === undefined)
      throw new UsageError('a node is up on this directory, and stays; no host holds it');
    run.yieldUp();
    return run.print({ status: 'yielded' }, () => run.out.line('The hosts make room'));
  }
  const code = await run.forward({});
  if (code === undefined) run.print({ status: 'free' }, () => run.out.line('No host holds the directory'));
  else throw new VerbExit(code);
}
