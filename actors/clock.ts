/**
 * The clock of a sealer: wall time, watched by the monotonic clock. Block times must not follow a clock that
 * somebody set to another year, so a jump is said instead of sealed; it clears when the clock comes back or
 * when an operator trusts it.
 */
import { TIME_MS_MAX } from '../events/limits.ts';

export interface Clock {
  /** Wall time, milliseconds since 1970 UTC. Fractions are cut off by whoever reads it. */
  nowMs(): number;
  /** Milliseconds that only ever grow. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** How far wall and monotonic time may drift apart before it counts as a jump, unless set otherwise. */
export const CLOCK_JUMP_MS_MAX = 5 * 60_000;

/** What the clocks of others say, as their median. */
export interface PeersTime {
  /** By how much they are ahead of this node, milliseconds; below zero: behind it. */
  readonly aheadMs: number;
  readonly count: number;
}

/**
 * The wall clock moved against the monotonic clock, or is far from those of the peers: an environment error, cleared
 * by `trust`.
 */
export class ClockJumpedError extends Error {
  override readonly name = 'ClockJumpedError';
  readonly code = 'clock_jumped';
  /** How far it moved, milliseconds; below zero: backwards. */
  readonly jumpMs: number;

  /** @param peers how many peers' clocks it was held against; none: its own monotonic clock */
  constructor(jumpMs: number, peers?: number) {
    const seconds = Math.round(Math.abs(jumpMs) / 1000);
    super(
      peers !== undefined
        ? `the system clock is ${seconds} s ${jumpMs < 0 ? 'behind' : 'ahead of'} the clocks of ${peers} peers; nothing is sealed until it is right, or trusted with: lb trust-clock`
        : `the system clock jumped ${jumpMs < 0 ? 'back' : 'ahead'} by ${seconds} s while the node was running; nothing is sealed until it is right again or the node is restarted`,
    );
    this.jumpMs = jumpMs;
  }
}

export class WatchedClock {
  private readonly clock: Clock;
  private readonly jumpMsMax: number;
  private offsetMs: number;
  private isWrong = false;
  private peers: PeersTime | undefined;
  private ignoresPeers = false;
  /** Told once when the clock jumps, with what is to be said about it, and once (with nothing) when it is right again. */
  onChange: (error: ClockJumpedError | undefined) => void = () => {};

  constructor(clock: Clock, jumpMsMax: number = CLOCK_JUMP_MS_MAX) {
    this.clock = clock;
    this.jumpMsMax = jumpMsMax;
    this.offsetMs = this.offset();
  }

  private offset(): number {
    return this.clock.nowMs() - this.clock.monotonicMs();
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

  /** How far the clock is off, milliseconds, where it has jumped. */
  check(): number | undefined {
    const jumpMs = this.offset() - this.offsetMs;
    // Slow drift (time synchronisation, a suspended machine's remainder) is followed.
    if (Math.abs(jumpMs) <= this.jumpMsMax) this.offsetMs += jumpMs;
    const error = this.fault();
    if ((error !== undefined) !== this.isWrong) {
      this.isWrong = error !== undefined;
      this.onChange(error);
    }
    return error?.jumpMs;
  }

  /** What is wrong with the clock, if anything. */
  private fault(): ClockJumpedError | undefined {
    const jumpMs = this.offset() - this.offsetMs;
    if (Math.abs(jumpMs) > this.jumpMsMax) return new ClockJumpedError(jumpMs);
    const { peers } = this;
    if (peers === undefined || this.ignoresPeers || Math.abs(peers.aheadMs) <= this.jumpMsMax)
      return undefined;
    return new ClockJumpedError(-peers.aheadMs, peers.count);
  }

  /** Takes what the peers' clocks say now; nothing where too few say anything. */
  hearPeers(peers: PeersTime | undefined): void {
    this.peers = peers;
    this.check();
  }

  /** Wall time to seal by. Throws `ClockJumpedError`. */
  sealingMs(): number {
    this.check();
    const error = this.fault();
    if (error !== undefined) throw error;
    return this.nowMs();
  }

  /** By how much the wall clock has jumped, where that keeps this node from sealing. */
  get jumpMs(): number | undefined {
    return this.fault()?.jumpMs;
  }

  /** Takes the present wall time as right, whatever the peers say. */
  trust(): void {
    this.offsetMs = this.offset();
    this.ignoresPeers = true;
    this.check();
  }
}
