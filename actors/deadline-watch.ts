/**
 * Watches the deadlines that follow from a group's state, and says once when each has passed.
 *
 * Nothing about them is stored: after a start they are read from the state again, and so is what lies behind the
 * horizon once it has come near. What passed while nobody watched is told then. Each is told once while the watch
 * lives, as far as it remembers (`RAISED_MAX`); a listener that must not act twice asks the state.
 */
import type { Alarms } from './alarms.ts';
import { DEADLINES_MAX, RAISED_MAX } from './bounds.ts';
import type { WatchedClock } from './clock.ts';
import { type Deadline, Deadlines } from './deadlines.ts';

/** Entries read before others may run: about two milliseconds. */
const SLICE_ENTRIES = 512;

export interface WatchOptions {
  /** The name of the alarm. */
  readonly name: string;
  readonly alarms: Alarms;
  readonly clock: WatchedClock;
  /** Every deadline that follows from the state as it is, in any order. */
  read(): Iterable<Deadline>;
  /** Tells that a deadline has passed, if the state still says so. */
  raise(deadline: Deadline): void;
  /** There is something to wait for until then, or nothing. */
  scheduled(nextMs: number | undefined): void;
  failed(error: Error): void;
}

export class DeadlineWatch {
  private readonly options: WatchOptions;
  private readonly deadlines = new Deadlines(DEADLINES_MAX);
  /** What was told, so that a change of something else does not tell it again. The oldest are forgotten. */
  private readonly raised = new Map<string, number>();
  /** Keys that changed while the state was being read: they are known better than the reading. */
  private changed: Set<string> | undefined;
  /** The reading under way; the next waits for it, since each heeds only the changes made during itself. */
  private reading: Promise<void> | undefined;
  private isStopped = false;

  constructor(options: WatchOptions) {
    this.options = options;
  }

  /** Nothing to wait for, and nothing to remember. */
  get isEmpty(): boolean {
    return this.raised.size === 0 && this.deadlines.nextMs() === undefined;
  }

  /** Reads the deadlines from the state, with pauses for others. Failures go to `failed`. */
  load(): Promise<void> {
    return this.loadFrom(Number.NEGATIVE_INFINITY);
  }

  /** Before `fromMs` everything is held or told. */
  private loadFrom(fromMs: number): Promise<void> {
    const read = (): Promise<void> => this.read(fromMs);
    const reading = this.reading === undefined ? read() : this.reading.then(read);
    this.reading = reading;
    return reading.finally(() => {
      if (this.reading === reading) this.reading = undefined;
    });
  }

  private async read(fromMs: number): Promise<void> {
    const { clock } = this.options;
    const changed = new Set<string>();
    this.changed = changed;
    this.deadlines.horizonMs = Number.POSITIVE_INFINITY;
    try {
      let count = 0;
      for (const deadline of this.options.read()) {
        if (++count % SLICE_ENTRIES === 0) await turn();
        if (this.isStopped) return;
        const { key, atMs } = deadline;
        if (atMs < fromMs || changed.has(key)) continue;
        // Past ones are told at once instead of held, so that any number of them takes no memory.
        if (clock.check() === undefined && atMs <= clock.nowMs()) this.tell(deadline);
        else this.deadlines.set(key, atMs);
      }
    } catch (error) {
      this.options.failed(error as Error);
      return;
    } finally {
      this.changed = undefined;
    }
    this.schedule();
  }

  /** The deadline of `key` is now `atMs`, or there is none any more. Call `schedule` after the last change. */
  set(key: string, atMs: number | undefined): void {
    this.changed?.add(key);
    if (atMs === undefined) {
      this.deadlines.delete(key);
      this.raised.delete(key);
    } else if (this.raised.get(key) !== atMs) {
      this.deadlines.set(key, atMs);
    }
  }

  schedule(): void {
    if (!this.isStopped) this.options.scheduled(this.deadlines.nextMs());
  }

  arm(atMs: number): void {
    this.options.alarms.set(this.options.name, atMs, () => this.look());
  }

  disarm(): void {
    this.options.alarms.clear(this.options.name);
  }

  stop(): void {
    this.isStopped = true;
    this.disarm();
  }

  private look(): void {
    try {
      const nowMs = this.options.clock.nowMs();
      for (const deadline of this.deadlines.takeDue(nowMs)) this.tell(deadline);
      const { horizonMs } = this.deadlines;
      if (horizonMs <= nowMs) void this.loadFrom(horizonMs);
      else this.schedule();
    } catch (error) {
      this.options.failed(error as Error);
    }
  }

  private tell(deadline: Deadline): void {
    const { key, atMs } = deadline;
    if (this.raised.get(key) === atMs) return;
    this.raised.delete(key);
    this.raised.set(key, atMs);
    if (this.raised.size > RAISED_MAX) this.raised.delete(this.raised.keys().next().value!);
    this.options.raise(deadline);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
