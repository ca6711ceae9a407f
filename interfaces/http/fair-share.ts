/**
 * Places that several callers share: connections, streams, sessions. A caller may hold as many as are still free, so
 * that one alone gets half of them, two a third each, and whoever comes next always finds some: nobody can hold them
 * all, and nobody is held back while there is room.
 */
export class FairShare {
  readonly max: number;
  private used = 0;
  private readonly held = new Map<string, number>();

  constructor(max: number) {
    this.max = max;
  }

  get free(): number {
    return this.max - this.used;
  }

  /** Takes a place. False: the caller has its share. */
  take(who: string): boolean {
    const own = this.held.get(who) ?? 0;
    if (own >= this.free) return false;
    this.held.set(who, own + 1);
    this.used++;
    return true;
  }

  /** Gives a place back that was taken. */
  give(who: string): void {
    const own = this.held.get(who) ?? 0;
    if (own === 0) return;
    if (own === 1) this.held.delete(who);
    else this.held.set(who, own - 1);
    this.used--;
  }
}
