/**
 * Gossipsub behind a gate: only peers that share a group with this node ever speak it with us.
 *
 * Gossipsub tells every peer which topics one has, and takes part in meshes with whoever asks. A gate in front of
 * the registrar keeps it from seeing strangers at all: they learn no topic, join no mesh, and can spam nobody. A
 * peer that turns out to share a group is let in then; its stream waits for a while in case we learn it first.
 */
import { type GossipSub, type GossipSubComponents, gossipsub, StrictNoSign } from '@libp2p/gossipsub';
import type { RPC } from '@libp2p/gossipsub/message';
import type { Connection, PeerId, Stream, StreamHandler, Topology } from '@libp2p/interface';
import type { Hex32 } from '../events/bytes.ts';
import { keyOf } from './keys.ts';
import {
  GOSSIP_BYTES_MAX,
  GOSSIP_IGNORED_COST,
  GOSSIP_MESSAGE_COST,
  GOSSIP_SUBSCRIPTIONS_COST,
  PEER_TABLE_MAX,
} from './limits.ts';

export type Gossip = GossipSub;

type Registrar = GossipSubComponents['registrar'];

/** Below it gossipsub ignores a peer (its `graylistThreshold`). */
const IGNORED_SCORE = -80;
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

/** What a call of gossipsub tells a peer to be held against: nothing, or too much of what it brings. */
export type GossipToll = (peer: Hex32, cost: number) => void;

/** Gossipsub as this node speaks it: unsigned (what is carried is signed itself), small, and behind the gate. */
export function gossipService(
  gate: GossipGate,
  toll: GossipToll,
): (components: GossipSubComponents) => Gossip {
  return ({ privateKey, peerId, peerStore, registrar, connectionManager, logger }) => {
    const gossip = gossipsub({
      globalSignaturePolicy: StrictNoSign,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      fallbackToFloodsub: false,
      tagMeshPeers: false,
      maxInboundDataLength: 16 * GOSSIP_BYTES_MAX,
      maxOutboundBufferSize: 256 * GOSSIP_BYTES_MAX,
      maxInboundStreams: 2,
      maxOutboundStreams: 2,
      // Many honest members may stand behind one address; how many may, is for the defence to say.
      scoreParams: { IPColocationFactorWeight: 0 },
    })({ privateKey, peerId, peerStore, connectionManager, logger, registrar: gate.guard(registrar) });
    return tolled(gossip, toll);
  };
}

/** What gossipsub has beside its interface. */
interface GossipInside extends Gossip {
  handleReceivedRpc(from: PeerId, rpc: RPC): Promise<void>;
  getScore(peer: string): number;
}

/**
 * Has every call of a peer counted before gossipsub looks at it. Gossipsub bounds what each may cost and
 * ignores a peer that goes too far, but it keeps reading from that peer forever, and tells nobody.
 */
function tolled(gossip: Gossip, toll: GossipToll): Gossip {
  const inside = gossip as GossipInside;
  const receive = inside.handleReceivedRpc.bind(gossip);
  inside.handleReceivedRpc = (from, rpc) => {
    const key = keyOf(from);
    if (key !== undefined) toll(key, costOf(inside, from, rpc));
    return receive(from, rpc);
  };
  return gossip;
}

function costOf(gossip: GossipInside, from: PeerId, { subscriptions, messages, control }: RPC): number {
  let cost = subscriptions.length > 0 ? GOSSIP_SUBSCRIPTIONS_COST : 0;
  for (const { topic } of messages) cost += gossip.topicValidators.has(topic) ? GOSSIP_MESSAGE_COST : 1;
  if (control !== undefined) cost++;
  return gossip.getScore(from.toString()) < IGNORED_SCORE ? cost * GOSSIP_IGNORED_COST : cost;
}
