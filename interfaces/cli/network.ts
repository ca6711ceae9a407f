/** What the verbs of the network share: the network that runs, or one for the time of the verb; and its records. */
import type { Command } from 'commander';
import { UsageError } from '../../actors/errors.ts';
import { resolveId } from '../../actors/ids.ts';
import type { PeerHint } from '../../actors/invites.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { BatteryNode } from '../../node.ts';
import type { NetworkService } from '../../protocol/network-service.ts';
import type { PeerBook } from '../../protocol/peers.ts';
import type { Subscriptions } from '../../protocol/subscriptions.ts';
import { type Config, loadConfig, networkOptions } from '../config/load.ts';
import type { Run } from './context.ts';
import { parseCount } from './parse.ts';

const PORT_MAX = 65_535;

/** Sealing now might seal twice: the backup may be older than what members have. */
export class RestoredNodeError extends Error {
  override readonly name = 'RestoredNodeError';
  readonly code = 'restored_uncompared';

  constructor(group: string) {
    super(
      `this node was restored from a backup, and no other member of ${group} could be asked what it has forgotten; connect one (lb connect), or keep the node up (lb up), which seals also where nobody answers`,
    );
  }
}

/**
 * The network of the node: the one that runs while the node is up, or one that ends with the verb and does not
 * listen.
 */
export async function networkOf(run: Run): Promise<NetworkService> {
  const node = await run.node();
  if (node.network !== undefined) return node.network;
  if (run.isUpHere) {
    const { NetworkError } = await import('../../protocol/errors.ts');
    const message = 'the network of the node that is up is off; start the node again with --p2p true';
    throw new NetworkError('network_stopped', message);
  }
  const { listen: _, ...settings } = networkOptions(loadConfig({ data: run.path(run.data), env: run.env }));
  const network = await node.startNetwork({ ...settings, mdns: false, log: (line) => run.hint(line) });
  run.onEnd(() => node.stopNetwork());
  if (node.isFreshlyRestored && (await network.uncompared()).length === 0) node.trustRestored();
  return network;
}

/**
 * The network of the node, looking for peers on the local network: one that ends with the verb begins anew for that.
 * Nothing where the node is not to look there, or has looked.
 */
export async function lookingNearby(run: Run): Promise<NetworkService | undefined> {
  const { listen: _, ...settings } = networkOptions(loadConfig({ data: run.path(run.data), env: run.env }));
  if (run.isUpHere || !settings.mdns) return undefined;
  const node = await run.node();
  await node.stopNetwork();
  return node.startNetwork({ ...settings, log: (line) => run.hint(line) });
}

/**
 * Asks members for what a node has forgotten that was restored from a backup, before a verb seals by itself. Every
 * other node is left as it is.
 * @throws RestoredNodeError where nobody who could know is there to ask
 */
export async function compareRestored(
  node: BatteryNode,
  config: Config,
  hint: (line: string) => void,
): Promise<void> {
  if (node.isLocked) return;
  const { listen: _, ...settings } = networkOptions(config);
  hint('restored from a backup: members are asked first what it has forgotten');
  const network = await node.startNetwork({ ...settings, mdns: false, log: hint });
  try {
    const [unknown] = await network.uncompared();
    if (unknown !== undefined) throw new RestoredNodeError(node.group(unknown).info().name);
    node.trustRestored();
  } finally {
    await node.stopNetwork();
  }
}

/** Which peers the node knows: the book of the network that runs, or the one on disk. */
export async function bookOf(run: Run): Promise<PeerBook> {
  const node = await run.node();
  if (node.network !== undefined) return node.network.book;
  const { PeerBook } = await import('../../protocol/peers.ts');
  return new PeerBook(node.networkPort.store.network);
}

/** How groups are followed: as the network that runs has it, or as it is on disk. */
export async function subscriptionsOf(run: Run): Promise<Subscriptions> {
  const node = await run.node();
  if (node.network !== undefined) return node.network.subscriptions;
  const { Subscriptions } = await import('../../protocol/subscriptions.ts');
  return new Subscriptions(node.networkPort.store.network);
}

/** How peers are named on a command line. */
export interface PeerFlags {
  readonly peer?: readonly string[];
  readonly host?: string;
  readonly port?: string;
}

/** `--peer ADDRESS`, as often as one likes, and `--host` with `--port`. */
export function peerOption(command: Command): Command {
  return placeOption(
    command.option(
      '--peer <address...>',
      'call this peer too: /ip4/HOST/tcp/PORT/p2p/PEER-ID or KEY@HOST:PORT',
    ),
  );
}

/** `--host` and `--port`: whoever answers there. */
export function placeOption(command: Command): Command {
  return command
    .option('--host <host>', 'call whoever answers there; needs --port')
    .option('--port <port>', 'the port there');
}

/**
 * The peers that the flags name. A peer that is named by its place alone is called, which tells its key.
 * @throws NetworkError where nobody answers there
 */
export async function namedPeers(run: Run<PeerFlags>): Promise<PeerHint[]> {
  const { peer, host, port } = run.options;
  const given = await givenPeers(peer);
  const address = await givenPlace({ host, port }, ['--host', '--port']);
  const { isOnLink } = await import('../../protocol/addresses.ts');
  if (given.some(({ addresses }) => addresses.some(isOnLink))) {
    const { book } = await networkOf(run);
    for (const { key, addresses } of given) book.sight(key, addresses);
  }
  if (address === undefined) return given;
  const network = await networkOf(run);
  const key = await network.host.dialUnknown(address);
  run.hint(`${run.id(key)} answers at ${address}`);
  return [...given, { key, addresses: [address] }];
}

/** The address of a host and a port, which belong together. */
export async function givenPlace(
  { host, port }: Pick<PeerFlags, 'host' | 'port'>,
  [hostFlag, portFlag]: readonly [string, string],
): Promise<string | undefined> {
  if (host === undefined && port === undefined) return undefined;
  const number = port === undefined ? undefined : parseCount(port, portFlag, 1, PORT_MAX);
  if (host === undefined || number === undefined)
    throw new UsageError(`${hostFlag} and ${portFlag} belong together`);
  const { canBeTried, isLinkLocal, placeOf } = await import('../../protocol/addresses.ts');
  const address = placeOf(host, number);
  if (isLinkLocal(address))
    throw new UsageError(
      `${hostFlag} ${host}: it is good on one link only, so it needs the name of your interface there: ${host}%INTERFACE`,
    );
  if (!canBeTried(address))
    throw new UsageError(`${hostFlag} ${host}: expected a host name or an IP address`);
  return address;
}

/**
 * Refuses addresses of one link where they would be written down or told.
 * @throws UsageError
 */
export async function checkToBeKept(addresses: readonly string[]): Promise<void> {
  const { isOnLink } = await import('../../protocol/addresses.ts');
  const wrong = addresses.find(isOnLink);
  if (wrong !== undefined)
    throw new UsageError(
      `${wrong} is good on this machine and that link only, and is not kept; nodes there find each other by mDNS, and lb connect calls it now`,
    );
}

/** The peers of `--peer`. */
export async function givenPeers(addresses: readonly string[] = []): Promise<PeerHint[]> {
  const { parsePeerAddress } = await import('../../protocol/addresses.ts');
  return addresses.map((given) => {
    const { key, address } = parsePeerAddress(given);
    return { key, addresses: [address] };
  });
}

/** A peer of the book by its alias, its key or the beginning of it. */
export function knownPeer(book: PeerBook, given: string): Hex32 {
  const called = book.all().find(({ alias }) => alias === given);
  if (called !== undefined) return called.key;
  return resolveId(
    'peer',
    given,
    book.all().map(({ key }) => key),
  );
}
