/**
 * The event stream of a group, resumable by cursor.
 *
 * A subscriber holds a place in the log and reads on from there at its own pace; a new block only wakes it. So a
 * slow subscriber costs no memory, never slows the chain and never misses anything.
 */
import type { Observable } from 'rxjs';
import type { Cursor, LogEvent } from '../events/bus.ts';
import type { EffectKind } from '../events/effects.ts';
import type { GroupReader } from '../storage/port.ts';
import type { HeadAdvanced } from './bus.ts';
import { eventsOfStoredBlock } from './chain/publish.ts';
import { HistoryIncompleteError } from './errors.ts';

export interface StreamOptions {
  /** Begin after this event; from the group's first event, if not given. */
  readonly after?: Pick<Cursor, 'height' | 'index'>;
  /** Only events of these kinds. */
  readonly kinds?: readonly (EffectKind | 'block.sealed')[];
  /** End at the present head instead of waiting for more. */
  readonly untilHead?: boolean;
  readonly signal?: AbortSignal;
}

/** Events in the order of the log. Ends when the signal aborts or the node closes. */
export async function* streamEvents(
  reader: GroupReader,
  head$: Observable<HeadAdvanced>,
  options: StreamOptions,
): AsyncGenerator<LogEvent> {
  const { after, kinds, untilHead = false, signal } = options;
  const wanted = kinds === undefined ? undefined : new Set<string>(kinds);
  const alarm = new Alarm(reader.groupId, head$, signal);
  try {
    let height = after?.height ?? 0;
    let index = after === undefined ? 0 : after.index + 1;
    for (;;) {
      const head = reader.head()?.height ?? -1;
      for (; height <= head; height++, index = 0) {
        const effects = reader.effects(height);
        if (effects === undefined) throw new HistoryIncompleteError();
        for (const event of eventsOfStoredBlock(reader, height, index, effects)) {
          if (signal?.aborted) return;
          if (wanted === undefined || wanted.has(event.event.kind)) yield event;
        }
      }
      if (untilHead || !(await alarm.wait(head))) return;
    }
  } finally {
    alarm.close();
  }
}

/** Wakes one waiter when the group grows past a height, or for good when it is over. */
class Alarm {
  private height = -1;
  private isOver = false;
  private wake: () => void = () => {};
  private readonly close$: () => void;

  constructor(groupId: string, head$: Observable<HeadAdvanced>, signal: AbortSignal | undefined) {
    const over = (): void => {
      this.isOver = true;
      this.wake();
    };
    const subscription = head$.subscribe({
      next: (head) => {
        if (head.groupId !== groupId) return;
        this.height = head.height;
        this.wake();
      },
      complete: over,
    });
    if (signal?.aborted) over();
    signal?.addEventListener('abort', over, { once: true });
    this.close$ = () => {
      subscription.unsubscribe();
      signal?.removeEventListener('abort', over);
    };
  }

  /** Resolves to true when there is more than `height`, to false when nothing will come any more. */
  async wait(height: number): Promise<boolean> {
    while (this.height <= height && !this.isOver)
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    return !this.isOver;
  }

  close(): void {
    this.close$();
  }
}
