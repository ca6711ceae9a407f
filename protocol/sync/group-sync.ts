/**
 * The sync of one group: pulls what is newer from the peers that have it, one source at a time, the next one when
 * a source fails, and each block at most once. `GroupChain.follow` verifies, judges and stores; what it has stored
 * is where the next pull begins, so that any break is resumed.
 */
import { initialTransition, transition } from 'xstate';
import type { BlockHeader } from '../../events/block.ts';
import type { SyncStatus } from '../../events/bus.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { blamesSender, type Refusal } from '../../events/refusals.ts';
import { isFromFuture } from '../../machines/chain.ts';
import { MisbehaviourError, NetworkError, short, throwBugs } from '../errors.ts';
import { BACKOFF_MS_FIRST, BACKOFF_MS_MAX, SYNC_GAP_MS, SYNC_INTERVAL_MS } from '../limits.ts';
import { Dispute } from './dispute.ts';
import { holdAgainst, readSeal, type Seal } from './evidence.ts';
import type { GroupSyncOptions } from './group-sync-options.ts';
import { LevelWaits } from './level-waits.ts';
import { fetchBlocks } from './stream.ts';
import { type SyncEvent, syncMachine } from './sync.machine.ts';

/** Progress is told this often at most. */
const PROGRESS_GAP_MS = 100;

/** From a quarter of a second to half a minute, which is when work is sent again. */
const HOPES_MAX = 8;

/** Sources that one pull asks at most: members that do not seal may lag behind. */
const SOURCES_PER_PULL = 4;

/** A group in dispute is looked at this often at most: strangers to the sealing can make it look. */
const LOOK_GAP_MS = 2_000;

const [atFirst] = initialTransition(syncMachine);

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
  /** The newest block that was announced, and who has signed for it. */
  private newest: Pick<BlockHeader, 'height' | 'sealer'> | undefined;
  private readonly dispute: Dispute;
  private isLooking = false;
  private isTold = false;
  /** What the source of the pull under way says it has: only for show. */
  private promisedHeight = -1;
  private error: string | undefined;
  private intervalMs = SYNC_INTERVAL_MS;
  private readonly levelWaits = new LevelWaits();
  /** When the group was last as new as a source, monotonic milliseconds. */
  levelMs = -Infinity;

  constructor(groupId: Hex32, options: GroupSyncOptions) {
    this.groupId = groupId;
    this.options = options;
    this.dispute = new Dispute(groupId, options);
    if (this.dispute.isOn) this.send({ type: 'pause' });
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

  /** Whether the group rests because its sealer sealed two blocks at one height. */
  get isInDispute(): boolean {
    return this.dispute.isOn;
  }

  /** The greatest height that a present sealer has signed: what a former one announces counts no more. */
  private get announcedHeight(): number {
    const { newest, groupId } = this;
    const counts = newest !== undefined && this.options.access.sealers(groupId).includes(newest.sealer);
    return counts ? newest.height : -1;
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
    if (this.abort.signal.aborted) return;
    if (this.status === 'paused') {
      if (this.dispute.isOn && !this.isToldToRest) this.lookBeyond();
      return;
    }
    if (this.status === 'syncing') {
      this.wantsMore = true;
      return;
    }
    // Whoever comes brings a pull along.
    if (this.options.sources(this.groupId).length === 0) {
      this.plan(this.intervalMs);
      return;
    }
    const waitMs = this.lastPullMs + SYNC_GAP_MS - performance.now();
    if (waitMs > 0) {
      this.plan(waitMs);
      return;
    }
    this.begin(this.options.sources(this.groupId).slice(0, SOURCES_PER_PULL));
  }

  private begin(sources: readonly Hex32[]): void {
    this.send({ type: 'pull' });
    this.lastPullMs = performance.now();
    this.wantsMore = false;
    this.running = this.run(sources);
  }

  /** In dispute: looks whether the sealing has gone on to somebody else, and follows from there if it has. */
  private lookBeyond(): void {
    if (this.isLooking) return;
    const waitMs = this.lastPullMs + LOOK_GAP_MS - performance.now();
    this.plan(waitMs > 0 ? waitMs : this.intervalMs);
    if (waitMs > 0) return;
    this.lastPullMs = performance.now();
    this.isLooking = true;
    const look = async (): Promise<void> => {
      await this.dispute.review();
      const sources = this.options.sources(this.groupId).slice(0, SOURCES_PER_PULL);
      const found = this.dispute.isOn ? await this.sourceBeyond(sources) : sources;
      if (this.abort.signal.aborted) return;
      if (found === undefined) return this.levelWaits.end(false);
      this.send({ type: 'resume' });
      this.begin(found);
    };
    this.running = look()
      .catch(throwBugs)
      .finally(() => {
        this.isLooking = false;
      });
  }

  private async sourceBeyond(sources: readonly Hex32[]): Promise<Hex32[] | undefined> {
    for (const source of sources) if (await this.dispute.isOverAt(source)) return [source];
    return undefined;
  }

  /** A block exists that a sealer of the group has signed. */
  announced(header: Pick<BlockHeader, 'height' | 'sealer'>): void {
    if (header.height > this.announcedHeight) this.newest = header;
    if (header.height > this.height) this.expectMore();
  }

  /** Holds a seal against the chain; the group rests where its sealer is proved to have sealed twice. */
  async contradicted(seal: Seal): Promise<boolean> {
    const { port, handOvers } = this.options;
    const standing = await holdAgainst(port, handOvers, this.groupId, seal);
    if (standing === 'open') this.rest();
    return standing !== undefined;
  }

  /** Rests in dispute, but looks whether the chain has gone on. */
  private rest(): void {
    const wasOn = this.dispute.isOn;
    this.dispute.reread();
    if (!this.dispute.isOn) return;
    this.toRest();
    if (!wasOn) this.plan(0);
  }

  /** There is more than what is here: it is asked for now, and again soon where the sources do not have it yet. */
  expectMore(): void {
    this.hopes = HOPES_MAX;
    this.pull();
  }

  /** Whether somebody had the group rest. */
  get isToldToRest(): boolean {
    return this.isTold;
  }

  pause(): void {
    this.isTold = true;
    this.toRest();
  }

  private toRest(): void {
    if (this.status === 'paused') return;
    this.send({ type: 'pause' });
    this.tell(true);
  }

  /** Follows again; a group in dispute goes on resting until somebody decides, or the sealing has gone on. */
  resume(): void {
    this.isTold = false;
    this.dispute.reread();
    if (this.status !== 'paused') return;
    if (!this.dispute.isOn) this.send({ type: 'resume' });
    this.pull();
  }

  /** Resolves at the end of a pull that reached a source, or when the time is over or this ends; says which. */
  whenLevel(withinMs: number): Promise<boolean> {
    return this.abort.signal.aborted ? Promise.resolve(false) : this.levelWaits.wait(withinMs);
  }

  private async run(sources: readonly Hex32[]): Promise<void> {
    let reached: Hex32 | undefined;
    try {
      reached = await this.pullFromAny(sources);
      if (reached !== undefined) await this.fetchArtifacts(sources);
    } catch (error) {
      throwBugs(error);
      this.error = (error as Error).message;
      reached = undefined;
    }
    this.promisedHeight = -1;
    await this.dispute.review();
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
        if (error.code === 'request_timeout') void host.stalled(source);
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
      this.levelWaits.end(true);
      level(this.groupId, reached);
    }
    if (this.dispute.isOn) this.rest();
    else if (this.wantsMore) this.pull();
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
    for (const key of this.options.access.keysOf(source)) port.sealersHeard.note(this.groupId, key);
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
    // The messenger is not at fault, and another source may have the chain that is here.
    if (await this.hasForked(source))
      throw new NetworkError('peer_refused', `${short(source)} has another chain of the same sealer`);
    if (blamesSender(refusal)) throw new MisbehaviourError(`a block that is not valid: ${refusal.code}`);
    // Somebody else stored the block meanwhile, or the rules are newer than this software.
    if (refusal.code !== 'block_height_gap')
      throw new NetworkError('peer_refused', `a block was refused: ${refusal.code}`);
  }

  /** Whether the source has another block than this node at this node's head, and one sealer signed both. */
  private async hasForked(source: Hex32): Promise<boolean> {
    const { groupId, height } = this;
    try {
      const seal = await this.options.client.call(source, 'group_head', { groupId, height });
      return readSeal(seal)?.height === height && (await this.contradicted(seal));
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
    this.levelWaits.end(false);
    await this.running;
  }
}
