/**
 * How far the read models of each group are, as their thread last said: for gauges, and for a line now and then while
 * a long way is caught up.
 */
import type { Hex32 } from '../events/bytes.ts';
import type { ViewsNotice } from './protocol.ts';

/** What the thread says of a group after each step. */
export interface Standing {
  readonly groupId: Hex32;
  /** What is indexed: exactly the log up to this height. */
  readonly height: number;
  /** The height of the log at that moment. */
  readonly headHeight: number;
  /** Claims that words find and meaning does not yet. */
  readonly toEmbed: number;
}

/** How far a group's read models are behind. */
export interface ViewsLag {
  readonly groupId: Hex32;
  /** Blocks that are not indexed yet. */
  readonly blocks: number;
  /** Claims that words find and meaning does not yet. */
  readonly claims: number;
}

/** Whoever is behind for longer is told of, this often. */
const NOTICE_MS = 5_000;

interface Kept extends Standing {
  /** Since when it is behind, and when that was last told of. */
  readonly behindSinceMs: number | undefined;
  readonly toldMs: number | undefined;
}

export class Standings {
  readonly #kept = new Map<Hex32, Kept>();
  readonly #tell: (notice: ViewsNotice) => void;
  readonly #nowMs: () => number;
  /** Looks of those who wait for something to become true. */
  readonly #looks = new Set<() => void>();

  constructor(tell: (notice: ViewsNotice) => void, nowMs = () => performance.now()) {
    this.#tell = tell;
    this.#nowMs = nowMs;
  }

  /** A group's log has grown, which its thread may hear of later. */
  grew(groupId: Hex32, headHeight: number): void {
    const kept = this.#kept.get(groupId);
    if (kept !== undefined) this.#kept.set(groupId, { ...kept, headHeight });
  }

  /** The thread has taken a step. */
  stepped(standing: Standing): void {
    const kept = this.#kept.get(standing.groupId);
    const nowMs = this.#nowMs();
    const { groupId, height } = standing;
    const headHeight = Math.max(standing.headHeight, kept?.headHeight ?? -1);
    const isBehind = height < headHeight;
    const behindSinceMs = isBehind ? (kept?.behindSinceMs ?? nowMs) : undefined;
    let toldMs = kept?.toldMs;
    const isDue = behindSinceMs !== undefined && nowMs - (toldMs ?? behindSinceMs) >= NOTICE_MS;
    // Who was told that something is behind is told of its end as well.
    if (isDue || (!isBehind && toldMs !== undefined)) {
      this.#tell({ kind: 'views.progress', groupId, height, headHeight });
      toldMs = isBehind ? nowMs : undefined;
    }
    this.#kept.set(groupId, { ...standing, headHeight, behindSinceMs, toldMs });
    this.look();
  }

  /** Whether there is something that the thread has not got to yet. */
  get isBehind(): boolean {
    for (const { blocks, claims } of this.lag()) if (blocks > 0 || claims > 0) return true;
    return false;
  }

  /** Whoever waits in `until` looks again. */
  look(): void {
    for (const look of this.#looks) look();
  }

  /** Resolves when a look finds `isDone`, when the time is over, or when `signal` is aborted. */
  until(isDone: () => boolean, ms: number, signal?: AbortSignal): Promise<void> {
    if (isDone() || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#looks.delete(look);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const look = (): void => {
        if (isDone()) end();
      };
      const timer = setTimeout(end, ms);
      this.#looks.add(look);
      signal?.addEventListener('abort', end, { once: true });
    });
  }

  /** Of every group that the thread has said something of. */
  *lag(): Generator<ViewsLag> {
    for (const { groupId, height, headHeight, toEmbed } of this.#kept.values())
      yield { groupId, blocks: Math.max(0, headHeight - height), claims: toEmbed };
  }
}
