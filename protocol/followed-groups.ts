/**
 * The groups of this node as the network sees them: each is followed by one sync, from whoever has it, and says in
 * gossip what is new. What an operator has set for a group (a pause, an interval, named sources) is heeded at once.
 */
import { historyGap } from '../actors/checkpoint/marker.ts';
import type { HandOvers } from '../actors/checkpoint/hand-overs.ts';
import type { BlockHeader } from '../events/block.ts';
import type { Hex32 } from '../events/bytes.ts';
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

  private statusOf({ groupId, status, target, lastError }: GroupSync): GroupNetworkStatus {
    const { outbox, store, seals } = this.options.port;
    return {
      groupId,
      isSealedHere: seals(groupId),
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

  /** Artifacts that are named in the groups and are not here. */
  artifactsMissing(): number {
    const { network } = this.options.port.store;
    return this.all().reduce((sum, { groupId }) => sum + missingArtifacts(network, groupId), 0);
  }

  /** For each group the blocks that are known of and not here yet. */
  *lags(): Generator<readonly [groupId: Hex32, blocks: number]> {
    for (const { groupId, target, height } of this.syncs.values()) yield [groupId, target - height];
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
