/**
 * The host: libp2p over TCP with Noise and Yamux, and nothing else of it. Its peer id is the node's key, so that
 * the handshake proves who is at the other end.
 *
 * Everything that a stranger can make this node do before proving a key is bounded here: connections by
 * address and in all, handshakes under way and their time, streams, and what is received ahead on each.
 */
import { type Identify, identify } from '@libp2p/identify';
import type { Connection, Libp2p, PeerDiscovery, Stream } from '@libp2p/interface';
import { mdns } from '@libp2p/mdns';
import { noise } from '@libp2p/noise';
import { type Ping, ping } from '@libp2p/ping';
import { yamux } from '@libp2p/yamux';
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import type { Signer } from '../crypto/identity.ts';
import type { Hex32 } from '../events/bytes.ts';
import { canBeTried, dialAddress, hostOf, isDialable, isLoopback, isOnLink, placeOf } from './addresses.ts';
import type { Defence, Patience } from './defence.ts';
import { MisbehaviourError, NetworkError, short } from './errors.ts';
import { type Gossip, GossipGate, type GossipToll, gossipService } from './gossip-service.ts';
import { keyOf, peerIdOf, transportKey } from './keys.ts';
import * as limits from './limits.ts';
import { tcpOverLinks } from './link-local.ts';
import { mdnsOverIpv6 } from './mdns-ipv6.ts';
import { dialReason, isAnotherKey, placesToListen } from './reasons.ts';

const MDNS_SERVICE = '_lb._udp.local';
/** Peers that start at the same moment may miss each other's first question. */
const MDNS_INTERVAL_MS = 2_000;

/** Whoever is awake answers a ping within this; whoever sleeps answers nothing, and is not at fault. */
const AWAKE_WITHIN_MS = 3_000;

export interface HostOptions {
  readonly signer: Signer;
  readonly defence: Defence;
  /** Where to listen; nowhere, if not given. */
  readonly listen?: { readonly host: string; readonly port: number } | undefined;
  /** Whether to look for peers on the local network, and to be found there. */
  readonly mdns: boolean;
  /** Whether a peer shares a group with this node: only such peers are gossiped with. */
  sharesGroup(peer: Hex32): boolean;
  connected(peer: Hex32, address: string): void;
  disconnected(peer: Hex32): void;
  discovered(peer: Hex32, addresses: readonly string[]): void;
  /** A connected peer has said where it listens. */
  identified(peer: Hex32, addresses: readonly string[]): void;
}

type Services = { identify: Identify; ping: Ping; pubsub: Gossip };
export type Libp2pNode = Libp2p<Services>;

export class Host {
  readonly node: Libp2pNode;
  readonly gate: GossipGate;
  private readonly options: HostOptions;
  /** Peers that are asked whether they are awake. */
  private readonly asked = new Map<Hex32, Promise<boolean>>();

  private constructor(node: Libp2pNode, gate: GossipGate, options: HostOptions) {
    this.node = node;
    this.gate = gate;
    this.options = options;
  }

  /** @throws NetworkError `listen_failed` */
  static async start(options: HostOptions): Promise<Host> {
    const places = options.listen === undefined ? [] : await placesToListen(options.listen);
    const gate = new GossipGate(options.sharesGroup);
    const toll: GossipToll = (peer, cost) => host.hold('gossip', peer, 'a flood of gossip', cost);
    const node = await createNode(options, places, gate, toll);
    const host: Host = new Host(node, gate, options);
    host.listenToNode();
    try {
      await node.start();
    } catch (cause) {
      await node.stop();
      const { host: name, port } = options.listen ?? { host: 'nowhere', port: 0 };
      const [reason] = (cause as Error).message.split('\n');
      throw new NetworkError('listen_failed', `cannot listen on ${name} port ${port}: ${reason}`, { cause });
    }
    return host;
  }

  private listenToNode(): void {
    const { defence, disconnected } = this.options;
    this.node.addEventListener('connection:open', ({ detail }) => {
      const key = keyOf(detail.remotePeer);
      if (key === undefined) {
        detail.abort(new Error('the peer has a key of another kind'));
        return;
      }
      defence.peerJoined(key);
      // libp2p bounds how many streams are open, not how fast they come and go.
      const { muxer } = detail as { readonly muxer?: EventTarget };
      muxer?.addEventListener('stream', () => this.hold('streams', key, 'a flood of streams'));
    });
    this.node.addEventListener('connection:close', ({ detail }) => {
      const key = keyOf(detail.remotePeer);
      if (key !== undefined) defence.peerLeft(key);
    });
    this.node.addEventListener('peer:connect', ({ detail }) => {
      const [connection] = this.node.getConnections(detail);
      if (connection !== undefined) this.tell(connection);
    });
    this.node.addEventListener('peer:disconnect', ({ detail }) => {
      const key = keyOf(detail);
      if (key !== undefined) disconnected(key);
    });
    this.node.addEventListener('peer:identify', ({ detail }) => {
      const key = keyOf(detail.peerId);
      const addresses = detail.listenAddrs
        .map((address) => address.decapsulateCode(CODE_P2P).toString())
        .filter(isDialable);
      if (key !== undefined && addresses.length > 0) this.options.identified(key, addresses);
    });
  }

  /** Tells of a connection as of a new one. */
  tell(connection: Connection): void {
    const key = keyOf(connection.remotePeer);
    if (key !== undefined)
      this.options.connected(key, connection.remoteAddr.decapsulateCode(CODE_P2P).toString());
  }

  /** Where this node listens, without its key; what means something to other machines comes first. */
  addresses(): string[] {
    const all = this.node
      .getMultiaddrs()
      .map((address) => address.decapsulateCode(CODE_P2P).toString())
      .filter(isDialable);
    return [...all.filter((address) => !isLoopback(address)), ...all.filter(isLoopback)];
  }

  isConnected(peer: Hex32): boolean {
    return this.connection(peer) !== undefined;
  }

  /** An open connection to a peer. */
  connection(peer: Hex32): Connection | undefined {
    return this.node.getConnections(peerIdOf(peer)).find(({ status }) => status === 'open');
  }

  /**
   * Connects to a peer at one of the addresses; at once where a connection is there. Those of links and the others are
   * tried apart, in the order in which they are given: of the ones that it has at once libp2p makes an order of its own.
   * @param options.isVouchedFor whether the owner of this node named the first address, or the peer was met there: then
   * somebody else who answers there is named. A hint may be old, or of another machine's loopback, and accuses nobody.
   * @throws NetworkError `peer_unreachable`; also where somebody else answers there
   */
  async dial(
    peer: Hex32,
    addresses: readonly string[],
    { isVouchedFor = false }: { readonly isVouchedFor?: boolean } = {},
  ): Promise<void> {
    if (this.isConnected(peer)) return;
    if (this.options.defence.isBanned(peer))
      throw new NetworkError('peer_unreachable', `${short(peer)} is shut out for now`);
    const [first, ...others] = addresses.filter(canBeTried);
    if (first === undefined)
      throw new NetworkError('peer_unreachable', `no address of ${short(peer)} is known`);
    const isLike = (address: string): boolean => isOnLink(address) === isOnLink(first);
    const unlike = others.filter((address) => !isLike(address));
    try {
      await this.dialAny(peer, [first, ...others.filter(isLike)], isVouchedFor);
    } catch (error) {
      if (unlike.length === 0) throw error;
      await this.dialAny(peer, unlike, false);
    }
  }

  private async dialAny(peer: Hex32, addresses: readonly string[], isVouchedFor: boolean): Promise<void> {
    const targets = addresses.map((address) => dialAddress({ key: peer, address }));
    try {
      await this.node.dial(targets, { signal: AbortSignal.timeout(limits.DIAL_TIMEOUT_MS) });
    } catch (cause) {
      if (isAnotherKey(cause) && isVouchedFor)
        this.options.defence.suspect(hostOf(targets[0]!), `it does not prove the key ${short(peer)}`);
      throw new NetworkError(
        'peer_unreachable',
        `${short(peer)} was not reached at ${addresses.slice(0, 3).join(', ')}: ${dialReason(cause)}`,
        { cause },
      );
    }
  }

  /**
   * Connects to whoever answers at an address, and tells who that is: nothing but the address speaks for
   * them.
   * @throws NetworkError `peer_unreachable`; also for an address of this node itself
   */
  async dialUnknown(address: string): Promise<Hex32> {
    if (this.addresses().includes(address))
      throw new NetworkError('peer_unreachable', `${address} is an address of this node itself`);
    try {
      const signal = AbortSignal.timeout(limits.DIAL_TIMEOUT_MS);
      const { remotePeer } = await this.node.dial(multiaddr(address), { signal });
      const key = keyOf(remotePeer);
      if (key !== undefined) return key;
    } catch (cause) {
      const message = `no peer was reached at ${address}: ${dialReason(cause, false)}`;
      throw new NetworkError('peer_unreachable', message, { cause });
    }
    throw new NetworkError('peer_unreachable', `the peer at ${address} has a key of another kind`);
  }

  /** @throws NetworkError `peer_unreachable` */
  async openStream(peer: Hex32, protocol: string): Promise<Stream> {
    const connection = this.connection(peer);
    if (connection === undefined)
      throw new NetworkError('peer_unreachable', `${short(peer)} is not connected`);
    try {
      return await connection.newStream(protocol, { signal: AbortSignal.timeout(limits.REQUEST_TIMEOUT_MS) });
    } catch (cause) {
      throw new NetworkError('peer_unreachable', `${short(peer)} opened no stream: ${dialReason(cause)}`, {
        cause,
      });
    }
  }

  /** Serves a protocol; `serve` owns the stream. A `MisbehaviourError` shuts the peer out. */
  handle(
    protocol: string,
    streamsMax: number,
    serve: (stream: Stream, peer: Hex32) => Promise<void>,
  ): Promise<void> {
    const handler = (stream: Stream, connection: Connection): void => {
      const peer = keyOf(connection.remotePeer);
      if (peer === undefined) {
        stream.abort(new Error('the peer has a key of another kind'));
        return;
      }
      serve(stream, peer).catch((error: Error) => {
        if (error instanceof MisbehaviourError) this.shutOut(peer, error.message);
        if (error instanceof NetworkError && error.code === 'request_timeout')
          void this.stalled(peer).then((isAwake) => {
            if (isAwake) this.hold('stalls', peer, 'streams that stand still');
          });
        stream.abort(error);
      });
    };
    return this.node.handle(protocol, handler, { maxInboundStreams: streamsMax });
  }

  /** Counts against a peer what is no misbehaviour by itself, and shuts it out when it has become too much. */
  hold(patience: Patience, peer: Hex32, what: string, cost?: number): void {
    const { defence } = this.options;
    if (!defence.bears(patience, peer, cost) && !defence.isBanned(peer)) this.shutOut(peer, what);
  }

  /**
   * A stream of a peer got no further. One that is awake meanwhile is named for it; one that does not answer at all is
   * asleep or gone, as laptops are, and its connection is given up, so that it finds a new one when it wakes.
   * @returns whether it is awake
   */
  async stalled(peer: Hex32): Promise<boolean> {
    const asked = this.asked.get(peer) ?? this.isAwake(peer).finally(() => this.asked.delete(peer));
    this.asked.set(peer, asked);
    const isAwake = await asked;
    if (isAwake) this.suspect(peer, 'it lets streams stand still');
    else this.hangUp(peer);
    return isAwake;
  }

  private async isAwake(peer: Hex32): Promise<boolean> {
    if (!this.isConnected(peer)) return false;
    const signal = AbortSignal.timeout(AWAKE_WITHIN_MS);
    try {
      await this.node.services.ping.ping(peerIdOf(peer), { signal });
      return true;
    } catch {
      // Whoever refuses to be pinged has said so, and is there.
      return !signal.aborted && this.isConnected(peer);
    }
  }

  /** Names a peer that does what an honest one seldom does, and is not shut out for it. */
  suspect(peer: Hex32, what: string): void {
    this.options.defence.suspect(peer, what);
  }

  /** Bans a peer and ends its connections. */
  shutOut(peer: Hex32, reason: string): void {
    this.options.defence.punish(peer, reason);
    this.hangUp(peer);
  }

  hangUp(peer: Hex32): void {
    for (const connection of this.node.getConnections(peerIdOf(peer)))
      connection.abort(new Error('the connection was given up'));
  }

  async stop(): Promise<void> {
    this.gate.close();
    await this.node.stop();
  }
}

async function createNode(
  options: HostOptions,
  places: readonly { readonly host: string; readonly port: number }[],
  gate: GossipGate,
  toll: GossipToll,
): Promise<Libp2pNode> {
  const { signer, defence } = options;
  const standings = new WeakMap<object, 'member' | 'stranger' | 'refused'>();
  const placeOfConnection = (connection: { readonly remoteAddr: Multiaddr }, key: Hex32 | undefined) => {
    const place = defence.proved(hostOf(connection.remoteAddr), key);
    standings.set(connection, place);
    return place;
  };
  return createLibp2p<Services>({
    start: false,
    privateKey: await transportKey(signer),
    addresses: { listen: places.map(({ host, port }) => placeOf(host, port)) },
    transports: [
      tcpOverLinks({
        maxConnections: limits.CONNECTIONS_MAX + limits.HANDSHAKES_MAX,
        listenOpts: { noDelay: true },
        dialOpts: { noDelay: true },
      }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: limits.STREAMS_PER_CONNECTION_MAX,
        maxOutboundStreams: limits.STREAMS_PER_CONNECTION_MAX,
        streamOptions: {
          maxStreamWindowSize: limits.STREAM_WINDOW_BYTES,
          maxReadBufferLength: 2 * limits.STREAM_WINDOW_BYTES,
        },
      }),
    ],
    connectionManager: {
      maxConnections: limits.CONNECTIONS_MAX,
      maxIncomingPendingConnections: limits.HANDSHAKES_MAX,
      inboundConnectionThreshold: limits.CONNECTION_RATE_MAX,
      inboundUpgradeTimeout: limits.HANDSHAKE_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: limits.HANDSHAKE_TIMEOUT_MS,
      dialTimeout: limits.DIAL_TIMEOUT_MS,
      reconnectRetries: 0,
    },
    connectionGater: {
      denyDialMultiaddr: () => false,
      denyInboundConnection: (connection) => {
        const address = hostOf(connection.remoteAddr);
        if (!defence.admitAddress(address)) return true;
        const left = (): void => {
          const place = standings.get(connection);
          if (place === undefined) placeOfConnection(connection, undefined);
          if (place === 'stranger') defence.strangerLeft(address);
          defence.addressLeft(address, place !== undefined);
        };
        connection.addEventListener('close', left, { once: true });
        return false;
      },
      denyInboundEncryptedConnection: (peer, connection) => {
        const key = keyOf(peer);
        return placeOfConnection(connection, key) === 'refused' || !defence.admitPeer(key!);
      },
    },
    peerDiscovery: options.mdns
      ? [
          telling(options, mdns({ serviceTag: MDNS_SERVICE, interval: MDNS_INTERVAL_MS })),
          telling(options, mdnsOverIpv6({ serviceTag: MDNS_SERVICE, intervalMs: MDNS_INTERVAL_MS })),
        ]
      : [],
    services: {
      identify: identify(),
      ping: ping(),
      pubsub: gossipService(gate, toll),
    },
  });
}

/**
 * Tells of every answer that is heard. libp2p tells of a peer once, and never of one that was called before, wherever
 * it is now.
 */
function telling<Components>(
  { signer, discovered }: HostOptions,
  discover: (components: Components) => PeerDiscovery,
): (components: Components) => PeerDiscovery {
  return (components) => {
    const discovery = discover(components);
    discovery.addEventListener('peer', ({ detail }) => {
      const key = keyOf(detail.id);
      const addresses = detail.multiaddrs.map(String).filter(canBeTried);
      if (key !== undefined && key !== signer.publicKey && addresses.length > 0) discovered(key, addresses);
    });
    return discovery;
  };
}
