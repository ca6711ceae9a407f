/**
 * The market of a node: its buyers' orders and its sellers' grants, at work as long as the node is open.
 *
 * Both are driven by what committed blocks write. What happened while the node was away is looked up once, a moment
 * after the start: a command that is over by then never pays for it.
 */
import type { Signer } from '../../crypto/identity.ts';
import type { Announcement } from '../../events/announcement.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { refuse } from '../../events/refusals.ts';
import type { WriteSet } from '../../machines/state.ts';
import { purchaseTable } from '../../machines/tables.ts';
import type { GroupStore } from '../../storage/port.ts';
import type { Store } from '../../storage/store.ts';
import type { Alarms } from '../alarms.ts';
import type { Bus } from '../bus.ts';
import type { GroupChain } from '../chain/chain.ts';
import type { WatchedClock } from '../clock.ts';
import { NotFoundError, RefusedError, UsageError } from '../errors.ts';
import { GroupView, StoredState } from '../group-view.ts';
import type { PeerHint } from '../invites.ts';
import type { Outbox } from '../outbox.ts';
import type { Timers } from '../timers.ts';
import { AnnouncementBook, type Heard } from './announcement-book.ts';
import { MarketError } from './errors.ts';
import { Granter } from './granter.ts';
import { type MarketChain, memberChain } from './market-chain.ts';
import type { Order } from './order.ts';
import { type BuyRequest, Orders } from './orders.ts';

/** How long after the start the orders and the open purchases are looked up. */
export const LOOK_UP_DELAY_MS = 500;
/** And again, when the disk could not be read. */
const LOOK_UP_RETRY_MS = 10_000;
/** Groups looked through between two turns of the event loop. */
const GROUPS_PER_TURN = 32;

/** What the market needs of a network. */
export interface MarketNetwork {
  /**
   * Gets a package from whoever has it, those of `peers` first; resolves when it is here, with the right hash.
   * @throws MarketError, NetworkError
   */
  fetchPackage(packageHash: Hex32, peers: readonly PeerHint[], signal?: AbortSignal): Promise<void>;
  /** Asks the members of a group for what is new in it. */
  refresh(groupId: Hex32): void;
  /**
   * Resolves when a group that is here is as new as a member who could be asked, or after some seconds.
   * @returns whether it is that new now
   */
  catchUp(groupId: Hex32): Promise<boolean>;
  /** Carries announcements to connected peers, as far as there are any. */
  publish(heard: readonly Heard[]): Promise<void>;
  /** The chain of a group that is not here, by proofs. */
  strangerChain(groupId: Hex32, peers: readonly PeerHint[]): MarketChain;
}

export interface MarketOptions {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly bus: Bus;
  readonly clock: WatchedClock;
  readonly timers: Timers;
  readonly alarms: Alarms;
  groupIds(): readonly Hex32[];
  chain(groupId: Hex32): GroupChain;
  signerOf(key: Hex32): Signer | undefined;
  /** Throws where there is no such identity, and where the keys are locked. */
  signerNamed(nameOrKey: string): { readonly signer: Signer };
  /** Where this node can be reached. */
  hints(): readonly PeerHint[];
}

export class Market {
  readonly orders: Orders;
  readonly granter: Granter;
  /** What this node has heard is for sale. */
  readonly announcements: AnnouncementBook;
  private readonly options: MarketOptions;
  private cancelLookUp: () => void;
  private network: MarketNetwork | undefined;
  private isStopped = false;

  constructor(options: MarketOptions) {
    this.options = options;
    const { store, outbox, clock, timers, alarms, bus, signerOf, chain } = options;
    const shared = { clock, timers, signerOf, wallet: store };
    this.orders = new Orders({
      ...shared,
      map: store.market,
      chain: (groupId, peers) => this.chainOf(groupId, peers),
      fetchPackage: (packageHash, peers, signal) => this.fetchPackage(packageHash, peers, signal),
    });
    this.announcements = new AnnouncementBook({ map: store.market, clock });
    this.granter = new Granter({
      ...shared,
      alarms,
      outbox,
      chain,
      readerOf: (groupId) => store.group(groupId),
    });
    bus.moment$.subscribe((event) => {
      // The sealer's word about what was sent may have come while the submitter was not waiting any more.
      if (event.kind === 'tx.refused') this.orders.wake(event.groupId);
    });
    this.cancelLookUp = timers.after(LOOK_UP_DELAY_MS, () => void this.lookUp());
  }

  /** Takes in what a committed block of a group wrote. */
  observe(groupId: Hex32, writes: WriteSet): void {
    if (this.isStopped || writes.of(purchaseTable) === undefined) return;
    this.granter.observe(groupId, writes);
    this.orders.wake(groupId);
  }

  /** Looks at a group again: the disk may have a block whose commit was never told. */
  reload(groupId: Hex32): void {
    if (this.isStopped) return;
    this.orders.wake(groupId);
    // Not in the caller's turn: what is wrong here is no failure of the chain's, and shall be seen.
    setImmediate(() => {
      if (!this.isStopped) this.granter.look(groupId);
    });
  }

  /** Goes on with all orders, and grants what was bought meanwhile; later, where the disk keeps it from that. */
  private async lookUp(): Promise<void> {
    const { store, clock } = this.options;
    try {
      this.orders.resume();
      await store.artifacts.dropPartials(clock.nowMs());
      let count = 0;
      for (const groupId of this.options.groupIds()) {
        if (++count % GROUPS_PER_TURN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
        if (this.isStopped) return;
        this.granter.look(groupId);
      }
    } catch (error) {
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
      this.cancelLookUp = this.options.timers.after(LOOK_UP_RETRY_MS, () => void this.lookUp());
    }
  }

  /** A network runs: orders that wait for one look again. */
  connect(network: MarketNetwork): void {
    this.network = network;
    this.orders.wake();
  }

  disconnect(network: MarketNetwork): void {
    if (this.network === network) this.network = undefined;
  }

  /**
   * Buys an offer for an identity of this node, in a group that is here or elsewhere; see `Orders.buy`.
   * `orders.until` waits for its end, `orders.open` opens what came.
   */
  buy({ as, ...request }: Omit<BuyRequest, 'buyer'> & { readonly as: string }): Promise<Order> {
    return this.orders.buy({ ...request, buyer: this.options.signerNamed(as).signer });
  }

  /**
   * Announces an offer of an identity of this node to people outside the group, now and for as long as it is open and
   * a network runs.
   * @param options.at where buyers reach this node; where it is known to listen, if not given
   * @throws NotFoundError, RefusedError `not_seller`, UsageError
   */
  async announce(
    groupId: Hex32,
    offer: Hex32,
    options: { readonly at?: PeerHint } = {},
  ): Promise<Announcement> {
    const { store, signerOf, hints } = this.options;
    const found = new GroupView(new StoredState(store.group(groupId)), { height: 0, tsMs: 0 }).offer(offer);
    if (found === undefined) throw new NotFoundError(`there is no offer ${offer.slice(0, 8)} in the group`);
    const { seller, title, tags, price, packageHash, expiresMs } = found;
    const signer = signerOf(seller);
    if (signer === undefined) throw new RefusedError(refuse('not_seller', { seller }));
    const at = options.at ?? hints()[0];
    if (at === undefined)
      throw new UsageError(
        'it is not known where buyers could reach this node; start its network, or name host and port',
      );
    const where = { node: at.key, addresses: at.addresses };
    const content = { groupId, offer, title, tags, price, packageHash, expiresMs, ...where };
    const heard = await this.announcements.announce(signer, content);
    await this.network?.publish([heard]);
    return heard.announcement;
  }

  private chainOf(groupId: Hex32, peers: readonly PeerHint[]): MarketChain {
    const { outbox, chain } = this.options;
    const here = this.groupHere(groupId);
    if (here !== undefined) {
      return memberChain({
        store: here,
        outbox,
        chain: () => chain(groupId),
        refresh: () => this.network?.refresh(groupId),
        catchUp: async () => this.network?.catchUp(groupId) ?? false,
      });
    }
    if (this.network !== undefined) return this.network.strangerChain(groupId, peers);
    throw new MarketError('group_unreachable', `group ${groupId.slice(0, 8)} is not on this node`);
  }

  private groupHere(groupId: Hex32): GroupStore | undefined {
    const { store } = this.options;
    const group = store.hasGroup(groupId) ? store.group(groupId) : undefined;
    return group?.head() === undefined ? undefined : group;
  }

  private async fetchPackage(
    packageHash: Hex32,
    peers: readonly PeerHint[],
    signal?: AbortSignal,
  ): Promise<void> {
    if (this.options.store.artifacts.has(packageHash)) return;
    if (this.network === undefined)
      throw new MarketError(
        'package_unavailable',
        'the package is not on this node, and no network runs to fetch it',
      );
    await this.network.fetchPackage(packageHash, peers, signal);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.cancelLookUp();
    await this.granter.stop();
    await this.orders.stop();
  }
}
