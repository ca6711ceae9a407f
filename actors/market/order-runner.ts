/**
 * One order at work: looks where the chain has got to, does what the order's state asks for, and waits for news.
 *
 * Every step is safe to be repeated. The purchase is one signed transaction that was on disk before it was sent, and
 * a chain takes a transaction once: however often it is sent, it pays once. Where its time ran out it is signed anew
 * in a way that at most one of them all is ever taken (`replaces`). All later steps end the same purchase, and of
 * those the rules accept one. So a crash between any two lines here costs nothing but the time until the next start.
 */
import type { Signer } from '../../crypto/identity.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { PurchaseStatus } from '../../events/effects.ts';
import type { Refusal } from '../../events/refusals.ts';
import type { OperationOf } from '../../events/registry.ts';
import { signTransaction } from '../chain/sign.ts';
import type { WatchedClock } from '../clock.ts';
import type { Timers } from '../timers.ts';
import { checkDelivery, revealOneTimeSecret, type Wallet } from './desk.ts';
import type { MarketChain, PurchaseFacts, Submitted } from './market-chain.ts';
import { isFinal, nextOrderState, type OrderEvent } from './order.machine.ts';
import { type Order, transactionOf } from './order.ts';

/** Without news an order is looked at this often: deadlines are wall time, and timers are not. */
const LOOK_MS = 30_000;
/** The wait after something in the environment failed, such as a peer that is gone: twice as long each time, up to. */
const RETRY_MS_FIRST = 500;
const RETRY_MS_MAX = 8_000;
/** How long news may take that are on their way: the chain has just said that it has what we sent. */
const SETTLING_MS = 50;
/** Whoever follows no chain has to ask: soon at first, since the other side may just be at it, and then less often. */
const ASK_MS_FIRST = 300;
const ASK_MS_MAX = 5_000;
/** A member usually hears without asking, but misses what is told while they are still connecting. */
const LISTEN_MS_FIRST = 1_000;

const EVENT_OF_STATUS: Readonly<Record<PurchaseStatus, OrderEvent>> = {
  escrowed: 'escrow',
  granted: 'grant',
  settled: 'settle',
  refunded: 'refund',
  disputed: 'dispute',
};

type BuyerOperation = OperationOf<'purchase_accept' | 'purchase_refund' | 'purchase_dispute'>;

export interface RunnerOptions {
  readonly clock: WatchedClock;
  readonly timers: Timers;
  readonly wallet: Wallet;
  /** The group's chain as this buyer sees it now: they may have become a member meanwhile. */
  chain(order: Order): MarketChain;
  /** Nothing while the keys are locked. */
  signerOf(key: Hex32): Signer | undefined;
  /** Gets the order's package. @throws MarketError, NetworkError */
  fetchPackage(order: Order, signal: AbortSignal): Promise<void>;
  /** Keeps a change of the order; resolves when it is on disk. */
  keep(order: Order): Promise<void>;
}

export class OrderRunner {
  private readonly options: RunnerOptions;
  private readonly stopping = new AbortController();
  private current: Order;
  private wakeUp: () => void = () => {};
  private isWoken = false;
  private failures = 0;
  /** How often the chain was asked since the order last moved. */
  private questions = 0;
  private problem: string | undefined;
  /** Resolves when the order is over or the runner was stopped. */
  readonly finished: Promise<void>;

  constructor(order: Order, options: RunnerOptions) {
    this.current = order;
    this.options = options;
    this.finished = this.run();
  }

  get order(): Order {
    return this.current;
  }

  /** What keeps the order from going on, as far as it is known. */
  get trouble(): string | undefined {
    return this.problem;
  }

  /** Something may have changed: look now. */
  wake(): void {
    this.isWoken = true;
    this.wakeUp();
  }

  /** Ends what is under way; the order goes on with the next start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await this.finished;
  }

  private async run(): Promise<void> {
    // Whoever made this gets to keep it first.
    await Promise.resolve();
    while (!this.stopping.signal.aborted && !isFinal(this.current.state)) {
      this.isWoken = false;
      const waitMs = await this.stepOrWait();
      if (waitMs > 0) await this.sleep(waitMs);
    }
  }

  private async stepOrWait(): Promise<number> {
    try {
      const waitMs = await this.step();
      this.failures = 0;
      return waitMs;
    } catch (error) {
      // The environment may be better later; what has no code is a bug, and shall be seen.
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
      // Kept in the outbox: the chain will tell.
      if ((error as { code: string }).code === 'pending') return LISTEN_MS_FIRST;
      this.problem = (error as Error).message;
      return Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** this.failures++);
    }
  }

  private sleep(ms: number): Promise<void> {
    if (this.isWoken || this.stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.options.timers.after(ms, resolve);
      this.wakeUp = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Looks, and does one thing. @returns how long nothing is to be done, milliseconds; 0: look again at once */
  private async step(): Promise<number> {
    const chain = this.options.chain(this.current);
    chain.refresh();
    const facts = await chain.purchaseOf(this.current);
    if (facts !== undefined) await this.learn(facts);
    switch (this.current.state) {
      case 'requested':
        return this.request(chain);
      case 'escrowed':
        return this.awaitGrant(chain);
      case 'granted':
        return this.open(chain);
      case 'verified':
        return this.send(chain, { type: 'purchase_accept', purchase: this.purchase });
      case 'unfit':
        return this.newsMs(chain);
      default:
        return 0;
    }
  }

  /** How long until there may be news. */
  private newsMs({ isStranger }: MarketChain): number {
    const asked = this.questions++;
    return isStranger
      ? Math.min(ASK_MS_MAX, ASK_MS_FIRST * 1.5 ** asked)
      : Math.min(LOOK_MS, LISTEN_MS_FIRST * 2 ** asked);
  }

  private settlingMs(chain: MarketChain): number {
    return chain.isStranger ? this.newsMs(chain) : SETTLING_MS;
  }

  private get purchase(): Hex32 {
    return this.current.purchase!;
  }

  private async learn({ status, ...facts }: PurchaseFacts): Promise<void> {
    const event = EVENT_OF_STATUS[status];
    const isNews = nextOrderState(this.current.state, event) !== undefined;
    if (isNews || this.current.purchase === undefined) await this.move(event, facts);
  }

  private async move(event: OrderEvent, changes: Partial<Order> = {}): Promise<void> {
    const state = nextOrderState(this.current.state, event) ?? this.current.state;
    this.problem = undefined;
    this.questions = 0;
    await this.change({ ...changes, state });
  }

  private async change(changes: Partial<Order>): Promise<void> {
    this.current = { ...this.current, ...changes, changedMs: this.options.clock.nowMs() };
    await this.options.keep(this.current);
  }

  private async request(chain: MarketChain): Promise<number> {
    const transaction = transactionOf(this.current);
    const { txId } = transaction;
    if (chain.isWaiting(txId)) return this.newsMs(chain);
    const earlier = this.current.refusal === undefined ? chain.refusalOf(txId) : undefined;
    const refusal = earlier ?? refusalIn(await chain.submit(transaction));
    if (refusal === undefined || refusal.code === 'transaction_duplicate') return this.settlingMs(chain);
    if (refusal.code === 'transaction_expired') return this.signAnew();
    await this.move('refused', { refusal });
    return 0;
  }

  /** The purchase waited too long to be sealed: it is signed again, and only one of them all can be taken. */
  private async signAnew(): Promise<number> {
    const { groupId, buyer } = this.current;
    const { txId, operations, replaces = txId } = transactionOf(this.current);
    const signer = this.options.signerOf(buyer);
    if (signer === undefined) return this.lockedWait();
    const tsMs = this.options.clock.nowMs();
    const signed = signTransaction(signer, { groupId, operations, tsMs, replaces });
    if ('code' in signed) throw new Error(`what was signed before is refused now: ${signed.code}`);
    await this.change({ transaction: signed.bytes });
    return 0;
  }

  private lockedWait(): number {
    this.problem = 'the keys of this node are locked';
    return LOOK_MS;
  }

  private async awaitGrant(chain: MarketChain): Promise<number> {
    const leftMs = (this.current.grantUntilMs ?? Number.POSITIVE_INFINITY) - this.options.clock.nowMs();
    if (leftMs >= 0) return Math.min(leftMs + 1, this.newsMs(chain));
    return this.send(chain, { type: 'purchase_refund', purchase: this.purchase });
  }

  private async open(chain: MarketChain): Promise<number> {
    const { wallet, signerOf, fetchPackage } = this.options;
    const { order: buyerKey, buyer, sealedKey } = this.current;
    const signer = signerOf(buyer);
    if (signer === undefined) return this.lockedWait();
    const bought = { purchase: this.purchase, buyerKey };
    const delivery = await checkDelivery(wallet, signer, this.current, bought, sealedKey!);
    if (delivery.status === 'opened') {
      await this.move('opened');
      return 0;
    }
    switch (delivery.because) {
      case 'key_does_not_open':
      case 'wrong_key': {
        const oneTimeSecret = revealOneTimeSecret(wallet, signer, buyerKey);
        return this.send(chain, { type: 'purchase_dispute', purchase: this.purchase, oneTimeSecret });
      }
      case 'package_missing':
        await fetchPackage(this.current, this.stopping.signal);
        return 0;
      case 'package_damaged':
        this.problem = 'the package on this node is damaged';
        return LOOK_MS;
      case 'package_unfit':
        await this.move('spoilt');
        return 0;
    }
  }

  /** Ends the purchase in the buyer's name. */
  private async send(chain: MarketChain, operation: BuyerOperation): Promise<number> {
    if (chain.isUnderWay(operation.type, operation.purchase)) return this.newsMs(chain);
    const signer = this.options.signerOf(this.current.buyer);
    if (signer === undefined) return this.lockedWait();
    const { groupId } = this.current;
    const tsMs = this.options.clock.nowMs();
    const signed = signTransaction(signer, { groupId, operations: [operation], tsMs });
    if ('code' in signed) throw new Error(`an operation of the market is refused: ${signed.code}`);
    const refusal = refusalIn(await chain.submit(signed));
    if (refusal === undefined || refusal.code === 'purchase_state') return this.settlingMs(chain);
    this.problem = refusal.code;
    return refusal.code === 'grant_window_open' ? this.settlingMs(chain) : this.newsMs(chain);
  }
}

function refusalIn(submitted: Submitted): Refusal | undefined {
  return submitted.status === 'refused' ? submitted.refusal : undefined;
}
