/** A few may run at once, some more may wait, and the rest is turned away. */
import { ViewsError } from './errors.ts';

export class Slots {
  readonly #running: number;
  readonly #waiting: number;
  #taken = 0;
  readonly #queue: (() => void)[] = [];

  /**
   * @param running how many may run at once
   * @param waiting how many may wait for them
   */
  constructor(running: number, waiting: number) {
    this.#running = running;
    this.#waiting = waiting;
  }

  /** Runs `work` when there is room. @throws ViewsError `views_busy` (as a rejection) when too many wait */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.#running) {
      if (this.#queue.length >= this.#waiting)
        throw new ViewsError('views_busy', `${this.#waiting} queries wait already; ask again later`);
      // Whoever ends hands its place on, so the count stays as it is.
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    } else this.#taken++;
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#taken--;
      else next();
    }
  }
}
