/**
 * Watching everything that happens, live, at one's own pace.
 *
 * Each subscriber has a queue of its own. When it is full, the older half of it goes, and in its place the
 * subscriber gets one notice of how many events it skipped and, for each group, where to read them again from the
 * log. So neither the chain nor the other subscribers ever wait for one that is slow, and it knows what it missed.
 */
import type { Subscription } from 'rxjs';
import {
  type Cursor,
  cursorBefore,
  type EventsSkipped,
  type Gap,
  type LogEvent,
  type MomentEvent,
} from '../events/bus.ts';
import type { Hex32 } from '../events/bytes.ts';
import type { EffectKind } from '../events/effects.ts';
import { GAPS_MAX, WATCH_EVENTS_DEFAULT, WATCH_EVENTS_MAX, WATCHERS_MAX } from './bounds.ts';
import type { Bus } from './bus.ts';
import { UsageError } from './errors.ts';

export type EventKind = EffectKind | 'block.sealed' | MomentEvent['kind'];
type Watched = LogEvent | MomentEvent;

export interface WatchOptions {
  /** Only events of these kinds. */
  readonly kinds?: readonly EventKind[];
  /** Only events of this group, and those of no group. */
  readonly groupId?: Hex32;
  /** Events that may wait for this subscriber. */
  readonly eventsMax?: number;
  readonly signal?: AbortSignal;
}

/** More subscribers than a node serves at once. */
export class TooManyWatchersError extends Error {
  override readonly name = 'TooManyWatchersError';
  readonly code = 'too_many_watchers';

  constructor() {
    super(`${WATCHERS_MAX} subscribers watch this node already; end one of them, or try again later`);
  }
}

export class Watchers {
  private readonly bus: Bus;
  private count = 0;

  constructor(bus: Bus) {
    this.bus = bus;
  }

  /**
   * Everything from this call on, until the signal aborts or the node closes.
   * @throws TooManyWatchersError, UsageError
   */
  watch(options: WatchOptions): AsyncGenerator<Watched | EventsSkipped> {
    const queue = new WatchQueue(eventsMaxOf(options));
    if (this.count >= WATCHERS_MAX) throw new TooManyWatchersError();
    this.count++;
    // Subscribed now, not at the first `next`: what happens in between belongs to the caller.
    const subscriptions = subscribe(this.bus, options, queue);
    const end = (): void => queue.end();
    if (options.signal?.aborted) end();
    options.signal?.addEventListener('abort', end, { once: true });
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      this.count--;
      options.signal?.removeEventListener('abort', end);
      for (const subscription of subscriptions) subscription.unsubscribe();
      queue.end();
    };
    return released(drain(queue), release);
  }
}

function eventsMaxOf({ eventsMax = WATCH_EVENTS_DEFAULT }: WatchOptions): number {
  if (!Number.isSafeInteger(eventsMax) || eventsMax < 2 || eventsMax > WATCH_EVENTS_MAX)
    throw new UsageError(`eventsMax is a whole number from 2 to ${WATCH_EVENTS_MAX}`);
  return eventsMax;
}

function subscribe(bus: Bus, { kinds, groupId }: WatchOptions, queue: WatchQueue): Subscription[] {
  const wanted = kinds === undefined ? undefined : new Set<string>(kinds);
  const take = (event: Watched, kind: string): void => {
    if (wanted !== undefined && !wanted.has(kind)) return;
    if (groupId !== undefined && 'groupId' in event && event.groupId !== groupId) return;
    queue.push(event);
  };
  return [
    bus.log$.subscribe({ next: (event) => take(event, event.event.kind), complete: () => queue.end() }),
    bus.moment$.subscribe((event) => take(event, event.kind)),
  ];
}

async function* drain(queue: WatchQueue): AsyncGenerator<Watched | EventsSkipped> {
  for (;;) {
    const next = queue.take();
    if (next !== undefined) yield next;
    else if (queue.isOver) return;
    else await queue.filled();
  }
}

/** The same generator, which gives back what it holds also when it ends before its first `next`. */
function released<T>(inner: AsyncGenerator<T>, release: () => void): AsyncGenerator<T> {
  const ended = async (step: Promise<IteratorResult<T>>): Promise<IteratorResult<T>> => {
    const result = await step;
    if (result.done) release();
    return result;
  };
  return {
    next: () => ended(inner.next()),
    return: (value) => {
      // Wakes a `next` that waits, which would otherwise keep the generator from ending.
      release();
      return ended(inner.return(value));
    },
    throw: (error) => {
      release();
      return ended(inner.throw(error));
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await this.return(undefined);
    },
  };
}

/** What waits for one subscriber. */
class WatchQueue {
  isOver = false;
  private readonly max: number;
  private events: Watched[] = [];
  private head = 0;
  private skipped: Skipped | undefined;
  private wake: () => void = () => {};

  constructor(max: number) {
    this.max = max;
  }

  push(event: Watched): void {
    if (this.isOver) return;
    if (this.events.length - this.head >= this.max) this.skipOlderHalf();
    this.events.push(event);
    this.wake();
  }

  /** The next event, or the notice of what is missing before it. */
  take(): Watched | EventsSkipped | undefined {
    if (this.skipped !== undefined) {
      const notice = this.skipped.notice();
      this.skipped = undefined;
      return notice;
    }
    const event = this.events[this.head];
    if (event === undefined) return undefined;
    this.head++;
    if (this.head === this.events.length) this.dropTaken();
    return event;
  }

  /** Resolves when there is something to take, or will never be. */
  filled(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
      if (this.head < this.events.length || this.isOver) resolve();
    });
  }

  end(): void {
    this.isOver = true;
    this.wake();
  }

  private dropTaken(): void {
    this.events = this.events.slice(this.head);
    this.head = 0;
  }

  private skipOlderHalf(): void {
    this.skipped ??= new Skipped();
    const end = this.head + Math.ceil(this.max / 2);
    for (; this.head < end; this.head++) this.skipped.add(this.events[this.head]!);
    this.dropTaken();
  }
}

/** Counts what a subscriber did not get. */
class Skipped {
  private logEvents = 0;
  private moments = 0;
  private readonly first = new Map<Hex32, Cursor>();
  private readonly last = new Map<Hex32, Cursor>();
  private readonly uncounted = new Set<Hex32>();

  add(event: Watched): void {
    if (!('event' in event)) {
      this.moments++;
      return;
    }
    this.logEvents++;
    const { groupId, height, index } = event;
    const cursor = { groupId, height, index };
    if (!this.first.has(groupId)) {
      if (this.first.size >= GAPS_MAX) {
        // A group beyond the bound is counted, as far as another bound goes.
        if (this.uncounted.size < GAPS_MAX) this.uncounted.add(groupId);
        return;
      }
      this.first.set(groupId, cursor);
    }
    this.last.set(groupId, cursor);
  }

  notice(): EventsSkipped {
    const gaps = Array.from(this.first, ([groupId, first]): Gap => {
      const after = cursorBefore(first);
      return { ...(after === undefined ? {} : { after }), last: this.last.get(groupId)! };
    });
    const { logEvents, moments } = this;
    return { kind: 'events.skipped', logEvents, moments, gaps, uncountedGroups: this.uncounted.size };
  }
}
