/** Time that stands still until a test moves it: the clock and the timers of a node under test. */
import type { Clock } from '../../actors/clock.ts';
import type { Timers } from '../../actors/timers.ts';

interface Waiting {
  readonly atMs: number;
  readonly run: () => void;
}

export class ManualTime implements Clock, Timers {
  private wallMs: number;
  private elapsedMs = 0;
  private sleptMs = 0;
  private waiting: Waiting[] = [];

  constructor(wallMs = 1_750_000_000_000) {
    this.wallMs = wallMs;
  }

  nowMs(): number {
    return this.wallMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  sinceBootMs(): number {
    return this.elapsedMs + this.sleptMs;
  }

  after(ms: number, run: () => void): () => void {
    const one = { atMs: this.elapsedMs + Math.max(0, ms), run };
    this.waiting.push(one);
    return () => {
      this.waiting = this.waiting.filter((other) => other !== one);
    };
  }

  /** Lets time pass; timers run in the order in which they come due, each at its time. */
  advance(ms: number): void {
    const endMs = this.elapsedMs + ms;
    for (;;) {
      const next = this.waiting.reduce<Waiting | undefined>(
        (first, one) => (first === undefined || one.atMs < first.atMs ? one : first),
        undefined,
      );
      if (next === undefined || next.atMs > endMs) break;
      this.waiting = this.waiting.filter((other) => other !== next);
      this.pass(next.atMs - this.elapsedMs);
      next.run();
    }
    this.pass(endMs - this.elapsedMs);
  }

  /** Sets the wall clock by hand, by this much; no time passes. */
  jump(ms: number): void {
    this.wallMs += ms;
  }

  /** The machine sleeps: wall time goes on, and what counts sleep; timers and monotonic time stand still. */
  sleep(ms: number): void {
    this.sleptMs += ms;
    this.wallMs += ms;
  }

  /** Timers that are set. */
  get timers(): number {
    return this.waiting.length;
  }

  private pass(ms: number): void {
    this.elapsedMs += ms;
    this.wallMs += ms;
  }
}

/** Resolves when `holds` does, looking once per turn of the event loop; a test that waits in vain times out. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
