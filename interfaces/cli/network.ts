/** What the verbs of the network share: a network for the time of one verb, and the peers that it should know. */
import type { Command } from 'commander';
import { resolveId } from '../../actors/ids.ts';
import type { PeerHint } from '../../actors/invites.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { NetworkService } from '../../protocol/network-service.ts';
import type { NetworkOptions } from '../../protocol/network-types.ts';
import type { PeerBook } from '../../protocol/peers.ts';
import type { Run } from './context.ts';

/** The network of the node for this verb, which ends with it. The node does not listen, unless it is told where. */
export async function networkOf(run: Run, options: NetworkOptions = {}): Promise<NetworkService> {
  const node = await run.node();
  // Loaded late: most verbs need no network, and it is large.
  const { NetworkService } = await import('../../protocol/network-service.ts');
  const log = (line: string): void => run.hint(line);
  const network = await NetworkService.start(node.networkPort, { mdns: false, log, ...options });
  run.onEnd(() => network.stop());
  return network;
}

/** `--peer ADDRESS`, as often as one likes. */
export function peerOption(command: Command): Command {
  return command.option(
    '--peer <address...>',
    'call this peer too: /ip4/HOST/tcp/PORT/p2p/PEER-ID or KEY@HOST:PORT',
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

/** A peer of the book by its key or the beginning of it. */
export function knownPeer(book: PeerBook, given: string): Hex32 {
  return resolveId(
    'peer',
    given,
    book.all().map(({ key }) => key),
  );
}
