/**
 * The network of a node, put together: host, requests, sync, gossip, the way out of the outbox. It is started and
 * stopped as one; a node works without it, and what it writes meanwhile waits in its outbox.
 */
import { Subscription as Listening } from 'rxjs';
import { HandOvers } from '../actors/checkpoint/hand-overs.ts';
import { historyGap } from '../actors/checkpoint/marker.ts';
import { type PeerHint, writeHints } from '../actors/invites.ts';
import type { NetworkGauges } from '../actors/telemetry.ts';
import type { Hex32 } from '../events/bytes.ts';
import { Access } from './access.ts';
import { isLoopback } from './addresses.ts';
import { beatAll } from './beats.ts';
import { Defence } from './defence.ts';
import { OutboxDrain } from './drain.ts';
import { short } from './errors.ts';
import { FollowedGroups } from './followed-groups.ts';
import { GroupGossip } from './gossip.ts';
import type { Host } from './host.ts';
import { peerIdOf } from './keys.ts';
import * as limits from './limits.ts';
import { startHost } from './listening.ts';
import { MarketLink } from './market/market-link.ts';
import { looksNearby, type NetworkOptions, type NetworkStatus } from './network-types.ts';
import { PeerClocks } from './peer-clocks.ts';
import { PeerDesk } from './peer-desk.ts';
import { Dialer, PeerBook } from './peers.ts';
import type { NetworkPort } from './port.ts';
import { RpcClient } from './rpc/client.ts';
import { handlersOf } from './rpc/handlers.ts';
import { serveRpc } from './rpc/server.ts';
import { SealerSigns } from './sealer-signs.ts';
import { guardSealing, type SealingGuard } from './sealing-guard.ts';
import type { SubmissionDesk } from './submissions.ts';
import { Subscriptions } from './subscriptions.ts';
import { ArtifactFetcher } from './sync/artifacts.ts';
import { CheckpointServer } from './sync/checkpoint.ts';
import { serveSync } from './sync/stream.ts';

/** Who is a member is looked at again this long after a block, however many follow. */
const MEMBERS_GAP_MS = 100;

/** A running network. Made by `NetworkService.start`. */
export class NetworkService {
  readonly port: NetworkPort;
  readonly host: Host;
  readonly access: Access;
  readonly book: PeerBook;
  readonly client: RpcClient;
  readonly subscriptions: Subscriptions;
  readonly dialer: Dialer;
  readonly peers: PeerDesk;
  /** Packages, proofs and announcements. */
  readonly market: MarketLink;
  readonly defence: Defence;
  readonly options: NetworkOptions;
  readonly groups: FollowedGroups;
  private readonly drain: OutboxDrain;
  readonly gossip: GroupGossip;
  private readonly listening = new Listening();
  private readonly beatTimer: NodeJS.Timeout;
  private readonly clocks: PeerClocks;
  private readonly handOvers = new HandOvers();
  /** Who may seal each group, as of its last block. */
  private readonly sealersBefore = new Map<Hex32, string>();
  private memberTimer: NodeJS.Timeout | undefined;
  private guard: SealingGuard | undefined;
  private stopping: Promise<void> | undefined;

  /** @throws NetworkError `listen_failed`, PasswordRequiredError while the node's keys are locked */
  static async start(port: NetworkPort, options: NetworkOptions = {}): Promise<NetworkService> {
    const access = new Access(port);
    const log = options.log ?? (() => {});
    const defence = new Defence({
      isKnown: (peer) => access.sharesGroup(peer),
      nowMs: () => performance.now(),
      requestsPerMinute: options.requestsPerMinute,
      connectionsPerAddress: options.connectionsPerAddress,
      banned: (peer, reason, forMs) => {
        log(`peer ${short(peer)} is shut out for ${Math.round(forMs / 1000)} s: ${reason}`);
        port.bus.moment({ kind: 'peer.banned', peer, reason, forMs });
      },
      suspected: (who, reason) => port.bus.moment({ kind: 'peer.suspected', who, reason }),
    });
    let service: NetworkService | undefined;
    const host = await startHost(port.store.network, {
      signer: port.signer,
      defence,
      listen: options.listen,
      mdns: looksNearby(options),
      sharesGroup: (peer) => access.sharesGroup(peer),
      connected: (peer, address) => service?.peers.connected(peer, address),
      disconnected: (peer) => service?.left(peer),
      discovered: (peer, addresses) => service?.peers.discovered(peer, addresses),
      identified: (peer, addresses) => service?.peers.identified(peer, addresses),
    });
    service = new NetworkService(port, { access, defence, host, options });
    await service.serve();
    return service;
  }

  private constructor(
    port: NetworkPort,
    parts: { access: Access; defence: Defence; host: Host; options: NetworkOptions },
  ) {
    const { access, defence, host, options } = parts;
    this.port = port;
    this.access = access;
    this.defence = defence;
    this.host = host;
    this.options = options;
    this.client = new RpcClient(host, port);
    this.book = new PeerBook(port.store.network, (peer) => access.sharesGroup(peer));
    this.subscriptions = new Subscriptions(port.store.network);
    this.gossip = new GroupGossip({
      host,
      port,
      access,
      signs: new SealerSigns(port, access),
      announced: (groupId, header) => this.groups.announced(groupId, header),
      contradicted: (groupId, seal) => this.groups.contradicted(groupId, seal),
      heard: (groupId, bytes, peer) => this.market.announcements.heardInGroup(groupId, bytes, peer),
    });
    this.groups = new FollowedGroups({
      port,
      host,
      access,
      client: this.client,
      artifacts: new ArtifactFetcher(port.store, this.client, (groupId) => port.bus.artifactsCame(groupId)),
      gossip: this.gossip,
      handOvers: this.handOvers,
      subscriptions: this.subscriptions,
      settings: options,
      connectedKeys: () => this.peers.connectedKeys(),
      followed: () => this.membersChanged(),
      level: (groupId, source) => this.level(groupId, source),
    });
    this.drain = new OutboxDrain({
      port,
      host,
      access,
      client: this.client,
      ways: (groupId) => this.groups.sourcesOf(groupId),
      isLevel: (groupId) => performance.now() - (this.groups.known(groupId)?.levelMs ?? -Infinity) < 60_000,
      sealed: (groupId) => this.groups.known(groupId)?.expectMore(),
    });
    const { book, client } = this;
    this.market = new MarketLink({
      port,
      host,
      client,
      book,
      dialer: () => this.dialer,
      sharesGroup: (peer) => access.sharesGroup(peer),
      gossip: (groupId, bytes) => this.gossip.spread(groupId, bytes),
      pull: (groupId) => this.groups.known(groupId)?.pull(),
      pullNow: (groupId, waitMs) => this.groups.pullNow(groupId, waitMs),
    });
    this.dialer = new Dialer({ host, book, needed: () => this.neededPeers() });
    this.peers = new PeerDesk({
      port,
      host,
      access,
      book,
      client,
      dialer: this.dialer,
      needed: () => this.neededPeers(),
      introduced: (peer) => this.introduced(peer),
    });
    this.clocks = new PeerClocks({
      clock: port.clock,
      client,
      peers: () => this.peers.connectedKeys().filter((peer) => access.sharesGroup(peer)),
    });
    const beatMs = options.beatIntervalMs ?? limits.BEAT_INTERVAL_MS;
    this.beatTimer = setInterval(() => this.beatNow(), beatMs);
    this.beatTimer.unref();
  }

  private async serve(): Promise<void> {
    const { port, host, access, book, client, groups, handOvers } = this;
    const { announcements } = this.market;
    const desk: SubmissionDesk = {
      port,
      access,
      client,
      sealingPeers: (groupId) => groups.sourcesOf(groupId).filter((peer) => access.seals(groupId, peer)),
    };
    const introduced = (peer: Hex32): void => this.introduced(peer);
    const notFound = (peer: Hex32): void => {
      // A newcomer may be ahead of the block that adds it, and one who was removed behind the block that did that.
      if (access.sharesGroup(peer) || this.defence.bears('prying', peer)) return;
      host.suspect(peer, 'it asks for groups that are none of its own');
    };
    await serveRpc(host, {
      defence: this.defence,
      handlers: handlersOf({ port, host, access, book, desk, announcements, handOvers, introduced }),
      failed: (name, error) => this.options.failed?.(name, error),
      notFound,
    });
    const { defence } = this;
    await serveSync(host, {
      access,
      defence,
      reader: (groupId) => port.store.group(groupId),
      gap: (groupId) => historyGap(port.store.network, groupId),
      notFound,
    });
    await new CheckpointServer({ port, access, defence, handOvers }).serveOn(host);
    port.outbox.receiptWaitMs = this.options.receiptWaitMs ?? limits.RECEIPT_WAIT_MS;
    port.outbox.sealerStanding = (groupId) => groups.sealerInWords(groupId);
    this.listenToNode();
    this.market.open();
    const seenMs = port.clock.nowMs();
    for (const { key, addresses } of this.options.bootstrap ?? [])
      await book.add(key, addresses, { seenMs, source: 'given' });
    for (const groupId of port.groupIds()) {
      groups.follow(groupId);
      this.sealersBefore.set(groupId, access.sealers(groupId).join());
    }
    const hints = this.hints();
    if (hints.length > 0) await writeHints(port.store.network, hints);
    this.guard = guardSealing({
      groups: groups.all(),
      port,
      tried: () => this.dialer.tried(),
      withinMs: this.options.headComparisonMs ?? limits.HEAD_COMPARISON_MS,
      connectedSources: (groupId) => groups.sourcesOf(groupId).length,
      isAlone: (groupId) => this.isAlone(groupId),
    });
    // Those who were quicker than this.
    for (const connection of host.node.getConnections()) host.tell(connection);
  }

  private listenToNode(): void {
    const { bus, outbox } = this.port;
    this.listening.add(bus.head$.subscribe(({ groupId }) => this.headAdvanced(groupId)));
    this.listening.add(
      bus.moment$.subscribe((event) => {
        if (event.kind === 'group.opened') this.groups.follow(event.groupId);
      }),
    );
    this.listening.add(bus.beat$.subscribe((beat) => this.gossip.beat(beat)));
    this.listening.add(outbox.added$.subscribe((groupId) => this.drain.flush(groupId)));
  }

  // Groups.

  /** Looks at what a new block may have changed; events of the log would have to be made for every transaction. */
  private headAdvanced(groupId: Hex32): void {
    this.access.groupChanged(groupId);
    const sealers = this.access.sealers(groupId).join();
    const before = this.sealersBefore.get(groupId) ?? sealers;
    this.sealersBefore.set(groupId, sealers);
    // The last block of a sealer who hands over: they no longer seal, and must tell it all the same.
    if (this.port.seals(groupId) || sealers !== before) this.gossip.announce(groupId);
    if (sealers !== before) this.drain.flush(groupId);
    this.memberTimer ??= setTimeout(() => this.membersChanged(), MEMBERS_GAP_MS).unref();
  }

  private *neededPeers(): Generator<Hex32> {
    for (const { key } of this.options.bootstrap ?? []) yield key;
    yield* this.groups.namedSources();
    for (const { key } of this.book.all()) if (this.access.sharesGroup(key)) yield key;
  }

  private level(groupId: Hex32, source: Hex32): void {
    this.drain.flush(groupId);
    void this.peers.exchange(groupId, source);
  }

  // Peers.

  private left(peer: Hex32): void {
    this.peers.disconnected(peer);
    this.clocks.forget(peer);
  }

  /** What a peer is to our groups may have changed. */
  private introduced(peer: Hex32): void {
    if (this.stopping !== undefined) return;
    if (this.access.sharesGroup(peer)) void this.clocks.look(peer);
    this.host.gate.reconsider(peer);
    for (const sync of this.groups.all())
      if (this.groups.sourcesOf(sync.groupId).includes(peer)) {
        sync.pull();
        this.drain.flush(sync.groupId);
      }
  }

  private membersChanged(): void {
    clearTimeout(this.memberTimer);
    this.memberTimer = undefined;
    for (const peer of this.peers.connectedKeys()) this.host.gate.reconsider(peer);
  }

  private isAlone(groupId: Hex32): boolean {
    const own = new Set(this.port.signers().map(({ publicKey }) => publicKey));
    return this.access.members(groupId).every((member) => own.has(member));
  }

  /** Once the heads were compared that can be: groups sealed here of which no other member was there to ask. */
  async uncompared(): Promise<readonly Hex32[]> {
    return (await this.guard?.uncompared) ?? [];
  }

  /** Where this node can be reached, for join codes. */
  hints(): PeerHint[] {
    const all = this.host.addresses();
    const elsewhere = all.filter((address) => !isLoopback(address));
    const addresses = (elsewhere.length > 0 ? elsewhere : all).slice(0, 8);
    return addresses.length === 0 ? [] : [{ key: this.port.signer.publicKey, addresses }];
  }

  // Presence.

  /** Beats now instead of at the next interval. */
  beatNow(): void {
    beatAll(this);
  }

  /** Present values, for whoever measures. */
  gauges(): NetworkGauges {
    const { groups, peers, port, defence } = this;
    return {
      peers: () => peers.connectedKeys().length,
      outboxDepth: () => port.outbox.depth,
      artifactsMissing: () => groups.artifactsMissing(),
      defence: () => defence.counters,
      banned: () => defence.banned(),
      suspected: () => defence.suspected(),
      syncLag: () => groups.lags(),
      sealerSilence: () => groups.silences(),
    };
  }

  status(): NetworkStatus {
    const { port, host, defence } = this;
    const key = port.signer.publicKey;
    return {
      key,
      peerId: peerIdOf(key).toString(),
      addresses: host.addresses(),
      peers: this.peers.list(),
      groups: this.groups.status(),
      counters: defence.counters,
    };
  }

  /**
   * Pulls a group and sends what waits for its sealer; resolves when both are done, or the times are over.
   * @returns whether a source was reached
   */
  async syncGroup(groupId: Hex32, times: { waitMs: number; sealedMs: number }): Promise<boolean> {
    const { groups, port } = this;
    // A node that seals a group, and has nobody to ask, is level with itself.
    if (port.seals(groupId) && groups.sourcesOf(groupId).length === 0) return true;
    if (!(await groups.pullNow(groupId, times.waitMs))) return false;
    await this.flush(groupId);
    const deadlineMs = performance.now() + times.sealedMs;
    while (port.outbox.pending(groupId).length > 0 && performance.now() < deadlineMs) {
      await groups.pullNow(groupId, Math.max(0, deadlineMs - performance.now()));
      await port.outbox.takeSealed(groupId);
    }
    return true;
  }

  /** Sends what waits, now. */
  async flush(groupId: Hex32): Promise<void> {
    this.drain.flush(groupId);
    await this.drain.idle(groupId);
  }

  /** Ends everything that this has begun; the node goes on without a network. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  private async shutDown(): Promise<void> {
    this.port.outbox.receiptWaitMs = 0;
    this.port.outbox.sealerStanding = undefined;
    this.guard?.release();
    this.listening.unsubscribe();
    this.market.close();
    clearInterval(this.beatTimer);
    clearTimeout(this.memberTimer);
    this.clocks.close();
    await this.dialer.close();
    this.gossip.close();
    await this.groups.close();
    await this.host.stop();
    await this.drain.close();
  }
}
