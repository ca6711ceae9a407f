/**
 * The clock of a sealer: wall time, watched by clocks that nobody sets. Block times must not follow a clock that
 * somebody set to another year, so a jump is said instead of sealed; it clears when the clock comes back, when peers
 * say the same, or when an operator trusts it.
 *
 * Two questions are asked of it:
 *
 *   did it jump?        Wall time is held against the monotonic clock, which stands still while the machine sleeps, and
 *                       then against a clock that counts sleep: what both wall time and that clock have passed was
 *                       sleep, and is followed. Where there is no such clock a way ahead may have been sleep: it is
 *                       followed too, and counts as a time that nobody has vouched for.
 *   is it right at all? A process that starts has no yesterday. The directory remembers when it was last in use (see
 *                       clock-record.ts); within the same boot that decides. Otherwise a clock that shows much more
 *                       than the newest time that is known here is not sealed by until a peer or a person says that
 *                       it is right: a block from tomorrow would keep everybody else from writing until then.
 */
import { readFileSync } from 'node:fs';
import { release, uptime } from 'node:os';
import { CLOCK_GAP_MS_MAX, TIME_MS_MAX } from '../events/limits.ts';
import type { ClockRecord } from '../storage/clock-record.ts';

export interface Clock {
  /** Wall time, milliseconds since 1970 UTC. Fractions are cut off by whoever reads it. */
  nowMs(): number;
  /** Milliseconds that only ever grow. */
  monotonicMs(): number;
  /** The same, time asleep included. Without it, sleep is told from a clock that was set by its length alone. */
  sinceBootMs?(): number | undefined;
  /** Which run of the machine this is, where it says so. */
  bootId?(): string | undefined;
}

/** A machine in a machine is stopped with its host, and its own clocks know nothing of it. */
const STOPS_WITH_ITS_HOST = /microsoft/i;

function sinceBootMs(): number | undefined {
  try {
    // Linux: CLOCK_BOOTTIME, macOS and Windows: likewise with the time asleep.
    return STOPS_WITH_ITS_HOST.test(release()) ? undefined : uptime() * 1000;
  } catch {
    return undefined;
  }
}

function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sinceBootMs,
  bootId,
};

/** How far wall and monotonic time may drift apart before it counts as a jump, unless set otherwise. */
export const CLOCK_JUMP_MS_MAX = 5 * 60_000;
/** Peers that are needed to overrule this node's clock: of fewer nobody could say who is wrong. */
const PEERS_MIN = 3;

/** What the clocks of others say, as their median. */
export interface PeersTime {
  /** By how much they are ahead of this node, milliseconds; below zero: behind it. */
  readonly aheadMs: number;
  readonly count: number;
}

/** Nothing is sealed by the clock as it is: an environment error, cleared by `trust`. */
export abstract class ClockError extends Error {
  abstract readonly code: 'clock_jumped' | 'clock_uncertain';
  /** How far it is off, or may be, milliseconds; below zero: behind. */
  abstract readonly jumpMs: number;
}

/** The wall clock moved against the clocks that nobody sets, or is far from those of the peers. */
export class ClockJumpedError extends ClockError {
  override readonly name = 'ClockJumpedError';
  override readonly code = 'clock_jumped';
  override readonly jumpMs: number;
  /** Whether peers say so; else this machine's own clocks. */
  readonly isByPeers: boolean;

  /** @param peers how many peers' clocks it was held against; none: this machine's own */
  constructor(jumpMs: number, peers?: number) {
    const seconds = Math.round(Math.abs(jumpMs) / 1000);
    super(
      peers !== undefined
        ? `the system clock is ${seconds} s ${jumpMs < 0 ? 'behind' : 'ahead of'} the clocks of ${peers} peers; nothing is sealed until it is right, or trusted`
        : `the system clock jumped ${jumpMs < 0 ? 'back' : 'ahead'} by ${seconds} s; nothing is sealed until it is right again, or trusted`,
    );
    this.jumpMs = jumpMs;
    this.isByPeers = peers !== undefined;
  }
}

/** The clock shows much more than the newest time that is known here, and nobody has said that it is right. */
export class ClockUncertainError extends ClockError {
  override readonly name = 'ClockUncertainError';
  override readonly code = 'clock_uncertain';
  override readonly jumpMs: number;

  constructor(nowMs: number, knownMs: number) {
    super(
      `the system clock shows ${new Date(nowMs).toISOString()}, and the last time that is known here is ${new Date(knownMs).toISOString()}; no block is sealed so much later until a peer says the same or the clock is trusted, since one from a clock that is ahead keeps others from writing`,
    );
    this.jumpMs = nowMs - knownMs;
  }
}

/** What the clock shows now, to be held against later. */
export function recordOf(clock: Clock): ClockRecord {
  return { wallMs: clock.nowMs(), sinceBootMs: clock.sinceBootMs?.(), bootId: clock.bootId?.() };
}

export class WatchedClock {
  private readonly clock: Clock;
  private readonly jumpMsMax: number;
  /** Wall time less monotonic time, when the clock was last right. */
  private offsetMs: number;
  /** Wall time less the clock that counts sleep, at the same moment. */
  private bootOffsetMs: number | undefined;
  /** The newest time that is known to have been right, where nothing has vouched for the clock as it is. */
  private knownMs = Number.NEGATIVE_INFINITY;
  private isVouched = false;
  /** When the machine woke up last, wall time: what others did before that could not be heard here. */
  wokeMs = Number.NEGATIVE_INFINITY;
  private isWrong = false;
  private peers: PeersTime | undefined;
  private ignoresPeers = false;
  /** Told once when the clock jumps, with what is to be said about it, and once (with nothing) when it is right again. */
  onChange: (error: ClockJumpedError | undefined) => void = () => {};
  /** Told when wall time moved against the peers' as they were measured: they are to be asked again. */
  onMoved: () => void = () => {};

  /** @param known when the clock was last right, as far as an earlier process has left word */
  constructor(clock: Clock, jumpMsMax: number = CLOCK_JUMP_MS_MAX, known?: ClockRecord) {
    this.clock = clock;
    this.jumpMsMax = jumpMsMax;
    this.offsetMs = this.offset();
    this.bootOffsetMs = this.bootOffset();
    if (known !== undefined) this.compare(known);
  }

  private offset(): number {
    return this.clock.nowMs() - this.clock.monotonicMs();
  }

  private bootOffset(): number | undefined {
    const sinceBootMs = this.clock.sinceBootMs?.();
    return sinceBootMs === undefined ? undefined : this.clock.nowMs() - sinceBootMs;
  }

  /** Goes on from where another process has left the clock. */
  private compare({ wallMs, sinceBootMs, bootId }: ClockRecord): void {
    this.knownMs = wallMs;
    if (this.bootOffsetMs === undefined || sinceBootMs === undefined) return;
    const movedMs = this.bootOffsetMs - (wallMs - sinceBootMs);
    if (Math.abs(movedMs) <= this.jumpMsMax) {
      this.isVouched = true;
    } else if (movedMs > 0 && bootId !== undefined && bootId === this.clock.bootId?.()) {
      // As if this process had seen it. The way back is no danger, since block times do not follow it.
      this.offsetMs -= movedMs;
      this.bootOffsetMs -= movedMs;
    }
  }

  /** Wall time in whole milliseconds, unwatched: for everything that does not seal. */
  nowMs(): number {
    const nowMs = Math.floor(this.clock.nowMs());
    if (!(nowMs >= 0 && nowMs <= TIME_MS_MAX))
      throw new RangeError(`the clock shows ${nowMs}, which is no time`);
    return nowMs;
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  /** The present time, if the clock is known to be right: for the next process. */
  known(): ClockRecord | undefined {
    if (this.check() !== undefined || !this.isVouched) return undefined;
    return recordOf(this.clock);
  }

  /** How far the clock is off, milliseconds, where it has jumped. */
  check(): number | undefined {
    const movedMs = this.offset() - this.offsetMs;
    // Slow drift (time synchronization) is followed.
    if (Math.abs(movedMs) <= this.jumpMsMax) this.offsetMs += movedMs;
    else if (this.wasAsleep(movedMs)) {
      this.follow();
      this.wokeMs = this.clock.nowMs();
    }
    const error = this.fault();
    if ((error !== undefined) !== this.isWrong) {
      this.isWrong = error !== undefined;
      this.onChange(error);
      if (error !== undefined && !error.isByPeers) this.onMoved();
    }
    return error?.jumpMs;
  }

  /** Whether the machine slept while wall time moved by so much more than monotonic time. */
  private wasAsleep(movedMs: number): boolean {
    const bootOffsetMs = this.bootOffset();
    if (bootOffsetMs !== undefined && this.bootOffsetMs !== undefined)
      return Math.abs(bootOffsetMs - this.bootOffsetMs) <= this.jumpMsMax;
    if (movedMs < 0 || movedMs > CLOCK_GAP_MS_MAX) return false;
    // Perhaps: the next block is held against the last time that is known, and against peers.
    this.knownMs = Math.max(this.knownMs, this.offsetMs + this.clock.monotonicMs());
    this.isVouched = false;
    return true;
  }

  /** Takes wall time as it is for what the other clocks are held against. */
  private follow(): void {
    this.offsetMs = this.offset();
    this.bootOffsetMs = this.bootOffset();
  }

  /** What is wrong with the clock, if anything. */
  private fault(): ClockJumpedError | undefined {
    const jumpMs = this.offset() - this.offsetMs;
    if (Math.abs(jumpMs) > this.jumpMsMax) return new ClockJumpedError(jumpMs);
    const { peers } = this;
    if (peers === undefined || peers.count < PEERS_MIN || this.ignoresPeers || this.agree(peers))
      return undefined;
    return new ClockJumpedError(-peers.aheadMs, peers.count);
  }

  private agree({ aheadMs }: PeersTime): boolean {
    return Math.abs(aheadMs) <= this.jumpMsMax;
  }

  /** Takes what the peers' clocks say now; nothing where nobody says anything. */
  hearPeers(peers: PeersTime | undefined): void {
    this.peers = peers;
    if (peers !== undefined && this.agree(peers)) {
      this.isVouched = true;
      if (peers.count >= PEERS_MIN) {
        this.follow();
        // They were overruled for as long as they said otherwise.
        this.ignoresPeers = false;
      }
    }
    this.check();
  }

  /**
   * Wall time to seal by.
   * @param lastBlockMs the time of the block before; nothing where there is none
   * @throws ClockJumpedError, ClockUncertainError
   */
  sealingMs(lastBlockMs?: number): number {
    const doubt = this.doubt(lastBlockMs);
    if (doubt !== undefined) throw doubt;
    this.isVouched = true;
    return this.nowMs();
  }

  /** Why nothing is sealed by the clock as it is, if that is so. Whoever only asks vouches for nothing. */
  doubt(lastBlockMs = Number.NEGATIVE_INFINITY): ClockError | undefined {
    this.check();
    const error = this.fault();
    if (error !== undefined || this.isVouched) return error;
    const nowMs = this.nowMs();
    const knownMs = Math.max(lastBlockMs, this.knownMs);
    const isFar = Number.isFinite(knownMs) && nowMs - knownMs > CLOCK_GAP_MS_MAX;
    return isFar ? new ClockUncertainError(nowMs, knownMs) : undefined;
  }

  /** By how much the wall clock has jumped, where that keeps this node from sealing. */
  get jumpMs(): number | undefined {
    return this.fault()?.jumpMs;
  }

  /** Takes the present wall time as right, whatever the peers say. */
  trust(): void {
    this.follow();
    this.isVouched = true;
    this.ignoresPeers = true;
    this.check();
  }
}
