/** `up`: the node stays, owns the directory, and serves every other `lb` on it through its socket. */
import type { Command } from 'commander';
import { PasswordRequiredError } from '../../../crypto/keystore-errors.ts';
import type { BatteryNode, OpenOptions } from '../../../node.ts';
import { DirectoryOwnedError } from '../../../storage/errors.ts';
import { addConfigFlags, configFlags } from '../../config/flags.ts';
import {
  type Config,
  loadConfig,
  networkOptions,
  nodeOptions,
  replacedVariables,
} from '../../config/load.ts';
import type { Monitors } from '../../http/server.ts';
import type { Logger } from '../../observability/logger.ts';
import { findSocket } from '../../socket/place.ts';
import { type CliContext, type Run, VerbExit, verb } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { givenPeers } from '../network.ts';
import { askHidden, givenPassword } from '../password.ts';
import { aborted, listenFor } from '../serving.ts';
import { printFields, printSentence } from '../table.ts';
import { count } from '../text.ts';

/** A second `lb up` says so at once; a short verb that is just ending is waited for. */
const OWNER_WAIT_MS = 2_000;

interface UpOptions {
  readonly locked?: boolean;
  readonly host?: string;
  readonly port?: string;
}

export function registerUp(program: Command, context: CliContext): void {
  verb<UpOptions>(
    program,
    context,
    {
      usage: 'up',
      summary: 'Keep the node up: one owner of the directory, for all others.',
      heading: 'Start here',
      example: 'lb up --data ./mynode\nlb up --host 0.0.0.0 --port 4242',
      details:
        'Runs until Ctrl-C or SIGTERM; what is under way is finished first. Other nodes connect to it, and its groups follow theirs. Meanwhile every other verb on this directory is served by this node, through a socket that only its user can open. Keys with a password are opened once, at the start: whoever can open the socket can then sign.',
      runsHere: true,
    },
    upFlags,
    up,
  );
  verb<UpOptions>(
    program,
    context,
    {
      usage: 'run-p2p',
      summary: 'Keep the node up for other nodes: like up, with the network and nothing else.',
      heading: 'Network',
      example: 'lb run-p2p --host 0.0.0.0 --port 4242',
      details:
        'Runs until Ctrl-C or SIGTERM. Every other verb on this directory is served meanwhile, as by up.',
      runsHere: true,
    },
    upFlags,
    (run) => up(run, { isNetworkAlone: true }),
  );
}

function upFlags(command: Command): Command {
  return addConfigFlags(
    command
      .option('--locked', 'start without the password of the keys: nothing can be signed, and no network')
      .option('--host <host>', 'address that peers connect to (as --p2p-host)')
      .option('--port <port>', 'port that peers connect to (as --p2p-port)'),
  );
}

async function up(run: Run<UpOptions>, { isNetworkAlone = false } = {}): Promise<void> {
  const data = run.path(run.data);
  const { host, port } = run.options;
  const flags = {
    ...configFlags({ ...run.options }),
    ...(host === undefined ? {} : { p2p_host: host }),
    ...(port === undefined ? {} : { p2p_port: port }),
    ...(isNetworkAlone ? { p2p: 'true' } : {}),
  };
  const config = loadConfig({ data, env: run.env, flags });
  for (const line of replacedVariables(run.env)) run.hint(line);
  const { startObservability } = await import('../../observability/observe.ts');
  const { logger, telemetry, metrics, attach, close } = await startObservability(config);
  run.onEnd(close);
  const node = await openNode(run, {
    data,
    ...nodeOptions(config, run.env),
    ...(telemetry && { telemetry }),
  });
  run.onEnd(() => node.close());
  const attached = await attach(node, data);
  node.views.follow(node.groupIds());
  const server = await listenFor(node);
  run.onEnd(() => server.close());
  const network = await startNetwork(run, node, config, logger);
  const http = isNetworkAlone
    ? undefined
    : await serveHttp(run, node, config, { metrics, ...attached }, logger);
  const groups = node.groupIds().length;
  const { pid } = process;
  const socket = findSocket(data);
  logger.info({ data, socket, groups, addresses: network?.addresses }, 'the node is up');
  run.print({ status: 'up', data, pid, socket, groups, network, http }, () => {
    const held = count(groups, 'group');
    printSentence(run.out, `The node is up in ${data} with ${held}, process ${pid}; Ctrl-C stops it`);
    printFields(
      run.out,
      [
        ...(network?.addresses ?? []).map((address): [string, string] => ['address', address]),
        ['http', http && `${http.host}, port ${http.port}; lb access create makes a token for it`],
      ],
      '  ',
    );
  });
  await aborted(run.signal);
  run.hint('stopping; what is under way is finished first');
  logger.info('stopping');
  // To be told to stop is how this verb ends well.
  throw new VerbExit(EXIT.ok);
}

/** Asks the hosts of agents for the directory, where it is one of them that has it. */
async function hostsMakeRoom(run: Run<UpOptions>): Promise<boolean> {
  const { silentTerminal } = await import('../silent-terminal.ts');
  const args = ['mcp', '--yield', '--data', run.path(run.data)];
  return (await run.forward({ args, terminal: silentTerminal(run.terminal.cwd) })) === EXIT.ok;
}

/** The HTTP interface, where `http_port` asks for it. */
async function serveHttp(
  run: Run<UpOptions>,
  node: BatteryNode,
  { settings }: Config,
  monitors: Monitors,
  logger: Logger,
): Promise<{ readonly host: string; readonly port: number } | undefined> {
  if (settings.http_port === undefined) return undefined;
  const { startHttp } = await import('../../http/server.ts');
  const report = (error: unknown): void => logger.error({ err: error }, 'a request failed');
  const { port, close } = await startHttp(node, settings, monitors, report);
  run.onEnd(close);
  const host = settings.http_host;
  logger.info({ host, port }, 'requests are answered');
  return { host, port };
}

/** The network, under the configuration; what is printed of it: the key, and addresses that others can be given. */
async function startNetwork(
  run: Run<UpOptions>,
  node: BatteryNode,
  config: Config,
  logger: Logger,
): Promise<{ key: string; addresses: string[] } | undefined> {
  if (!config.settings.p2p) return undefined;
  if (node.isLocked) {
    run.hint('the keys are locked, and the node has no other name for itself: no network');
    return undefined;
  }
  const network = await node.startNetwork({
    ...networkOptions(config),
    bootstrap: await givenPeers(config.settings.p2p_bootstrap),
    failed: (method, error) => logger.error({ err: error, method }, 'answering a peer failed'),
  });
  // It seals now what it may: whoever restored it keeps it up, and has heard what that means.
  network
    .uncompared()
    .then(() => node.trustRestored())
    .catch((error: unknown) => logger.error({ err: error }, 'that it was restored stays written down'));
  const { key, peerId, addresses } = network.status();
  return { key, addresses: addresses.map((address) => `${address}/p2p/${peerId}`) };
}

async function openNode(run: Run<UpOptions>, common: OpenOptions): Promise<BatteryNode> {
  const { BatteryNode } = await import('../../../node.ts');
  const options = { ...common, waitMs: OWNER_WAIT_MS };
  const open = (password: string | undefined): Promise<BatteryNode> =>
    BatteryNode.open(password === undefined ? options : { ...options, password });
  const password = await givenPassword(run.terminal, run.options.passwordFile, run.env);
  const node = await open(password).catch(async (error: unknown) => {
    if (!(error instanceof DirectoryOwnedError) || !(await hostsMakeRoom(run))) throw error;
    return open(password);
  });
  const warning = node.keyFileWarning;
  if (warning !== undefined) run.hint(`warning: ${warning}`);
  if (!node.isLocked || run.options.locked) return node;
  await node.close();
  if (!run.terminal.isInteractive) throw new PasswordRequiredError();
  return open(await askHidden(run, 'Password: '));
}
