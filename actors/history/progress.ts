/**
 * Long work on the thread of a user interface: how far it has come, and room for others in between.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** How far a replay, an audit or an export has come. */
export interface Progress {
  /** The last height that is done; −1 before block 0. */
  readonly height: number;
  /** The height at which it ends. */
  readonly of: number;
  /** Operations so far. */
  readonly operations: number;
  /** Operations a second since the start. */
  readonly perSecond: number;
}

export type OnProgress = (progress: Progress) => void;

/** Ten reports a second look like motion; more would only cost. */
const REPORT_EVERY_MS = 100;
/** Work in one piece: at 50 ms between turns a terminal or a page still feels alive, and turns cost nothing. */
const TURN_EVERY_MS = 50;

/** Watches the clock for long work: reports at most ten times a second, and says when others must have a turn. */
export class Pace {
  readonly #startMs = performance.now();
  readonly #of: number;
  readonly #onProgress: OnProgress | undefined;
  #reportedMs = performance.now();
  #turnMs = performance.now();

  /** @param of the height at which the work ends */
  constructor(of: number, onProgress?: OnProgress) {
    this.#of = of;
    this.#onProgress = onProgress;
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (performance.now() - this.#startMs) / 1000;
  }

  /**
   * Says that `height` is done. Gives a promise to await when this thread has worked long enough without a turn of
   * the event loop, and nothing otherwise, since awaiting nothing costs as well.
   */
  step(height: number, operations: number): Promise<void> | undefined {
    const nowMs = performance.now();
    if (nowMs - this.#reportedMs >= REPORT_EVERY_MS) {
      this.#reportedMs = nowMs;
      this.#report(height, operations, nowMs);
    }
    if (nowMs - this.#turnMs < TURN_EVERY_MS) return undefined;
    return this.#turn();
  }

  /** The last report, whenever the one before it was. */
  end(height: number, operations: number): void {
    this.#report(height, operations, performance.now());
  }

  async #turn(): Promise<void> {
    await nextTurn();
    this.#turnMs = performance.now();
  }

  #report(height: number, operations: number, nowMs: number): void {
    const seconds = (nowMs - this.#startMs) / 1000;
    const perSecond = seconds > 0 ? Math.round(operations / seconds) : 0;
    this.#onProgress?.({ height, of: this.#of, operations, perSecond });
  }
}
