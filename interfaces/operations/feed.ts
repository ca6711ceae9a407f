/**
 * The logs of several groups as one stream that never skips: what is stored is read from where the reader stands,
 * and a new block only wakes it. So a slow reader costs no memory, and clocks do not matter.
 */
import type { Subscription } from 'rxjs';
import type { StreamOptions } from '../../actors/event-stream.ts';
import type { Group } from '../../actors/group.ts';
import type { LogEvent } from '../../events/bus.ts';
import type { BatteryNode } from '../../node.ts';
import type { Call } from './operation.ts';
import type { Places } from './places.ts';

export interface FeedOptions {
  readonly kinds?: NonNullable<StreamOptions['kinds']>;
  readonly signal: AbortSignal;
}

/** Events that are stored, from the places on; each moves its place on before it is handed out. */
export async function* storedEvents(
  groups: readonly Group[],
  places: Places,
  { kinds, signal }: FeedOptions,
): AsyncGenerator<LogEvent> {
  for (const group of groups) {
    const { height, index } = places.get(group.groupId);
    const head = group.head.height;
    if (height > head) continue;
    const after = { height, index: index - 1 };
    const options = { after, untilHead: true, signal, ...(kinds === undefined ? {} : { kinds }) };
    for await (const event of group.events(options)) {
      places.set(group.groupId, { height: event.height, index: event.index + 1 });
      yield event;
    }
    if (signal.aborted) return;
    // What was read and not wanted is not read again.
    if (places.get(group.groupId).height <= head) places.set(group.groupId, { height: head + 1, index: 0 });
  }
}

/** Wakes a reader when a group grows, when its time is up, when it goes away, and when the node closes. */
export class Growth implements Disposable {
  private hasGrown = false;
  /** Whether the node has closed: nothing will grow any more. */
  isOver = false;
  private wake: () => void = () => {};
  private readonly subscription: Subscription;

  /** Listens from now on: what grows between a reading and `wait` is not missed. */
  constructor(node: BatteryNode) {
    this.subscription = node.bus.head$.subscribe({
      next: () => {
        this.hasGrown = true;
        this.wake();
      },
      complete: () => {
        this.isOver = true;
        this.wake();
      },
    });
  }

  /** Resolves to whether there may be more to read. */
  async wait(
    milliseconds: number,
    { signal: gone, leaving }: Pick<Call, 'signal' | 'leaving'>,
  ): Promise<boolean> {
    const signal = leaving === undefined ? gone : AbortSignal.any([gone, leaving]);
    if (!this.hasGrown && !this.isOver && !signal.aborted && milliseconds > 0)
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          this.wake = () => {};
          resolve();
        };
        const timer = setTimeout(done, milliseconds);
        signal.addEventListener('abort', done, { once: true });
        this.wake = done;
      });
    const mayGoOn = this.hasGrown && !this.isOver && !signal.aborted;
    this.hasGrown = false;
    return mayGoOn;
  }

  [Symbol.dispose](): void {
    this.subscription.unsubscribe();
  }
}
