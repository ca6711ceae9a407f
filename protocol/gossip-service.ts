/**
 * Gossipsub behind a gate: only peers that share a group with this node ever speak it with us.
 *
 * Gossipsub tells every peer which topics one has, and takes part in meshes with whoever asks. A gate in front of
 * the registrar keeps it from seeing strangers at all: they learn no topic, join no mesh, and can spam nobody. A
 * peer that turns out to share a group is let in then; its stream waits for a while in case we learn it first.
 */
import { type GossipSub, type GossipSubComponents, gossipsub, StrictNoSign } from '@libp2p/gossipsub';
import type { Connection, PeerId, Stream, StreamHandler, Topology } from '@libp2p/interface';
import type { Hex32 } from '../events/bytes.ts';
import { keyOf } from './keys.ts';
import { GOSSIP_BYTES_MAX, PEER_TABLE_MAX } from './limits.ts';

export type Gossip = GossipSub;

type Registrar = GossipSubComponents['registrar'];

/** How long a stream of a peer that we do not know yet may wait at the gate. */
const WAIT_AT_GATE_MS = 10_000;
/** Streams that may wait at once, of all peers. */
const WAITING_MAX = 64;

export class GossipGate {
  private readonly sharesGroup: (peer: Hex32) => boolean;
  private handler: StreamHandler | undefined;
  private readonly topologies = new Set<Topology>();
  private readonly connections = new Map<Hex32, { peer: PeerId; connection: Connection }>();
  private readonly inside = new Set<Hex32>();
  private readonly waiting = new Map<
    Hex32,
    { stream: Stream; connection: Connection; timer: NodeJS.Timeout }
  >();

  constructor(sharesGroup: (peer: Hex32) => boolean) {
    this.sharesGroup = sharesGroup;
  }

  /** A registrar that shows gossipsub only peers that have been let in. */
  guard(registrar: Registrar): Registrar {
    return new Proxy(registrar, {
      get: (target, name) => {
        if (name === 'handle')
          return (protocol: string, handler: StreamHandler, options: object) => {
            this.handler = handler;
            return target.handle(protocol, (stream, connection) => this.arrived(stream, connection), options);
          };
        if (name === 'register')
          return (protocol: string, topology: Topology) => {
            this.topologies.add(topology);
            return target.register(protocol, {
              onConnect: (peer, connection) => this.connected(peer, connection),
              onDisconnect: (peer) => this.disconnected(peer),
            });
          };
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  private connected(peer: PeerId, connection: Connection): void {
    const key = keyOf(peer);
    if (key === undefined || this.connections.size >= PEER_TABLE_MAX) return;
    this.connections.set(key, { peer, connection });
    this.reconsider(key);
  }

  private disconnected(peer: PeerId): void {
    const key = keyOf(peer);
    if (key === undefined) return;
    this.connections.delete(key);
    this.dropWaiting(key);
    if (!this.inside.delete(key)) return;
    for (const topology of this.topologies) topology.onDisconnect?.(peer);
  }

  private arrived(stream: Stream, connection: Connection): void {
    const key = keyOf(connection.remotePeer);
    if (key === undefined) {
      stream.abort(new Error('the peer has a key of another kind'));
      return;
    }
    if (this.sharesGroup(key)) {
      void this.handler?.(stream, connection);
      return;
    }
    this.dropWaiting(key);
    if (this.waiting.size >= WAITING_MAX) {
      stream.abort(new Error('too many wait'));
      return;
    }
    const timer = setTimeout(() => this.dropWaiting(key), WAIT_AT_GATE_MS);
    this.waiting.set(key, { stream, connection, timer });
  }

  private dropWaiting(key: Hex32): void {
    const waiting = this.waiting.get(key);
    if (waiting === undefined) return;
    this.waiting.delete(key);
    clearTimeout(waiting.timer);
    waiting.stream.abort(new Error('no group is shared'));
  }

  /** Lets a connected peer in if it shares a group by now, and out if it does no more. */
  reconsider(key: Hex32): void {
    const known = this.connections.get(key);
    const shares = this.sharesGroup(key);
    if (shares && known !== undefined && !this.inside.has(key)) {
      this.inside.add(key);
      for (const topology of this.topologies) topology.onConnect?.(known.peer, known.connection);
    }
    const waiting = this.waiting.get(key);
    if (shares && waiting !== undefined) {
      this.waiting.delete(key);
      clearTimeout(waiting.timer);
      void this.handler?.(waiting.stream, waiting.connection);
    }
    if (!shares && this.inside.delete(key) && known !== undefined)
      for (const topology of this.topologies) topology.onDisconnect?.(known.peer);
  }

  close(): void {
    for (const key of [...this.waiting.keys()]) this.dropWaiting(key);
  }
}

/** Gossipsub as this node speaks it: unsigned (what is carried is signed itself), small, and behind the gate. */
export function gossipService(gate: GossipGate): (components: GossipSubComponents) => Gossip {
  return ({ privateKey, peerId, peerStore, registrar, connectionManager, logger }) =>
    gossipsub({
      globalSignaturePolicy: StrictNoSign,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      fallbackToFloodsub: false,
      tagMeshPeers: false,
      maxInboundDataLength: 16 * GOSSIP_BYTES_MAX,
      maxOutboundBufferSize: 256 * GOSSIP_BYTES_MAX,
      maxInboundStreams: 2,
      maxOutboundStreams: 2,
    })({ privateKey, peerId, peerStore, connectionManager, logger, registrar: gate.guard(registrar) });
}
