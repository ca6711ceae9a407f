/**
 * Alarms by the wall clock, for all actors of a node together: one timer of the system, whatever the number of
 * groups and tasks.
 *
 * Timers run by monotonic time and deadlines are wall time, so the timer never waits longer than `LOOK_MS` before
 * it looks at the clock again. A clock that was set is thus noticed within that time, also where nobody seals.
 * While the clock is wrong nothing rings: an hour that never passed makes no task overdue. What became due meanwhile
 * rings when the clock is right again.
 */
import type { WatchedClock } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import type { Timers } from './timers.ts';

/** How often the clock is looked at. Ten seconds late is soon enough for a deadline, and costs nothing. */
export const LOOK_MS = 10_000;

export class Alarms {
  private readonly clock: WatchedClock;
  private readonly timers: Timers;
  private readonly deadlines = new Deadlines(Number.POSITIVE_INFINITY);
  /** At most one per actor, so the groups bound it. */
  private readonly rings = new Map<string, () => void>();
  private cancelTimer: (() => void) | undefined;
  private timerAtMs = Number.POSITIVE_INFINITY;
  private isStopped = false;

  constructor(clock: WatchedClock, timers: Timers) {
    this.clock = clock;
    this.timers = timers;
    this.arm();
  }

  /** Rings once when the wall clock shows `atMs`; replaces the alarm that `key` had. `ring` must not throw. */
  set(key: string, atMs: number, ring: () => void): void {
    if (this.isStopped) return;
    this.deadlines.set(key, atMs);
    this.rings.set(key, ring);
    this.arm();
  }

  clear(key: string): void {
    this.deadlines.delete(key);
    this.rings.delete(key);
  }

  /** Rings nothing any more. */
  stop(): void {
    this.isStopped = true;
    this.cancelTimer?.();
    this.deadlines.clear();
    this.rings.clear();
  }

  /** Sets the timer, unless the one that runs is early enough. */
  private arm(): void {
    const monotonicMs = this.clock.monotonicMs();
    const nextMs = this.deadlines.nextMs() ?? Number.POSITIVE_INFINITY;
    const waitMs = Math.min(LOOK_MS, Math.max(0, nextMs - this.clock.nowMs()));
    if (monotonicMs + waitMs >= this.timerAtMs) return;
    this.cancelTimer?.();
    this.timerAtMs = monotonicMs + waitMs;
    this.cancelTimer = this.timers.after(waitMs, () => this.look());
  }

  private look(): void {
    this.timerAtMs = Number.POSITIVE_INFINITY;
    this.cancelTimer = undefined;
    if (this.clock.check() === undefined)
      for (const { key } of this.deadlines.takeDue(this.clock.nowMs())) this.ring(key);
    if (!this.isStopped) this.armAfterLook();
  }

  private ring(key: string): void {
    const ring = this.rings.get(key);
    this.rings.delete(key);
    ring?.();
  }

  /** While the clock is wrong, what is due would ring again at once: it waits for the next look. */
  private armAfterLook(): void {
    if (this.clock.check() === undefined) {
      this.arm();
      return;
    }
    this.timerAtMs = this.clock.monotonicMs() + LOOK_MS;
    this.cancelTimer = this.timers.after(LOOK_MS, () => this.look());
  }
}
