/** Connected peers: greeted when they come, asked once for the members that they know, forgotten when they go. */
import { filter, firstValueFrom, map, take, takeUntil, timer } from 'rxjs';
import type { Hex32 } from '../events/bytes.ts';
import type { Access } from './access.ts';
import type { Host } from './host.ts';
import { PEER_TABLE_MAX } from './limits.ts';
import type { Dialer, PeerBook } from './peers.ts';
import type { NetworkPort } from './port.ts';
import { BoundedMap } from './rate-limit.ts';
import type { RpcClient } from './rpc/client.ts';

/** Less than between two questions: an answer that comes sooner is that over the other family, or was not asked for. */
const HEARD_GAP_MS = 500;

export interface PeerDeskOptions {
  readonly port: NetworkPort;
  readonly host: Host;
  readonly access: Access;
  readonly book: PeerBook;
  readonly client: RpcClient;
  readonly dialer: Dialer;
  /** Peers that a group needs. */
  needed(): Iterable<Hex32>;
  /** What a peer is to our groups may have changed. */
  introduced(peer: Hex32): void;
}

export class PeerDesk {
  private readonly options: PeerDeskOptions;
  private readonly addresses = new Map<Hex32, string>();
  /** Pairs of group and peer that have been asked for other members. */
  private readonly exchanged = new Set<string>();
  /** When the local network last told of a peer. */
  private readonly heardMs = new BoundedMap<Hex32, number>(PEER_TABLE_MAX);

  constructor(options: PeerDeskOptions) {
    this.options = options;
  }

  connectedKeys(): Hex32[] {
    return [...this.addresses.keys()];
  }

  /** Connected peers with the addresses that they are connected by. */
  list(): { key: Hex32; address: string }[] {
    return [...this.addresses].map(([key, address]) => ({ key, address }));
  }

  connected(peer: Hex32, address: string): void {
    this.addresses.set(peer, address);
    this.options.port.bus.moment({ kind: 'peer.connected', peer, address });
    void this.greet(peer, address);
  }

  /** Shows a new peer our identities where it is needed. */
  private async greet(peer: Hex32, address: string): Promise<void> {
    const { access, client, needed, introduced } = this.options;
    await this.tolerating(async () => {
      if (!access.sharesGroup(peer) && ![...needed()].includes(peer)) return;
      await this.remember(peer, address);
      await client.introduce(peer);
    });
    introduced(peer);
  }

  /** Does something that a peer, or the end of the node, may bring to nothing; a bug is seen all the same. */
  private async tolerating(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
    }
  }

  /** Keeps the address of a peer whom this node has called; of those who called us we only see a passing port. */
  async remember(peer: Hex32, address = this.addresses.get(peer)): Promise<void> {
    const { host, book, port } = this.options;
    if (address === undefined || host.connection(peer)?.direction !== 'outbound') return;
    await book.add(peer, [address], { seenMs: port.clock.nowMs(), source: 'proved' });
  }

  disconnected(peer: Hex32): void {
    this.addresses.delete(peer);
    this.options.access.disconnected(peer);
    this.options.client.disconnected(peer);
    for (const once of this.exchanged) if (once.endsWith(peer)) this.exchanged.delete(once);
    this.options.port.bus.moment({ kind: 'peer.disconnected', peer });
  }

  /** The first peer of some kind that is connected, once there is one; nothing when the time is over. */
  meets(isMeant: (peer: Hex32) => boolean, withinMs: number): Promise<Hex32 | undefined> {
    const there = this.connectedKeys().find(isMeant);
    if (there !== undefined) return Promise.resolve(there);
    const met$ = this.options.port.bus.moment$.pipe(
      filter((moment) => moment.kind === 'peer.connected'),
      map(({ peer }) => peer),
      filter(isMeant),
      take(1),
      takeUntil(timer(withinMs)),
    );
    return firstValueFrom(met$, { defaultValue: undefined });
  }

  /** Nothing is written down of those whom there is no place to call, nor of any more often than they are asked. */
  discovered(peer: Hex32, addresses: readonly string[]): void {
    const { host, book, port, dialer, access } = this.options;
    if (host.isConnected(peer)) return;
    book.sight(peer, addresses);
    const nowMs = performance.now();
    if (nowMs - (this.heardMs.get(peer) ?? -Infinity) < HEARD_GAP_MS) return;
    this.heardMs.set(peer, nowMs);
    if (!dialer.foundNearby(peer) && !access.sharesGroup(peer)) return;
    void this.tolerating(async () => {
      try {
        await book.add(peer, addresses, { seenMs: port.clock.nowMs() });
      } finally {
        if (book.waysTo(peer).length === 0) dialer.lostNearby(peer);
      }
      dialer.keep();
    });
  }

  /** Keeps where a peer says that it listens, if it matters to us: so that members can tell each other. */
  identified(peer: Hex32, addresses: readonly string[]): void {
    const { access, book, port } = this.options;
    void this.tolerating(async () => {
      if (access.sharesGroup(peer)) await book.add(peer, addresses, { seenMs: port.clock.nowMs() });
    });
  }

  /** Asks a source of a group once for the other members that it is connected to. */
  async exchange(groupId: Hex32, source: Hex32): Promise<void> {
    const { port, host, client, access, book, dialer } = this.options;
    const once = `${groupId}/${source}`;
    if (this.exchanged.has(once) || !host.isConnected(source)) return;
    this.exchanged.add(once);
    await this.tolerating(async () => {
      const { peers } = await client.call(source, 'peer_exchange', { groupId });
      const seenMs = port.clock.nowMs();
      for (const { key, addresses } of peers)
        if (key !== port.signer.publicKey && access.isMember(groupId, key))
          await book.add(key, addresses, { seenMs });
      dialer.keep();
    });
  }
}
