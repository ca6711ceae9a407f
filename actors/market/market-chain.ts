/**
 * A group's chain as a buyer sees it: two adapters, one for members, who follow it, and one for strangers, who are
 * shown proofs of what concerns them (`protocol/market/`).
 */

import { sha256 } from '../../crypto/hash.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { PurchaseStatus } from '../../events/effects.ts';
import { TRANSACTION_AGE_MS_MAX } from '../../events/limits.ts';
import type { Policy } from '../../events/operations/group.ts';
import type { Refusal } from '../../events/refusals.ts';
import type { Operation } from '../../events/registry.ts';
import { decodeTransaction, type VerifiedTransaction } from '../../events/transaction.ts';
import { replacedId } from '../../machines/spent.ts';
import { openPurchaseTable, purchaseTable } from '../../machines/tables.ts';
import type { GroupStore } from '../../storage/port.ts';
import type { GroupChain } from '../chain/chain.ts';
import { NotFoundError } from '../errors.ts';
import { GroupView, type Offer, type Purchase, StoredState } from '../group-view.ts';
import type { PeerHint } from '../invites.ts';
import type { Outbox } from '../outbox.ts';
import { type Order, ownPurchaseOf, transactionOf } from './order.ts';

/** What a buyer needs to know of an offer. */
export type OfferTerms = Pick<
  Offer,
  'offer' | 'seller' | 'title' | 'price' | 'packageHash' | 'keyHash' | 'expiresMs' | 'revoked'
> &
  Windows;

/** The windows of a purchase, which the buyer agrees to by name. */
export interface Windows {
  readonly grantWindowMs: number;
  readonly disputeWindowMs: number;
}

/** The windows that a group's policy gives a purchase now. */
export function windowsOf(policy: Policy): Windows {
  return { grantWindowMs: policy.grant_window_ms, disputeWindowMs: policy.dispute_window_ms };
}

/** What a buyer needs to know about their purchase. */
export interface PurchaseFacts {
  readonly purchase: Hex32;
  readonly status: PurchaseStatus;
  /** For strangers these two are what a peer says, and only decide when to ask. */
  readonly grantUntilMs: number | undefined;
  readonly disputeUntilMs: number | undefined;
  readonly sealedKey: Uint8Array | undefined;
}

/** What became of a transaction; where it is sealed, the chain says more. */
export type Submitted =
  | { readonly status: 'sealed' }
  | { readonly status: 'refused'; readonly refusal: Refusal };

export interface MarketChain {
  /** Whether the chain has to be asked; a member hears without asking. */
  readonly isStranger: boolean;
  /** Sees to it that news come, where that needs asking. */
  refresh(): void;
  /** @throws NotFoundError, and NetworkError where nobody could be asked */
  offer(offer: Hex32): Promise<OfferTerms>;
  /** What became of an order's purchase; nothing where the chain does not have it. */
  purchaseOf(order: Order): Promise<PurchaseFacts | undefined>;
  /** What the buyer could pay with; nothing where that is not known here. */
  balance(buyer: Hex32): bigint | undefined;
  /** The buyer's open purchase of an offer, as far as it is known here. */
  openPurchase(
    buyer: Hex32,
    offer: Hex32,
  ): { readonly purchase: Hex32; readonly buyerKey: Hex32 } | undefined;
  /**
   * Has a signed transaction sealed; the same one twice is harmless.
   * @throws PendingError when it is kept and under way, NetworkError when it is not
   */
  submit(transaction: VerifiedTransaction): Promise<Submitted>;
  /** Whether such an operation of the buyer's waits for the sealer already. */
  isUnderWay(type: Operation['type'], purchase: Hex32): boolean;
  /** Why a transaction was refused while nobody waited for it. */
  refusalOf(txId: Hex32): Refusal | undefined;
  /** The transaction that waits for the sealer in the place of `txId`, which may be signed anew by now. */
  isWaiting(txId: Hex32): boolean;
  /** Where the group and its packages were found. */
  readonly peers: readonly PeerHint[];
}

interface MemberChainParts {
  readonly store: GroupStore;
  readonly outbox: Outbox;
  chain(): GroupChain;
  /** Asks the group's other members for what is new. */
  refresh(): void;
  /** Waits for what they have, within bounds; says whether the group is as new as they know it. */
  catchUp(): Promise<boolean>;
}

/** The chain of a group that this node follows or seals. */
export function memberChain({ store, outbox, chain, refresh, catchUp }: MemberChainParts): MarketChain {
  const { groupId } = store;
  const state = new StoredState(store);
  const view = (): GroupView => new GroupView(state, { height: 0, tsMs: 0 });
  const isWaiting = (txId: Hex32): boolean =>
    outbox.pending(groupId).some((entry) => entry.txId === txId || entry.replaced.includes(txId));
  return {
    isStranger: false,
    refresh,
    peers: [],
    offer: async (offer) => {
      const known = view().offer(offer);
      if (known !== undefined) return { ...known, ...windowsOf(view().policy()) };
      // Made a moment ago, perhaps, and on its way here.
      const isLevel = await catchUp();
      const found = view().offer(offer);
      if (found !== undefined) return { ...found, ...windowsOf(view().policy()) };
      const where = isLevel ? 'in the group' : 'in the group as far as this node has it';
      throw new NotFoundError(`there is no offer ${offer.slice(0, 8)} ${where}`);
    },
    purchaseOf: async (order) => {
      const found = knownPurchase(state, order);
      if (found !== undefined || !mayBeAnother(store, order, isWaiting)) return found;
      // Closed while nobody looked, under a transaction that is not the order's: rare, and worth a walk.
      return view()
        .purchases()
        .find(({ buyerKey }) => buyerKey === order.order);
    },
    balance: (buyer) => view().balance(buyer),
    openPurchase: (buyer, offer) => {
      const purchase = state.get(openPurchaseTable, `${buyer}/${offer}`)?.purchase;
      return purchase === undefined ? undefined : view().purchase(purchase);
    },
    submit: (transaction) => chain().submitOwn(transaction),
    isUnderWay: (type, purchase) =>
      outbox
        .pending(groupId)
        .some(({ transaction }) =>
          decodeTransaction(transaction).operations.some(
            (operation) =>
              operation.type === type && 'purchase' in operation && operation.purchase === purchase,
          ),
        ),
    refusalOf: (txId) =>
      outbox.refused(groupId).find((entry) => entry.txId === txId || entry.replaced.includes(txId))?.refusal,
    isWaiting,
  };
}

/** The order's purchase, by its one-time key, at the places where it stands as a rule. */
function knownPurchase(state: StoredState, order: Order): Purchase | undefined {
  const { buyer, offer } = order;
  const open = state.get(openPurchaseTable, `${buyer}/${offer}`)?.purchase;
  for (const purchase of [order.purchase, open, ownPurchaseOf(order)]) {
    const record = purchase === undefined ? undefined : state.get(purchaseTable, purchase);
    if (record?.buyerKey === order.order) return { ...record, purchase: purchase! };
  }
  return undefined;
}

/**
 * Whether another transaction may have made the purchase than the one that the order holds: a purchase that was taken
 * up had none here, and one that waited for a day may have been signed anew.
 */
function mayBeAnother(store: GroupStore, order: Order, isWaiting: (txId: Hex32) => boolean): boolean {
  if (order.transaction.length === 0) return true;
  const { txId, tsMs } = transactionOf(order);
  const isReplaced = store.replacement(replacedId(order.buyer, txId, sha256)) !== undefined;
  return isReplaced || (store.head()!.tsMs > tsMs + TRANSACTION_AGE_MS_MAX && !isWaiting(txId));
}
