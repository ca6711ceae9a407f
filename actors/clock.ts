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

/** The wall clock moved against the monotonic clock: an environment error, cleared by `trust`. */
export class ClockJumpedError extends Error {
  override readonly name = 'ClockJumpedError';
  readonly code = 'clock_jumped';
  /** How far it moved, milliseconds; below zero: backwards. */
  readonly jumpMs: number;

  constructor(jumpMs: number) {
    const seconds = Math.round(Math.abs(jumpMs) / 1000);
    super(
      `the system clock jumped ${jumpMs < 0 ? 'back' : 'ahead'} by ${seconds} s while the node was running; nothing is sealed until it is right again or the node is restarted`,
    );
    this.jumpMs = jumpMs;
  }
}

export class WatchedClock {
  private readonly clock: Clock;
  private readonly jumpMsMax: number;
  private offsetMs: number;
  private isWrong = false;
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
    const isWrong = Math.abs(jumpMs) > this.jumpMsMax;
    // Slow drift (time synchronisation, a suspended machine's remainder) is followed.
    if (!isWrong) this.offsetMs += jumpMs;
    if (isWrong !== this.isWrong) {
      this.isWrong = isWrong;
      this.onChange(isWrong ? new ClockJumpedError(jumpMs) : undefined);
    }
    return isWrong ? jumpMs : undefined;
  }

  /** Wall time to seal by. Throws `ClockJumpedError`. */
  sealingMs(): number {
    const jumpMs = this.check();
    if (jumpMs !== undefined) throw new ClockJumpedError(jumpMs);
    return this.nowMs();
  }

  /** By how much the wall clock has jumped, where that keeps this node from sealing. */
  get jumpMs(): number | undefined {
    const jumpMs = this.offset() - this.offsetMs;
    return Math.abs(jumpMs) > this.jumpMsMax ? jumpMs : undefined;
  }

  /** Takes the present wall time as right. */
  trust(): void {
    this.offsetMs = this.offset();
    this.check();
  }
}
