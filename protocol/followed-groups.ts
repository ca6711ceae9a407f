/**
 * The groups of this node as the network sees them: each is followed by one sync, from whoever has it, and says in
 * gossip what is new. What an operator has set for a group (a pause, an interval, named sources) is heeded at once.
 */

import type { HandOvers } from '../actors/checkpoint/hand-overs.ts';
import { historyGap } from '../actors/checkpoint/marker.ts';
import { endedMembership } from '../actors/removal.ts';
import { isSilent } from '../actors/sealers-heard.ts';
import type { BlockHeader } from '../events/block.ts';
import type { Hex32 } from '../events/bytes.ts';
import type { Removal } from '../events/receipt.ts';
import type { Access } from './access.ts';
import type { GroupGossip } from './gossip.ts';
import type { Host } from './host.ts';
import type { GroupNetworkStatus, NetworkOptions } from './network-types.ts';
import type { NetworkPort } from './port.ts';
import type { RpcClient } from './rpc/client.ts';
import type { Subscriptions } from './subscriptions.ts';
import { type ArtifactFetcher, missingArtifacts } from './sync/artifacts.ts';
import type { Seal } from './sync/evidence.ts';
import { GroupSync } from './sync/group-sync.ts';
import { HistoryFill } from './sync/history-fill.ts';

export interface FollowedGroupsOptions {
  readonly port: NetworkPort;
  readonly host: Host;
  readonly access: Access;
  readonly client: RpcClient;
  readonly artifacts: ArtifactFetcher;
  readonly gossip: GroupGossip;
  readonly handOvers: HandOvers;
  readonly subscriptions: Subscriptions;
  readonly settings: Pick<NetworkOptions, 'syncIntervalMs' | 'stallMs' | 'isResting'>;
  connectedKeys(): readonly Hex32[];
  /** A group has become one of those followed. */
  followed(groupId: Hex32): void;
  /** Told after each pull that reached somebody: the group is as new as its sources. */
  level(groupId: Hex32, source: Hex32): void;
}

export class FollowedGroups {
  private readonly options: FollowedGroupsOptions;
  readonly artifacts: ArtifactFetcher;
  private readonly syncs = new Map<Hex32, GroupSync>();
  private readonly fills = new Map<Hex32, HistoryFill>();

  constructor(options: FollowedGroupsOptions) {
    this.options = options;
    this.artifacts = options.artifacts;
  }

  /** The syncs of all groups that are followed. */
  all(): GroupSync[] {
    return [...this.syncs.values()];
  }

  ids(): IterableIterator<Hex32> {
    return this.syncs.keys();
  }

  /** The sync of a group, where it is followed. */
  known(groupId: Hex32): GroupSync | undefined {
    return this.syncs.get(groupId);
  }

  /** Begins to follow a group that is here; twice is fine. */
  follow(groupId: Hex32): GroupSync {
    const known = this.syncs.get(groupId);
    if (known !== undefined) return known;
    const { port, host, access, client, artifacts, gossip, handOvers, settings, level } = this.options;
    const sync = new GroupSync(groupId, {
      port,
      host,
      access,
      client,
      artifacts,
      handOvers,
      stallMs: settings.stallMs,
      sources: (group) => this.sourcesOf(group),
      level,
    });
    this.syncs.set(groupId, sync);
    gossip.join(groupId);
    this.heed(groupId);
    if (settings.isResting) sync.pause();
    this.options.followed(groupId);
    sync.pull();
    if (historyGap(port.store.network, groupId) !== undefined) this.fillHistory(groupId, sync);
    return sync;
  }

  /** Fetches and judges what lies before the checkpoint at which a group began. */
  private fillHistory(groupId: Hex32, sync: GroupSync): void {
    const { port, host, settings } = this.options;
    const fill = new HistoryFill(groupId, {
      port,
      host,
      stallMs: settings.stallMs,
      sources: (group) => this.sourcesOf(group),
      lie: () => sync.pause(),
    });
    this.fills.set(groupId, fill);
  }

  /** Does what the subscription of a group says now. */
  heed(groupId: Hex32): void {
    const { subscriptions, settings } = this.options;
    const sync = this.syncs.get(groupId);
    const { isPaused, intervalMs = settings.syncIntervalMs } = subscriptions.get(groupId);
    sync?.setInterval(intervalMs);
    if (isPaused) sync?.pause();
    else sync?.resume();
  }

  /** Connected peers that have the group, as far as this node knows: who seals it first, then whom one named. */
  sourcesOf(groupId: Hex32): Hex32[] {
    const { subscriptions, host, access, connectedKeys } = this.options;
    const named = subscriptions.get(groupId).sources.filter((peer) => host.isConnected(peer));
    if (!access.has(groupId)) return named;
    const members = connectedKeys().filter((peer) => access.isMember(groupId, peer));
    const all = [...new Set([...named, ...members])];
    return all.sort((a, b) => Number(access.seals(groupId, b)) - Number(access.seals(groupId, a)));
  }

  /** Peers that were named as sources. */
  *namedSources(): Generator<Hex32> {
    for (const groupId of this.syncs.keys()) yield* this.options.subscriptions.get(groupId).sources;
  }

  /** Something new was announced; without a header, by a sealer who is not known here. */
  announced(groupId: Hex32, header: Pick<BlockHeader, 'height' | 'sealer'> | undefined): void {
    const sync = this.syncs.get(groupId);
    if (header === undefined) sync?.pull();
    else sync?.announced(header);
  }

  /** A seal was announced for a height at which another block is here. */
  async contradicted(groupId: Hex32, seal: Seal): Promise<void> {
    await this.syncs.get(groupId)?.contradicted(seal);
  }

  /** What the groups are at. */
  status(): GroupNetworkStatus[] {
    return this.all().map((sync) => this.statusOf(sync));
  }

  private statusOf(sync: GroupSync): GroupNetworkStatus {
    const { groupId, status, target, lastError, isInDispute } = sync;
    const { outbox, store, seals, clock } = this.options.port;
    const sealerHeardMs = this.sealerHeardMs(groupId);
    return {
      groupId,
      isSealedHere: seals(groupId),
      sealerHeardMs,
      isSealerSilent: isSilent(seals(groupId), sealerHeardMs, clock.nowMs()),
      isCutOff: this.isCutOff(sync),
      isInDispute,
      removal: this.removalFrom(groupId),
      height: store.group(groupId).head()?.height ?? -1,
      target,
      status,
      lastError,
      artifactsMissing: missingArtifacts(store.network, groupId),
      history: historyGap(store.network, groupId),
      pending: outbox.pending(groupId).length,
      refused: outbox.refused(groupId).length,
      sources: this.sourcesOf(groupId),
    };
  }

  /** Why nobody has answered yet for what waits: how the way to the sealer is, and when it was last heard. */
  sealerInWords(groupId: Hex32): string {
    const sources = this.sourcesOf(groupId);
    const isThere = sources.some((peer) => this.options.access.seals(groupId, peer));
    const heardMs = this.sealerHeardMs(groupId);
    const heard =
      heardMs === undefined ? 'never heard here' : `last heard ${new Date(heardMs).toISOString()}`;
    if (isThere) return `the sealer is connected and has not answered in time (${heard})`;
    const way =
      sources.length === 0 ? 'no member who has the group is connected' : 'only other members are connected';
    return `the sealer was not reached: ${way} (${heard})`;
  }

  /** Artifacts that are named in the groups and are not here. */
  artifactsMissing(): number {
    const { network } = this.options.port.store;
    return this.all().reduce((sum, { groupId }) => sum + missingArtifacts(network, groupId), 0);
  }

  private sealerHeardMs(groupId: Hex32): number | undefined {
    const { seals, sealersHeard } = this.options.port;
    return seals(groupId) ? undefined : sealersHeard.lastMs(groupId);
  }

  /** The end of this node's membership in a group, where it has ended. */
  removalFrom(groupId: Hex32): Removal | undefined {
    const { store, signers } = this.options.port;
    const keys = signers().map(({ publicKey }) => publicKey);
    return endedMembership(store.group(groupId), keys);
  }

  /** Whether nobody can say how far a group is that somebody else seals. */
  private isCutOff({ groupId, status, levelMs }: GroupSync): boolean {
    const { port } = this.options;
    if (port.seals(groupId)) return false;
    const isFollowing = (status === 'idle' || status === 'syncing') && levelMs > -Infinity;
    if (!isFollowing || this.sourcesOf(groupId).length === 0) return true;
    if (isSilent(false, this.sealerHeardMs(groupId), port.clock.nowMs())) return true;
    return this.removalFrom(groupId) !== undefined;
  }

  /** For each group the blocks that are known of and not here yet; at least one where nobody can say how many. */
  *lags(): Generator<readonly [groupId: Hex32, blocks: number]> {
    for (const sync of this.syncs.values()) {
      const lag = sync.target - sync.height;
      yield [sync.groupId, this.isCutOff(sync) ? Math.max(1, lag) : lag];
    }
  }

  /** For each group that somebody else seals, how long its sealer was not heard, milliseconds. */
  *silences(): Generator<readonly [groupId: Hex32, forMs: number]> {
    const { clock, seals } = this.options.port;
    for (const groupId of this.syncs.keys()) {
      const heardMs = this.sealerHeardMs(groupId);
      if (!seals(groupId))
        yield [groupId, heardMs === undefined ? Infinity : Math.max(0, clock.nowMs() - heardMs)];
    }
  }

  /**
   * Pulls a group now, also one that rests, and rests again afterwards.
   * @returns whether a source was reached within the time; false too where the group is in dispute, unless the sealing has gone on to others
   */
  async pullNow(groupId: Hex32, waitMs: number): Promise<boolean> {
    const sync = this.follow(groupId);
    const wasResting = sync.isToldToRest;
    const isLevel = sync.whenLevel(waitMs);
    if (wasResting) sync.resume();
    else sync.pull();
    const wasReached = await isLevel;
    if (wasResting) sync.pause();
    return wasReached;
  }

  async close(): Promise<void> {
    await Promise.all([...this.all(), ...this.fills.values()].map((one) => one.close()));
  }
}
