/**
 * The network of a node, put together: host, requests, sync, gossip, the way out of the outbox. It is started and
 * stopped as one; a node works without it, and what it writes meanwhile waits in its outbox.
 */
import { Subscription as Listening } from 'rxjs';
import { StoredState } from '../actors/group-view.ts';
import { type PeerHint, writeHints } from '../actors/invites.ts';
import type { NetworkGauges } from '../actors/telemetry.ts';
import type { Hex32 } from '../events/bytes.ts';
import { presenceTable } from '../machines/tables.ts';
import { Access } from './access.ts';
import { Defence } from './defence.ts';
import { OutboxDrain } from './drain.ts';
import { short } from './errors.ts';
import { GroupGossip } from './gossip.ts';
import { Host } from './host.ts';
import { peerIdOf } from './keys.ts';
import * as limits from './limits.ts';
import type { GroupNetworkStatus, NetworkOptions, NetworkStatus } from './network-types.ts';
import { PeerDesk } from './peer-desk.ts';
import { Dialer, PeerBook } from './peers.ts';
import type { NetworkPort } from './port.ts';
import { RpcClient } from './rpc/client.ts';
import { handlersOf } from './rpc/handlers.ts';
import { serveRpc } from './rpc/server.ts';
import { guardSealing } from './sealing-guard.ts';
import type { SubmissionDesk } from './submissions.ts';
import { Subscriptions } from './subscriptions.ts';
import { ArtifactFetcher } from './sync/artifacts.ts';
import { GroupSync } from './sync/group-sync.ts';
import { serveSync } from './sync/stream.ts';

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
  readonly defence: Defence;
  private readonly options: NetworkOptions;
  private readonly artifacts: ArtifactFetcher;
  private readonly drain: OutboxDrain;
  private readonly gossip: GroupGossip;
  private readonly syncs = new Map<Hex32, GroupSync>();
  private readonly listening = new Listening();
  private readonly beatTimer: NodeJS.Timeout;
  private releaseSealing: () => void = () => {};
  private stopping: Promise<void> | undefined;

  /** @throws NetworkError `listen_failed`, PasswordRequiredError while the node's keys are locked */
  static async start(port: NetworkPort, options: NetworkOptions = {}): Promise<NetworkService> {
    const access = new Access(port);
    const log = options.log ?? (() => {});
    const defence = new Defence({
      nowMs: () => performance.now(),
      requestsPerMinute: options.requestsPerMinute,
      connectionsPerAddress: options.connectionsPerAddress,
      banned: (peer, reason, forMs) => {
        log(`peer ${short(peer)} is shut out for ${Math.round(forMs / 1000)} s: ${reason}`);
        port.bus.moment({ kind: 'peer.banned', peer, reason, forMs });
      },
    });
    let service: NetworkService | undefined;
    const host = await Host.start({
      signer: port.signer,
      defence,
      listen: options.listen,
      mdns: options.mdns ?? options.listen !== undefined,
      sharesGroup: (peer) => access.sharesGroup(peer),
      connected: (peer, address) => service?.peers.connected(peer, address),
      disconnected: (peer) => service?.peers.disconnected(peer),
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
    this.book = new PeerBook(port.store.network);
    this.subscriptions = new Subscriptions(port.store.network);
    this.artifacts = new ArtifactFetcher(port.store, this.client);
    this.gossip = new GroupGossip({
      host,
      port,
      access,
      announced: (groupId, height) => this.announced(groupId, height),
      equivocated: (groupId) => this.syncs.get(groupId)?.pause(),
    });
    this.drain = new OutboxDrain({
      port,
      host,
      access,
      client: this.client,
      ways: (groupId) => this.sourcesOf(groupId),
      isLevel: (groupId) => performance.now() - (this.syncs.get(groupId)?.levelMs ?? -Infinity) < 60_000,
      sealed: (groupId) => this.syncs.get(groupId)?.pull(),
    });
    const { book, client } = this;
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
    const beatMs = options.beatIntervalMs ?? limits.BEAT_INTERVAL_MS;
    this.beatTimer = setInterval(() => this.beat(), beatMs);
    this.beatTimer.unref();
  }

  private async serve(): Promise<void> {
    const { port, host, access, book, artifacts, client } = this;
    const desk: SubmissionDesk = {
      port,
      access,
      client,
      sealingPeers: (groupId) => this.sourcesOf(groupId).filter((peer) => access.seals(groupId, peer)),
    };
    const introduced = (peer: Hex32): void => this.introduced(peer);
    await serveRpc(host, {
      defence: this.defence,
      handlers: handlersOf({ port, host, access, book, artifacts, desk, introduced }),
      failed: (name, error) => this.options.log?.(`answering ${name} failed: ${error.message}`),
    });
    await serveSync(host, { access, defence: this.defence, reader: (groupId) => port.store.group(groupId) });
    port.outbox.receiptWaitMs = this.options.receiptWaitMs ?? limits.RECEIPT_WAIT_MS;
    this.listenToNode();
    for (const groupId of port.groupIds()) this.follow(groupId);
    const hints = this.hints();
    if (hints.length > 0) await writeHints(port.store.network, hints);
    this.releaseSealing = guardSealing({
      groups: [...this.syncs.values()],
      port,
      tried: () => this.dialer.tried(),
      withinMs: this.options.headComparisonMs ?? limits.HEAD_COMPARISON_MS,
      connectedSources: (groupId) => this.sourcesOf(groupId).length,
    });
    // Those who were quicker than this.
    for (const connection of host.node.getConnections()) host.tell(connection);
  }

  private listenToNode(): void {
    const { bus, outbox } = this.port;
    this.listening.add(
      bus.head$.subscribe(({ groupId }) => {
        if (this.port.seals(groupId)) this.gossip.announce(groupId);
      }),
    );
    this.listening.add(
      bus.moment$.subscribe((event) => {
        if (event.kind === 'group.opened') this.follow(event.groupId);
      }),
    );
    this.listening.add(
      bus.log$.subscribe(({ groupId, event }) => {
        if (event.kind === 'member.changed') this.membersChanged();
        if (event.kind !== 'sealers.changed') return;
        // The last block of a sealer who hands over: he is none any more, and must tell it all the same.
        this.gossip.announce(groupId);
        this.drain.flush(groupId);
      }),
    );
    this.listening.add(bus.beat$.subscribe((beat) => this.gossip.beat(beat)));
    this.listening.add(outbox.added$.subscribe((groupId) => this.drain.flush(groupId)));
  }

  // Groups.

  /** Begins to follow a group that is here; twice is fine. */
  private follow(groupId: Hex32): GroupSync {
    const known = this.syncs.get(groupId);
    if (known !== undefined) return known;
    const { port, host, access, client, artifacts, options } = this;
    const { isPaused, intervalMs } = this.subscriptions.get(groupId);
    const sync = new GroupSync(groupId, {
      port,
      host,
      access,
      client,
      artifacts,
      intervalMs: intervalMs ?? options.syncIntervalMs,
      stallMs: options.stallMs,
      sources: (group) => this.sourcesOf(group),
      level: (group, source) => this.level(group, source),
    });
    this.syncs.set(groupId, sync);
    if (isPaused) sync.pause();
    this.gossip.join(groupId);
    this.membersChanged();
    sync.pull();
    return sync;
  }

  /** The sync of a group of this node. */
  syncOf(groupId: Hex32): GroupSync {
    return this.follow(groupId);
  }

  /** Follows a group no more in this run of the network. */
  async unfollow(groupId: Hex32): Promise<void> {
    this.gossip.leave(groupId);
    const sync = this.syncs.get(groupId);
    this.syncs.delete(groupId);
    await sync?.close();
  }

  /** Connected peers that have the group, as far as this node knows: who seals it first, then whom one named. */
  sourcesOf(groupId: Hex32): Hex32[] {
    const named = this.subscriptions.get(groupId).sources.filter((peer) => this.host.isConnected(peer));
    const { access } = this;
    if (!access.has(groupId)) return named;
    const members = this.peers.connectedKeys().filter((peer) => access.isMember(groupId, peer));
    const all = [...new Set([...named, ...members])];
    return all.sort((a, b) => Number(access.seals(groupId, b)) - Number(access.seals(groupId, a)));
  }

  private *neededPeers(): Generator<Hex32> {
    for (const [groupId] of this.syncs) yield* this.subscriptions.get(groupId).sources;
    for (const { key } of this.book.all()) if (this.access.sharesGroup(key)) yield key;
  }

  private announced(groupId: Hex32, height: number | undefined): void {
    const sync = this.syncs.get(groupId);
    if (height === undefined) sync?.pull();
    else sync?.announced(height);
  }

  private level(groupId: Hex32, source: Hex32): void {
    this.drain.flush(groupId);
    void this.peers.exchange(groupId, source);
  }

  // Peers.

  /** What a peer is to our groups may have changed. */
  private introduced(peer: Hex32): void {
    if (this.stopping !== undefined) return;
    this.host.gate.reconsider(peer);
    for (const [groupId, sync] of this.syncs)
      if (this.sourcesOf(groupId).includes(peer)) {
        sync.pull();
        this.drain.flush(groupId);
      }
  }

  private membersChanged(): void {
    for (const peer of this.peers.connectedKeys()) this.host.gate.reconsider(peer);
  }

  /** Where this node can be reached, for join codes. */
  hints(): PeerHint[] {
    const addresses = this.host.addresses().slice(0, 8);
    return addresses.length === 0 ? [] : [{ key: this.port.signer.publicKey, addresses }];
  }

  // Presence.

  /** Beats for the identities of this node that have said that they are there, and not that they are away. */
  private beat(): void {
    const { port } = this;
    const signers = port.signers().slice(0, limits.IDENTITIES_PER_PEER_MAX);
    for (const groupId of this.syncs.keys()) {
      const state = new StoredState(port.store.group(groupId));
      for (const signer of signers) {
        const said = state.get(presenceTable, signer.publicKey)?.status ?? 'offline';
        if (said !== 'offline') port.presence(groupId).beat(signer);
      }
    }
  }

  /** Beats now instead of at the next interval. */
  beatNow(): void {
    this.beat();
  }

  /** Present values, for whoever measures. */
  gauges(): NetworkGauges {
    const { syncs, peers, port } = this;
    return {
      peers: () => peers.connectedKeys().length,
      outboxDepth: () => port.outbox.depth,
      *syncLag() {
        for (const { groupId, target, height } of syncs.values()) yield [groupId, target - height];
      },
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
      groups: [...this.syncs.values()].map((sync) => this.groupStatus(sync)),
      counters: defence.counters,
    };
  }

  private groupStatus({ groupId, status, target, lastError }: GroupSync): GroupNetworkStatus {
    const { outbox, store } = this.port;
    return {
      groupId,
      height: store.group(groupId).head()?.height ?? -1,
      target,
      status,
      lastError,
      artifactsMissing: this.artifacts.missingCount(groupId),
      pending: outbox.pending(groupId).length,
      refused: outbox.refused(groupId).length,
      sources: this.sourcesOf(groupId),
    };
  }

  /**
   * Pulls a group and sends what waits for its sealer; resolves when both are done, or the times are over.
   * @returns whether a source was reached
   */
  async syncGroup(groupId: Hex32, times: { waitMs: number; sealedMs: number }): Promise<boolean> {
    const sync = this.syncOf(groupId);
    const isLevel = sync.whenLevel(times.waitMs);
    sync.pull();
    if (!(await isLevel)) return false;
    await this.flush(groupId);
    const { outbox } = this.port;
    const deadlineMs = performance.now() + times.sealedMs;
    while (outbox.pending(groupId).length > 0 && performance.now() < deadlineMs) {
      const next = sync.whenLevel(Math.max(0, deadlineMs - performance.now()));
      sync.pull();
      await next;
      await outbox.takeSealed(groupId);
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
    this.releaseSealing();
    this.listening.unsubscribe();
    clearInterval(this.beatTimer);
    await this.dialer.close();
    this.gossip.close();
    await Promise.all([...this.syncs.values()].map((sync) => sync.close()));
    await this.host.stop();
    await this.drain.close();
  }
}
