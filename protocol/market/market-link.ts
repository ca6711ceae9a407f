/** The market's way into the network: whom to ask for packages, for proofs, and to carry announcements. */
import type { PeerHint } from '../../actors/invites.ts';
import type { Heard } from '../../actors/market/announcement-book.ts';
import type { MarketNetwork } from '../../actors/market/market.ts';
import type { MarketChain } from '../../actors/market/market-chain.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { siteOf } from '../address-block.ts';
import { hostOf } from '../addresses.ts';
import { NetworkError } from '../errors.ts';
import type { Host } from '../host.ts';
import { keyOf } from '../keys.ts';
import { CATCH_UP_MS, MARKET_PEERS_MAX } from '../limits.ts';
import type { Dialer, PeerBook } from '../peers.ts';
import type { NetworkPort } from '../port.ts';
import { BoundedMap } from '../rate-limit.ts';
import type { RpcClient } from '../rpc/client.ts';
import { AnnouncementDesk } from './announcement-desk.ts';
import { PackageFetcher } from './package-fetch.ts';
import type { ProvedSealers } from './proved-sealers.ts';
import { StrangerChain } from './stranger-chain.ts';

/** Groups of others whose sealers are remembered; what is forgotten is proved again. */
const STRANGE_GROUPS_MAX = 256;

export interface MarketLinkOptions {
  readonly port: NetworkPort;
  readonly host: Host;
  readonly client: RpcClient;
  readonly book: PeerBook;
  dialer(): Dialer;
  /** Whether a peer shares a group with this node. */
  sharesGroup(peer: Hex32): boolean;
  gossip(groupId: Hex32, bytes: Uint8Array): void;
  /** Pulls a group that is followed. */
  pull(groupId: Hex32): void;
  /** The same, and waits for the end of it; says whether a source was reached within the time. */
  pullNow(groupId: Hex32, waitMs: number): Promise<boolean>;
}

export class MarketLink implements MarketNetwork {
  readonly announcements: AnnouncementDesk;
  private readonly options: MarketLinkOptions;
  private readonly packages: PackageFetcher;
  private readonly sealers = new BoundedMap<Hex32, ProvedSealers>(STRANGE_GROUPS_MAX);

  constructor(options: MarketLinkOptions) {
    this.options = options;
    const { port, host, client, gossip } = options;
    const connectedKeys = (): Hex32[] => this.connectedKeys();
    const shutOut = (peer: Hex32, reason: string): void => host.shutOut(peer, reason);
    this.packages = new PackageFetcher({
      store: port.store,
      client,
      nowMs: () => port.clock.nowMs(),
      shutOut,
    });
    const siteOf = (peer: Hex32): string | undefined => this.siteOf(peer);
    this.announcements = new AnnouncementDesk({ port, client, connectedKeys, siteOf, gossip, shutOut });
  }

  private siteOf(peer: Hex32): string | undefined {
    const { host, sharesGroup } = this.options;
    const connection = sharesGroup(peer) ? undefined : host.connection(peer);
    return connection && siteOf(hostOf(connection.remoteAddr));
  }

  /** The node's market may use this network from now on. */
  open(): void {
    this.options.port.market.connect(this);
    void this.announcements.renew();
  }

  async fetchPackage(packageHash: Hex32, hints: readonly PeerHint[], signal?: AbortSignal): Promise<void> {
    await this.packages.fetch(packageHash, await this.reach(hints), signal);
  }

  refresh(groupId: Hex32): void {
    this.options.pull(groupId);
  }

  async catchUp(groupId: Hex32): Promise<boolean> {
    // Whoever seals a group has all of it.
    return this.options.port.seals(groupId) || this.options.pullNow(groupId, CATCH_UP_MS);
  }

  strangerChain(groupId: Hex32, hints: readonly PeerHint[]): MarketChain {
    const { client, host } = this.options;
    return new StrangerChain({
      groupId,
      hints,
      client,
      sealers: this.sealers,
      reach: (peers) => this.reach(peers),
      shutOut: (peer, reason) => host.shutOut(peer, reason),
    });
  }

  async publish(heard: readonly Heard[]): Promise<void> {
    await this.announcements.push(heard);
  }

  /** As the transport has them: whoever was connected a moment ago counts already. */
  private connectedKeys(): Hex32[] {
    return this.options.host.node.getPeers().flatMap((peer) => keyOf(peer) ?? []);
  }

  /** Connects to the peers that are named, and gives all that can be asked, those first. */
  private async reach(hints: readonly PeerHint[]): Promise<Hex32[]> {
    const { host, book, port, dialer } = this.options;
    const seenMs = port.clock.nowMs();
    const named = hints.filter(({ key }) => key !== port.signer.publicKey).slice(0, MARKET_PEERS_MAX);
    await Promise.all(
      named.map(async ({ key, addresses }) => {
        if (host.isConnected(key)) return;
        await book.add(key, addresses, { seenMs });
        await host.dial(key, book.waysTo(key)).catch((error: unknown) => {
          // Others may have it.
          if (!(error instanceof NetworkError)) throw error;
        });
      }),
    );
    if (this.connectedKeys().length === 0) await dialer().tried();
    const first = named.map(({ key }) => key).filter((key) => host.isConnected(key));
    return [...new Set([...first, ...this.connectedKeys()])].slice(0, MARKET_PEERS_MAX);
  }

  close(): void {
    this.options.port.market.disconnect(this);
    this.announcements.close();
  }
}
