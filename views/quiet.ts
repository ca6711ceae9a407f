/**
 * Begins something once nothing has come for a while, or after a long time without a pause. It keeps no process alive.
 */

/** So that what is sealed at full speed stays so. */
const QUIET_MS = 2_000;
const QUIET_MS_MAX = 30_000;

export class Quiet {
  readonly #begin: () => void;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #sinceMs: number | undefined;

  constructor(begin: () => void, nowMs = () => performance.now()) {
    this.#begin = begin;
    this.#nowMs = nowMs;
  }

  /** Something has come. */
  news(): void {
    const nowMs = this.#nowMs();
    this.#sinceMs ??= nowMs;
    clearTimeout(this.#timer);
    const leftMs = this.#sinceMs + QUIET_MS_MAX - nowMs;
    this.#timer = setTimeout(
      () => {
        this.#sinceMs = undefined;
        this.#begin();
      },
      Math.max(0, Math.min(QUIET_MS, leftMs)),
    );
    this.#timer.unref();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
