/**
 * The sync of one group: pulls what is newer from the peers that have it, one source at a time, the next one when
 * a source fails, and each block at most once. `GroupChain.follow` verifies, judges and stores; what it has stored
 * is where the next pull begins, so that any break is resumed.
 */
import { initialTransition, transition } from 'xstate';
import type { SyncStatus } from '../../events/bus.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { blamesSender, type Refusal } from '../../events/refusals.ts';
import { isFromFuture } from '../../machines/chain.ts';
import type { Access } from '../access.ts';
import { MisbehaviourError, NetworkError } from '../errors.ts';
import { type Host, LETS_STAND_STILL } from '../host.ts';
import { BACKOFF_MS_FIRST, BACKOFF_MS_MAX, SYNC_GAP_MS, SYNC_INTERVAL_MS } from '../limits.ts';
import type { NetworkPort } from '../port.ts';
import type { RpcClient } from '../rpc/client.ts';
import type { ArtifactFetcher } from './artifacts.ts';
import { holdAgainst, isInDispute, readSeal } from './evidence.ts';
import { fetchBlocks } from './stream.ts';
import { type SyncEvent, syncMachine } from './sync.machine.ts';

/** Progress is told this often at most. */
const PROGRESS_GAP_MS = 100;

/** From a quarter of a second to half a minute, which is when work is sent again. */
const HOPES_MAX = 8;

/** Sources that one pull asks at most: members that do not seal may lag behind. */
const SOURCES_PER_PULL = 4;

const [atFirst] = initialTransition(syncMachine);

export interface GroupSyncOptions {
  readonly port: NetworkPort;
  readonly host: Host;
  readonly access: Access;
  readonly client: RpcClient;
  readonly artifacts: ArtifactFetcher;
  readonly stallMs?: number | undefined;
  /** Connected peers to ask, the most promising first. */
  sources(groupId: Hex32): readonly Hex32[];
  /** Told after each pull that reached somebody: the group is as new as its sources. */
  level(groupId: Hex32, source: Hex32): void;
}

export class GroupSync {
  readonly groupId: Hex32;
  private readonly options: GroupSyncOptions;
  /** Plain data between two steps of the machine: a node may have ten thousand of these. */
  private lifecycle = atFirst;
  private readonly abort = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private failures = 0;
  private lastPullMs = -Infinity;
  private toldMs = 0;
  private wantsMore = false;
  /** How often to ask again soon for what must be there. */
  private hopes = 0;
  private running: Promise<void> = Promise.resolve();
  /** The greatest height that a sealer has signed, as far as it was announced. */
  private announcedHeight = -1;
  /** What the source of the pull under way says it has: only for show. */
  private promisedHeight = -1;
  private error: string | undefined;
  private intervalMs = SYNC_INTERVAL_MS;
  private readonly levelWaits = new Set<(isLevel: boolean) => void>();
  /** When the group was last as new as a source, monotonic milliseconds. */
  levelMs = -Infinity;

  constructor(groupId: Hex32, options: GroupSyncOptions) {
    this.groupId = groupId;
    this.options = options;
    if (isInDispute(options.port, groupId)) this.send({ type: 'pause' });
    this.plan(this.intervalMs);
  }

  /** How often the group is pulled when nobody announces anything, milliseconds. */
  setInterval(intervalMs = SYNC_INTERVAL_MS): void {
    if (intervalMs === this.intervalMs) return;
    this.intervalMs = intervalMs;
    if (this.status === 'idle') this.plan(intervalMs);
  }

  private send(event: SyncEvent): void {
    [this.lifecycle] = transition(syncMachine, this.lifecycle, event);
  }

  get status(): SyncStatus {
    return this.lifecycle.value;
  }

  /** The greatest height that is known of. */
  get target(): number {
    return Math.max(this.announcedHeight, this.promisedHeight, this.height);
  }

  /** Why the last pull failed. */
  get lastError(): string | undefined {
    return this.error;
  }

  get height(): number {
    return this.options.port.store.group(this.groupId).head()?.height ?? -1;
  }

  private plan(inMs: number): void {
    clearTimeout(this.timer);
    if (this.abort.signal.aborted) return;
    this.timer = setTimeout(() => this.pull(), inMs);
    this.timer.unref();
  }

  /** Asks for a pull, now or as soon as the last one is long enough ago. */
  pull(): void {
    if (this.abort.signal.aborted || this.status === 'paused') return;
    if (this.status === 'syncing') {
      this.wantsMore = true;
      return;
    }
    // Whoever comes brings a pull with him.
    if (this.options.sources(this.groupId).length === 0) {
      this.plan(this.intervalMs);
      return;
    }
    const waitMs = this.lastPullMs + SYNC_GAP_MS - performance.now();
    if (waitMs > 0) {
      this.plan(waitMs);
      return;
    }
    this.send({ type: 'pull' });
    this.lastPullMs = performance.now();
    this.wantsMore = false;
    this.running = this.run();
  }

  /** A sealed block of this height exists. */
  announced(height: number): void {
    this.announcedHeight = Math.max(this.announcedHeight, height);
    if (height > this.height) this.expectMore();
  }

  /** There is more than what is here: it is asked for now, and again soon where the sources do not have it yet. */
  expectMore(): void {
    this.hopes = HOPES_MAX;
    this.pull();
  }

  pause(): void {
    if (this.status === 'paused') return;
    this.send({ type: 'pause' });
    this.tell(true);
  }

  resume(): void {
    if (this.status !== 'paused') return;
    this.send({ type: 'resume' });
    this.pull();
  }

  /** Resolves at the end of a pull that reached a source, or when the time is over or this ends; says which. */
  whenLevel(withinMs: number): Promise<boolean> {
    if (this.abort.signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (isLevel: boolean): void => {
        clearTimeout(timer);
        this.levelWaits.delete(end);
        resolve(isLevel);
      };
      const timer = setTimeout(() => end(false), withinMs);
      this.levelWaits.add(end);
    });
  }

  private endLevelWaits(isLevel: boolean): void {
    for (const end of this.levelWaits) end(isLevel);
  }

  private async run(): Promise<void> {
    const sources = this.options.sources(this.groupId).slice(0, SOURCES_PER_PULL);
    let reached: Hex32 | undefined;
    try {
      reached = await this.pullFromAny(sources);
      if (reached !== undefined) await this.fetchArtifacts(sources);
    } catch (error) {
      // The environment may be better next time; what has no code is a bug, and shall be seen.
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
      this.error = (error as Error).message;
      reached = undefined;
    }
    this.promisedHeight = -1;
    this.finish(reached, sources.length === 0);
  }

  /** Pulls from one source after the other until the group is as new as it can be; the first one reached. */
  private async pullFromAny(sources: readonly Hex32[]): Promise<Hex32 | undefined> {
    const { access, host } = this.options;
    let reached: Hex32 | undefined;
    for (const source of sources) {
      if (this.abort.signal.aborted || this.status === 'paused') break;
      const before = this.height;
      try {
        await this.pullFrom(source);
        reached ??= source;
        const gotWhatWasAnnounced = this.announcedHeight > before && this.height >= this.announcedHeight;
        if (gotWhatWasAnnounced || access.seals(this.groupId, source)) break;
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        this.error = error.message;
        if (error.code === 'request_timeout') host.suspect(source, LETS_STAND_STILL);
        if (error instanceof MisbehaviourError) host.shutOut(source, error.message);
      }
    }
    return reached;
  }

  private finish(reached: Hex32 | undefined, isAlone: boolean): void {
    const { intervalMs } = this;
    const { level } = this.options;
    if (this.abort.signal.aborted) return;
    if (reached === undefined && !isAlone) {
      this.failures++;
      this.send({ type: 'failed' });
      this.plan(Math.min(BACKOFF_MS_MAX, intervalMs, BACKOFF_MS_FIRST * 2 ** this.failures));
    } else {
      this.failures = 0;
      this.send({ type: 'done' });
      this.plan(this.hopes > 0 ? this.hopeMs() : intervalMs);
    }
    if (reached !== undefined) {
      this.error = undefined;
      this.levelMs = performance.now();
      this.tell(true);
      this.endLevelWaits(true);
      level(this.groupId, reached);
    }
    if (this.wantsMore) this.pull();
  }

  /** The wait before the next try for what was heard of and not had; longer each time. */
  private hopeMs(): number {
    const waitMs = SYNC_GAP_MS * 2 ** (HOPES_MAX - this.hopes);
    this.hopes--;
    return Math.min(waitMs, this.intervalMs);
  }

  /** @param correctedAt a height below which blocks of a later time than now are not held */
  private async pullFrom(source: Hex32, correctedAt?: number): Promise<void> {
    const { host, port, client, stallMs } = this.options;
    await client.introduce(source);
    const from = this.height + 1;
    const { signal } = this.abort;
    const nowMs = (): number => port.clock.nowMs();
    const wanted = { groupId: this.groupId, from, nowMs, correctedAt, signal, stallMs };
    const fetched = await fetchBlocks(host, source, wanted);
    this.promisedHeight = fetched.end - 1;
    if (fetched.end === from) return;
    if (fetched.end > this.announcedHeight) this.hopes = 0;
    const refusal = await port.chain(this.groupId).follow(this.counted(fetched.blocks));
    if (refusal !== undefined) return this.refused(source, refusal);
    // What came to an end before its end is held.
    if (correctedAt === undefined && this.height + 1 < fetched.end) await this.pullCorrected(source);
  }

  /**
   * Blocks from a clock that was ahead are held until their time, for nobody knows better; but where the head of the
   * source is of the present again, a correction stands between, and they are history.
   */
  private async pullCorrected(source: Hex32): Promise<void> {
    const { client, port, access } = this.options;
    const { groupId } = this;
    const header = readSeal(await client.call(source, 'group_head', { groupId, height: undefined }));
    if (header === undefined || header.groupId !== groupId || header.height <= this.height + 1) return;
    if (!access.sealers(groupId).includes(header.sealer)) return;
    if (isFromFuture(header, port.clock.nowMs()) === undefined) await this.pullFrom(source, header.height);
  }

  /** The blocks as they come, with the progress told. */
  private async *counted(blocks: AsyncGenerator<Uint8Array, void>): AsyncGenerator<Uint8Array, void> {
    for await (const block of blocks) {
      yield block;
      this.tell(false);
    }
  }

  private tell(isLast: boolean): void {
    const nowMs = performance.now();
    if (!isLast && nowMs - this.toldMs < PROGRESS_GAP_MS) return;
    this.toldMs = nowMs;
    const { groupId, height, target, status } = this;
    this.options.port.bus.moment({ kind: 'sync.progress', groupId, height, target, status });
  }

  /** A block was not valid: either its sender is at fault, or the sealer has sealed twice. */
  private async refused(source: Hex32, refusal: Refusal): Promise<void> {
    if (await this.hasForked(source)) return this.pause();
    if (blamesSender(refusal)) throw new MisbehaviourError(`a block that is not valid: ${refusal.code}`);
    // Somebody else stored the block meanwhile, or the rules are newer than this software.
    if (refusal.code !== 'block_height_gap')
      throw new NetworkError('peer_refused', `a block was refused: ${refusal.code}`);
  }

  /** Whether the source has another block than this node at this node's head, and the sealer signed both. */
  private async hasForked(source: Hex32): Promise<boolean> {
    const { port, client, access } = this.options;
    const { groupId, height } = this;
    try {
      const seal = await client.call(source, 'group_head', { groupId, height });
      const header = readSeal(seal);
      if (header === undefined || header.height !== height) return false;
      if (!access.sealers(groupId).includes(header.sealer)) return false;
      return await holdAgainst(port, groupId, seal);
    } catch (error) {
      if (error instanceof NetworkError) return false;
      throw error;
    }
  }

  private async fetchArtifacts(sources: readonly Hex32[]): Promise<void> {
    const { artifacts, host } = this.options;
    await artifacts.scan(this.groupId);
    for (const source of sources) {
      if (this.abort.signal.aborted) return;
      try {
        await artifacts.fetch(this.groupId, source, this.abort.signal);
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        if (error instanceof MisbehaviourError) host.shutOut(source, error.message);
      }
    }
  }

  /** Ends the pull under way and plans no more. */
  async close(): Promise<void> {
    this.abort.abort();
    clearTimeout(this.timer);
    this.endLevelWaits(false);
    await this.running;
  }
}
