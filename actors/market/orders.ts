/**
 * The orders of a node's buyers: each runs to its end, across restarts, and none pays twice.
 *
 * Buying the same offer again while an order for it is open, or after it was delivered, gives that order: what was
 * paid for is there to be opened. An order that the rules refused is tried again with the very transaction that was
 * refused, so that no copy of it can be slipped in later beside a new one.
 */
import { type Observable, Subject, Subscription } from 'rxjs';
import type { Signer } from '../../crypto/identity.ts';
import { packageForm } from '../../crypto/package.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { type Refusal, refuse } from '../../events/refusals.ts';
import type { OpaqueMap } from '../../storage/opaque-map.ts';
import { signTransaction } from '../chain/sign.ts';
import { tellNoted } from '../chain/signed-within.ts';
import { NotFoundError, RefusedError } from '../errors.ts';
import type { PeerHint } from '../invites.ts';
import { type CheckedDelivery, checkDelivery, type DeliveryFault, prepareOneTimeKey } from './desk.ts';
import { MarketError } from './errors.ts';
import type { MarketChain, OfferTerms } from './market-chain.ts';
import { isFinal, nextOrderState } from './order.machine.ts';
import { type Order, readOrders, writeOrder } from './order.ts';
import { OrderRunner, type RunnerOptions } from './order-runner.ts';
import { hasSecret } from './wallet.ts';

/** Enough of a package to know that it is one. */
const PACKAGE_START_BYTES = 64;

export interface BuyRequest {
  readonly groupId: Hex32;
  readonly offer: Hex32;
  readonly buyer: Signer;
  /** What the buyer was told that it costs: where the chain says another price, nothing is paid. */
  readonly price?: bigint;
  /** Where the group or the package may be found. */
  readonly peers?: readonly PeerHint[];
  /** Whether to buy once more what was bought and delivered before. */
  readonly again?: boolean;
}

export interface OrdersOptions extends Omit<RunnerOptions, 'keep' | 'chain' | 'fetchPackage'> {
  readonly map: OpaqueMap;
  chain(groupId: Hex32, peers: readonly PeerHint[]): MarketChain;
  fetchPackage(packageHash: Hex32, peers: readonly PeerHint[], signal?: AbortSignal): Promise<void>;
}

export class Orders {
  private readonly options: OrdersOptions;
  private readonly orders = new Map<Hex32, Order>();
  private readonly runners = new Map<Hex32, OrderRunner>();
  private readonly buying = new Map<string, Promise<Order>>();
  private readonly changedSubject = new Subject<Order>();
  private isLoaded = false;
  private isStopped = false;

  /** Every order as it changes, once the change is on disk. */
  readonly changed$: Observable<Order> = this.changedSubject.asObservable();

  constructor(options: OrdersOptions) {
    this.options = options;
  }

  private load(): void {
    if (this.isLoaded) return;
    for (const order of readOrders(this.options.map)) this.orders.set(order.order, order);
    this.isLoaded = true;
  }

  /** All orders, oldest first. */
  list(): Order[] {
    this.load();
    return [...this.orders.values()].sort(
      (a, b) => a.createdMs - b.createdMs || (a.order < b.order ? -1 : 1),
    );
  }

  get(order: Hex32): Order {
    this.load();
    const found = this.orders.get(order);
    if (found === undefined) throw new NotFoundError(`there is no order ${order.slice(0, 8)} on this node`);
    return found;
  }

  /** The order that a purchase of this node belongs to. */
  ofPurchase(purchase: Hex32): Order | undefined {
    return this.list().find((order) => order.purchase === purchase);
  }

  /** What keeps an order from going on, as far as it is known. */
  troubleOf(order: Hex32): string | undefined {
    return this.runners.get(order)?.trouble;
  }

  /** Goes on with every order that is not over. */
  resume(): void {
    for (const order of this.list()) if (!isFinal(order.state)) this.goOnWith(order);
  }

  /** Something has changed in a group, or with the network: orders look again. */
  wake(groupId?: Hex32): void {
    for (const runner of this.runners.values())
      if (groupId === undefined || runner.order.groupId === groupId) runner.wake();
  }

  /**
   * Buys an offer, or goes on with what was begun before; resolves as soon as the order is on disk, from where it
   * goes on by itself. The package is fetched before anything is paid: no rule can judge about bytes that nobody
   * ever showed.
   * @throws RefusedError where the rules would refuse, NotFoundError, MarketError, NetworkError, PackageError where what
   *   is for sale is no package
   */
  buy(request: BuyRequest): Promise<Order> {
    const subject = `${request.groupId}/${request.offer}/${request.buyer.publicKey}`;
    const before = this.buying.get(subject) ?? Promise.resolve();
    const order = before.then(
      () => this.buyAlone(request),
      () => this.buyAlone(request),
    );
    this.buying.set(subject, order);
    const forget = (): void => {
      if (this.buying.get(subject) === order) this.buying.delete(subject);
    };
    order.then(forget, forget);
    return order;
  }

  private async buyAlone(request: BuyRequest): Promise<Order> {
    const { again = false } = request;
    const last = this.lastOrder(request);
    if (last?.state === 'failed') {
      await tellNoted({ order: last.order });
      return this.retry(last);
    }
    const isDelivered = last?.state === 'settled';
    const isEnded = last !== undefined && isFinal(last.state);
    if (last !== undefined && !(isEnded && (again || !isDelivered))) {
      await tellNoted({ order: last.order });
      if (!isEnded) this.goOnWith(last);
      return last;
    }
    return this.place(request);
  }

  /** The latest order of a buyer for an offer. */
  private lastOrder({ groupId, offer, buyer }: BuyRequest): Order | undefined {
    return this.list().findLast(
      (one) => one.groupId === groupId && one.offer === offer && one.buyer === buyer.publicKey,
    );
  }

  private async retry(order: Order): Promise<Order> {
    const retried: Order = { ...order, state: nextOrderState(order.state, 'retry')! };
    await this.keep(retried);
    // The one that failed has ended, and may not have been forgotten yet.
    this.runners.delete(order.order);
    this.goOnWith(retried);
    return retried;
  }

  private async place(request: BuyRequest): Promise<Order> {
    const { groupId, buyer, offer, price, peers = [] } = request;
    const chain = this.options.chain(groupId, peers);
    const terms = await chain.offer(offer);
    if (price !== undefined && price !== terms.price)
      throw new MarketError(
        'offer_contradicted',
        `the offer was announced for ${price} and the chain says ${terms.price}; nothing was paid`,
      );
    const open = chain.openPurchase(buyer.publicKey, offer);
    const isOurs = open !== undefined && this.hasKey(buyer.publicKey, open.buyerKey);
    if (!isOurs) await this.assertBuyable(chain, terms, buyer.publicKey, peers);
    const order = isOurs
      ? this.orderOf(request, chain, terms, open.buyerKey, new Uint8Array(0))
      : await this.signedOrder(request, chain, terms);
    await tellNoted({ order: order.order });
    await this.keep(order);
    this.goOnWith(order);
    return order;
  }

  private hasKey(buyer: Hex32, buyerKey: Hex32): boolean {
    return hasSecret(this.options.wallet.wallet, buyer, 'one-time', buyerKey);
  }

  private async assertBuyable(
    chain: MarketChain,
    terms: OfferTerms,
    buyer: Hex32,
    peers: readonly PeerHint[],
  ): Promise<void> {
    const refusal = notBuyable(terms, buyer, chain.balance(buyer), this.options.clock.nowMs());
    if (refusal !== undefined) throw new RefusedError(refusal);
    const { packageHash } = terms;
    const { artifacts } = this.options.wallet;
    if (!artifacts.has(packageHash)) await this.options.fetchPackage(packageHash, [...peers, ...chain.peers]);
    // What no key opens is not paid for; that the right one does not open it shows only afterwards.
    packageForm(artifacts.range(packageHash, 0, PACKAGE_START_BYTES)!, artifacts.size(packageHash)!);
  }

  private async signedOrder(request: BuyRequest, chain: MarketChain, terms: OfferTerms): Promise<Order> {
    const { groupId, buyer, offer } = request;
    const { price: amount, grantWindowMs, disputeWindowMs } = terms;
    const buyerKey = await prepareOneTimeKey(this.options.wallet, buyer);
    const signed = signTransaction(buyer, {
      groupId,
      operations: [{ type: 'purchase', offer, amount, buyerKey, grantWindowMs, disputeWindowMs }],
      tsMs: this.options.clock.nowMs(),
    });
    if ('code' in signed) throw new RefusedError(signed);
    return this.orderOf(request, chain, terms, buyerKey, signed.bytes);
  }

  private orderOf(
    { groupId, offer, buyer, peers = [] }: BuyRequest,
    chain: MarketChain,
    { seller, title, price, packageHash, keyHash }: OfferTerms,
    buyerKey: Hex32,
    transaction: Uint8Array,
  ): Order {
    const nowMs = this.options.clock.nowMs();
    return {
      order: buyerKey,
      groupId,
      offer,
      buyer: buyer.publicKey,
      state: 'requested',
      createdMs: nowMs,
      changedMs: nowMs,
      seller,
      title,
      price,
      packageHash,
      keyHash,
      isStranger: chain.isStranger,
      peers: [...peers, ...chain.peers].slice(0, 8),
      transaction,
      purchase: undefined,
      sealedKey: undefined,
      grantUntilMs: undefined,
      disputeUntilMs: undefined,
      refusal: undefined,
    };
  }

  private async keep(order: Order): Promise<void> {
    await writeOrder(this.options.map, order);
    this.orders.set(order.order, order);
    this.changedSubject.next(order);
  }

  /** Sees to it that an order is at work and looks; what is bought while the node stops waits for its next start. */
  private goOnWith(order: Order): void {
    const known = this.runners.get(order.order);
    known?.wake();
    if (this.isStopped || known !== undefined) return;
    const runner = new OrderRunner(order, {
      ...this.options,
      keep: (changed) => this.keep(changed),
      chain: ({ groupId, peers }) => this.options.chain(groupId, peers),
      fetchPackage: ({ packageHash, peers }, signal) => this.options.fetchPackage(packageHash, peers, signal),
    });
    this.runners.set(order.order, runner);
    const forget = (): void => {
      if (this.runners.get(order.order) === runner) this.runners.delete(order.order);
    };
    void runner.finished.then(forget);
  }

  /**
   * Waits until an order is over, or until `isEnough` says of one of its changes that it is.
   * @returns the order as it is then; also where the node stops or `signal` is aborted before that
   */
  until(
    order: Hex32,
    isEnough: (order: Order) => boolean,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Order> {
    return new Promise((resolve) => {
      const watching = new Subscription();
      const look = (): void => {
        const current = this.get(order);
        if (!(isFinal(current.state) || isEnough(current) || this.isStopped || signal.aborted)) return;
        watching.unsubscribe();
        resolve(current);
      };
      signal.addEventListener('abort', look, { once: true });
      watching.add(() => signal.removeEventListener('abort', look));
      const next = (changed: Order): void => (changed.order === order ? look() : undefined);
      // Where the node has stopped already, this looks at once.
      watching.add(this.changed$.subscribe({ next, complete: look }));
      look();
    });
  }

  /** Opens what an order has brought, to be read as often as one likes. @throws NotFoundError before the grant */
  open(order: Hex32): Promise<CheckedDelivery | { status: 'bad'; because: DeliveryFault }> {
    const { buyer, purchase, sealedKey, packageHash, keyHash } = this.get(order);
    const signer = this.options.signerOf(buyer);
    if (purchase === undefined || sealedKey === undefined || signer === undefined)
      throw new NotFoundError('nothing was granted for this order yet');
    const offered = { packageHash, keyHash };
    return checkDelivery(this.options.wallet, signer, offered, { purchase, buyerKey: order }, sealedKey);
  }

  /** Ends what is under way; the orders go on with the next start. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.allSettled(this.buying.values());
    await Promise.all(Array.from(this.runners.values(), (runner) => runner.stop()));
    this.changedSubject.complete();
  }
}

/** What the rules would say, as far as it is known before anything is signed. */
function notBuyable(
  { offer, seller, revoked, expiresMs, price }: OfferTerms,
  buyer: Hex32,
  balance: bigint | undefined,
  nowMs: number,
): Refusal | undefined {
  if (revoked) return refuse('offer_revoked', { offer });
  if (expiresMs !== undefined && nowMs >= expiresMs) return refuse('offer_expired', { offer, expiresMs });
  if (seller === buyer) return refuse('own_offer', { offer });
  if (balance !== undefined && balance < price)
    return refuse('balance_too_low', { account: buyer, balance, needed: price });
  return undefined;
}
