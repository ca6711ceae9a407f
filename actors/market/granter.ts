/**
 * The seller's side: every purchase of an offer of this node's identities gets its key, whether it was sealed a moment
 * ago or while the node was away; and if a buyer never accepts, the purchase is settled as soon as the time
 * to dispute is over.
 *
 * Nothing about it is stored. What is to be done follows from the state (open purchases in escrow, offers of ours,
 * keys in the wallet), so that whoever looks again after a crash finds the same. A grant that waits in the outbox is
 * not made twice, and of two that are, the rules take one.
 */
import type { Signer } from '../../crypto/identity.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Outcome, Receipt } from '../../events/receipt.ts';
import { refuse } from '../../events/refusals.ts';
import { decodeTransaction } from '../../events/transaction.ts';
import type { WriteSet } from '../../machines/state.ts';
import { offerTable, openPurchaseTable, type PurchaseRecord, purchaseTable } from '../../machines/tables.ts';
import type { GroupReader } from '../../storage/port.ts';
import type { Alarms } from '../alarms.ts';
import type { GroupChain } from '../chain/chain.ts';
import type { WatchedClock } from '../clock.ts';
import { RefusedError, UsageError } from '../errors.ts';
import { type Offer, type Purchase, StoredState } from '../group-view.ts';
import { type Outbox, storedReceipt } from '../outbox.ts';
import type { Timers } from '../timers.ts';
import { sealGrant, type Wallet } from './desk.ts';
import { grantOf } from './trail.ts';
import { hasSecret, isManual } from './wallet.ts';

/** Grants under way at once: enough to share the flushes of a busy group. */
const GRANTS_AT_ONCE = 16;
/** The wait before a group is looked through again after the environment failed; twice as long each time. */
const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MAX = 60_000;

export interface GranterOptions {
  readonly wallet: Wallet;
  readonly outbox: Outbox;
  readonly clock: WatchedClock;
  readonly timers: Timers;
  readonly alarms: Alarms;
  readerOf(groupId: Hex32): GroupReader;
  chain(groupId: Hex32): GroupChain;
  /** Nothing for keys of others, and while the keys are locked. */
  signerOf(key: Hex32): Signer | undefined;
}

export class Granter {
  private readonly options: GranterOptions;
  /** Grants by purchase, settlements by the name of their alarm. */
  private readonly underWay = new Map<string, Promise<Receipt>>();
  /** Purchases that wait for their turn, with their groups: at most the open ones of our offers. */
  private readonly waiting = new Map<Hex32, Hex32>();
  private readonly failures = new Map<Hex32, number>();
  private readonly retries = new Map<Hex32, () => void>();
  private isStopped = false;

  constructor(options: GranterOptions) {
    this.options = options;
  }

  /** Takes in what a committed block of a group wrote. */
  observe(groupId: Hex32, writes: WriteSet): void {
    const purchases = writes.of(purchaseTable);
    if (purchases === undefined) return;
    this.considerAll(groupId, (state) => {
      // No rule deletes a purchase: each has a value.
      for (const [purchase, { value }] of purchases) this.consider(groupId, state, purchase, value!);
    });
  }

  /** Looks through the open purchases of a group for those that were sealed while nobody was here. */
  look(groupId: Hex32): void {
    this.considerAll(groupId, (state) => {
      for (const [, { purchase }] of state.records(openPurchaseTable))
        this.consider(groupId, state, purchase, state.get(purchaseTable, purchase)!);
    });
  }

  /** Goes on with what `consider` finds; where the disk keeps it from that, the group is looked through later. */
  private considerAll(groupId: Hex32, consider: (state: StoredState) => void): void {
    try {
      consider(this.stateOf(groupId));
    } catch (error) {
      this.failed(groupId, error as Error);
    }
    this.goOn();
  }

  private stateOf(groupId: Hex32): StoredState {
    return new StoredState(this.options.readerOf(groupId));
  }

  private consider(groupId: Hex32, state: StoredState, purchase: Hex32, record: PurchaseRecord): void {
    const { wallet, signerOf, clock, alarms } = this.options;
    const { status, grantUntilMs, disputeUntilMs = 0 } = record;
    if (status !== 'granted') alarms.clear(settling(purchase));
    if (status !== 'escrowed' && status !== 'granted') return;
    const { seller, packageHash } = state.get(offerTable, record.offer)!;
    if (signerOf(seller) === undefined || isManual(wallet.wallet, seller, packageHash)) return;
    if (status === 'granted') {
      alarms.set(settling(purchase), disputeUntilMs + 1, () => this.settle(groupId, purchase, seller));
      return;
    }
    if (clock.nowMs() > grantUntilMs) return;
    // Made on another node of this identity, whose wallet has the key.
    if (!hasSecret(wallet.wallet, seller, 'package', packageHash)) return;
    this.waiting.set(purchase, groupId);
  }

  /** The buyer's time to dispute is over, and they have said nothing. */
  private settle(groupId: Hex32, purchase: Hex32, seller: Hex32): void {
    const { chain, signerOf, alarms, clock } = this.options;
    const signer = signerOf(seller);
    if (this.isStopped || signer === undefined || this.underWay.has(settling(purchase))) return;
    const settled = this.submit(() => chain(groupId).submit(signer, [{ type: 'purchase_settle', purchase }]));
    this.track(settling(purchase), settled);
    settled.catch((error: Error) => {
      // Block time may be behind the clock here.
      const isEarly = error instanceof RefusedError && error.refusal.code === 'dispute_window_open';
      if (!isEarly) return this.failed(groupId, error);
      alarms.set(settling(purchase), clock.nowMs() + RETRY_MS_FIRST, () =>
        this.settle(groupId, purchase, seller),
      );
    });
  }

  private async submit(submit: () => Promise<Outcome>): Promise<Receipt> {
    const outcome = await submit();
    if (outcome.status === 'sealed') return outcome.receipt;
    throw new RefusedError(outcome.refusal);
  }

  /** Whoever asks for the same meanwhile gets the same, and whoever closes waits for it. */
  private track(what: string, work: Promise<Receipt>): void {
    this.underWay.set(what, work);
    const ended = (): void => {
      this.underWay.delete(what);
      this.goOn();
    };
    work.then(ended, ended);
  }

  private goOn(): void {
    for (const [purchase, groupId] of this.waiting) {
      if (this.isStopped || this.underWay.size >= GRANTS_AT_ONCE) return;
      this.waiting.delete(purchase);
      if (this.underWay.has(purchase) || this.isSent(groupId, purchase)) continue;
      this.grant(groupId, purchase).then(
        () => this.failures.delete(groupId),
        (error: Error) => this.failed(groupId, error),
      );
    }
  }

  /** Whether the grant waits for the sealer already. */
  private isSent(groupId: Hex32, purchase: Hex32): boolean {
    return this.options.outbox
      .pending(groupId)
      .some(({ transaction }) =>
        decodeTransaction(transaction).operations.some(
          (operation) => operation.type === 'grant' && operation.purchase === purchase,
        ),
      );
  }

  private failed(groupId: Hex32, error: Error): void {
    const { code } = error as { code?: unknown };
    if (typeof code !== 'string') throw error;
    // In the outbox, or too late, or done by somebody else: nothing that trying again would change.
    if (this.isStopped || code === 'pending' || code === 'refused' || code === 'usage') return;
    if (this.retries.has(groupId)) return;
    const failures = this.failures.get(groupId) ?? 0;
    this.failures.set(groupId, failures + 1);
    const again = (): void => {
      this.retries.delete(groupId);
      if (!this.isStopped) this.look(groupId);
    };
    const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** failures);
    this.retries.set(groupId, this.options.timers.after(waitMs, again));
  }

  /**
   * Grants a purchase of an offer of this node's; one that was granted already, or is being granted, is not granted
   * again. Resolves to the receipt of the grant.
   * @throws RefusedError, NotFoundError when the key is not in this wallet, PendingError and the chain's errors
   */
  grant(groupId: Hex32, purchase: Hex32): Promise<Receipt> {
    const known = this.underWay.get(purchase);
    if (known !== undefined) return known;
    const grant = this.grantOnce(groupId, purchase);
    this.track(purchase, grant);
    return grant;
  }

  private async grantOnce(groupId: Hex32, purchase: Hex32): Promise<Receipt> {
    const { wallet, chain, signerOf } = this.options;
    const state = this.stateOf(groupId);
    const record = state.get(purchaseTable, purchase);
    if (record === undefined) throw new RefusedError(refuse('purchase_unknown', { purchase }));
    const granted = this.receiptOf(groupId, { ...record, purchase });
    if (granted !== undefined) return granted;
    const offer: Offer = { ...state.get(offerTable, record.offer)!, offer: record.offer };
    const signer = signerOf(offer.seller);
    if (signer === undefined) throw new RefusedError(refuse('not_seller', { seller: offer.seller }));
    const sealedKey = sealGrant(wallet, signer, offer, { ...record, purchase });
    if (sealedKey === undefined)
      throw new UsageError('nothing can be sealed to the key of this purchase; its buyer can be refunded');
    return this.submit(() => chain(groupId).submit(signer, [{ type: 'grant', purchase, sealedKey }]));
  }

  private receiptOf(groupId: Hex32, purchase: Purchase): Receipt | undefined {
    if (purchase.status !== 'granted') return undefined;
    const reader = this.options.readerOf(groupId);
    const txId = grantOf(reader, purchase);
    return txId === undefined ? undefined : storedReceipt(reader, txId);
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.isStopped = true;
    for (const cancel of this.retries.values()) cancel();
    await Promise.allSettled(this.underWay.values());
  }
}

/** The name of the alarm for a purchase whose time to dispute runs. */
const settling = (purchase: Hex32): string => `settle/${purchase}`;
