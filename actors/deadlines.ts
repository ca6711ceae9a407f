/**
 * Points in time by key, the earliest first: a binary heap and, beside it, what each key stands at now.
 *
 * It holds at most `max` of them. When more come, the later half is dropped and `horizonMs` says from where on: what
 * lies behind the horizon is not held, and whoever owns it looks at the source again when that time has come.
 * So the memory is bounded and still nothing is forgotten.
 */

export interface Deadline {
  readonly key: string;
  readonly atMs: number;
}

export class Deadlines {
  private readonly max: number;
  private readonly atByKey = new Map<string, number>();
  /** May hold entries that were moved or deleted since; those are skipped when they come up. */
  private heap: Deadline[] = [];
  /** The first point in time that is not held. */
  horizonMs = Number.POSITIVE_INFINITY;

  constructor(max: number) {
    this.max = max;
  }

  get size(): number {
    return this.atByKey.size;
  }

  /** Puts `key` at `atMs`, wherever it was before. */
  set(key: string, atMs: number): void {
    if (this.atByKey.get(key) === atMs) return;
    this.atByKey.delete(key);
    if (atMs >= this.horizonMs) return;
    this.atByKey.set(key, atMs);
    this.push({ key, atMs });
    if (this.atByKey.size > this.max) this.dropLater();
    else if (this.heap.length > 2 * this.atByKey.size + 64) this.rebuild();
  }

  delete(key: string): void {
    this.atByKey.delete(key);
  }

  clear(): void {
    this.atByKey.clear();
    this.heap = [];
    this.horizonMs = Number.POSITIVE_INFINITY;
  }

  /** The earliest point in time at which there is something to do: a deadline, or the horizon. */
  nextMs(): number | undefined {
    while (this.heap.length > 0 && !this.isCurrent(this.heap[0]!)) this.pop();
    const nextMs = Math.min(this.heap[0]?.atMs ?? Number.POSITIVE_INFINITY, this.horizonMs);
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs;
  }

  /** Takes out what is due by `nowMs`, the earliest first. */
  takeDue(nowMs: number): Deadline[] {
    const due: Deadline[] = [];
    while (this.heap.length > 0 && this.heap[0]!.atMs <= nowMs) {
      const first = this.pop();
      if (!this.isCurrent(first)) continue;
      this.atByKey.delete(first.key);
      due.push(first);
    }
    return due;
  }

  private isCurrent({ key, atMs }: Deadline): boolean {
    return this.atByKey.get(key) === atMs;
  }

  private dropLater(): void {
    const all = Array.from(this.atByKey, ([key, atMs]) => ({ key, atMs })).sort((a, b) => a.atMs - b.atMs);
    this.horizonMs = all[Math.ceil(this.max / 2)]!.atMs;
    for (const { key, atMs } of all) if (atMs >= this.horizonMs) this.atByKey.delete(key);
    this.rebuild();
  }

  private rebuild(): void {
    // Ascending order is a heap.
    this.heap = Array.from(this.atByKey, ([key, atMs]) => ({ key, atMs })).sort((a, b) => a.atMs - b.atMs);
  }

  private push(entry: Deadline): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (heap[above]!.atMs <= entry.atMs) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = entry;
  }

  private pop(): Deadline {
    const { heap } = this;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]!.atMs < heap[below]!.atMs) below++;
      if (heap[below]!.atMs >= last.atMs) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}
