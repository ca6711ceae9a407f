/**
 * How much of the time the background work of the views takes: all of it where little is sealed, a small part where
 * much is. Two threads of one core share more than its scheduler can share out, so that even work of low priority is
 * felt where blocks are sealed. Questions do not wait for it: each brings the views up to the head by itself.
 */
import type { Hex32 } from '../events/bytes.ts';

/** From this rate of sealing on, background work rests for so many times as long as it took. */
const BUSY_TRANSACTIONS_PER_S = 2_000;
const RESTS_MAX = 16;
/** The rate is taken over at least so long. */
const WINDOW_MS = 100;

export class Pace {
  readonly #nowMs: () => number;
  /** Transactions of each group when it was last looked at. */
  readonly #transactions = new Map<Hex32, number>();
  #sealed = 0;
  #windowStartMs: number;
  #perSecond = 0;
  #restUntilMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#windowStartMs = nowMs();
  }

  /** A group has so many transactions now. What it had when it was first looked at is not news. */
  saw(groupId: Hex32, transactions: number): void {
    this.#sealed += Math.max(0, transactions - (this.#transactions.get(groupId) ?? transactions));
    this.#transactions.set(groupId, transactions);
    const nowMs = this.#nowMs();
    const windowMs = nowMs - this.#windowStartMs;
    if (windowMs < WINDOW_MS) return;
    this.#perSecond = (1000 * this.#sealed) / windowMs;
    this.#sealed = 0;
    this.#windowStartMs = nowMs;
  }

  /** Background work took so long: what comes next waits in proportion. */
  worked(ms: number): void {
    const load = Math.min(1, this.#perSecond / BUSY_TRANSACTIONS_PER_S);
    this.#restUntilMs = this.#nowMs() + RESTS_MAX * load * ms;
  }

  /** How long background work has to rest still, milliseconds; 0 if it need not. */
  get restMs(): number {
    return Math.max(0, this.#restUntilMs - this.#nowMs());
  }
}
