/**
 * Waiting, as a port: everything in this room that acts later asks here, so that a test moves time by hand and
 * nothing ever sleeps. The timers of the system do not keep a process alive; whoever serves something does.
 */

export interface Timers {
  /**
   * Runs `run` once, `ms` milliseconds of monotonic time from now.
   * @returns what calls it off
   */
  after(ms: number, run: () => void): () => void;
}

/** The longest wait that the system takes without overflowing. */
const WAIT_MS_MAX = 2 ** 31 - 1;

export const systemTimers: Timers = {
  after: (ms, run) => {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), WAIT_MS_MAX));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The same timers in the shape in which XState takes them, for delays that a machine declares. */
export function machineClock(timers: Timers): {
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(cancel: unknown): void;
} {
  return {
    setTimeout: (run, ms) => timers.after(ms, run),
    clearTimeout: (cancel) => (cancel as () => void)(),
  };
}
