/** A node that is up, serving every other `lb` on its directory through its socket. */
import { setTimeout as delay } from 'node:timers/promises';
import type { BatteryNode } from '../../node.ts';
import type { RunRequest } from '../socket/frames.ts';
import type { RemoteTerminal } from '../socket/remote-terminal.ts';
import type { SocketServer } from '../socket/server.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { Output } from './output.ts';

/** What a verb that heeds Ctrl-C gets to end by itself. */
const OWN_END_MS = 300;

/**
 * Listens at the socket of the node's directory. Whoever calls this closes it before the node.
 * @param yieldUp ends this serving, where it would make room for a node that stays up
 * @throws StorageError
 */
export async function listenFor(node: BatteryNode, yieldUp?: () => void): Promise<SocketServer> {
  const { SocketServer } = await import('../socket/server.ts');
  const more = yieldUp === undefined ? {} : { yieldUp };
  const { clearPlace, placeSocket } = await import('../socket/place.ts');
  return SocketServer.listen(
    placeSocket(node.data),
    (request, terminal, signal) => serve(node, request, terminal, signal, more),
    () => clearPlace(node.data),
  );
}

/** Runs a client's command line on the node that is up, as if it were a process of its own. */
async function serve(
  node: BatteryNode,
  { args, env }: RunRequest,
  terminal: RemoteTerminal,
  signal: AbortSignal,
  more: Pick<CliContext, 'yieldUp'>,
): Promise<number> {
  // Late, since the program that it executes has the serving verbs in it.
  const { execute } = await import('./execute.ts');
  const runs = new Set<{ close(): Promise<void> }>();
  const out = new Output(terminal, env);
  const context: CliContext = { out, env, signal, terminal, runs, upNode: node, ...more };
  const interrupted = (): number | undefined => (signal.aborted ? EXIT.interrupted : undefined);
  const interruption = async (): Promise<number> => {
    await aborted(signal);
    await delay(OWN_END_MS);
    await Promise.allSettled([...runs].map((run) => run.close()));
    return EXIT.interrupted;
  };
  return Promise.race([execute(context, args, interrupted), interruption()]);
}

/** Resolves when the signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
