/**
 * The market: packages sold through escrow.
 *
 * A purchase moves the price into escrow; the seller grants the package's key, sealed to a key the buyer made
 * for this purchase; the buyer accepts, or lets the dispute window pass, and the price is paid out. Without a
 * grant in time the buyer takes their money back. Against a wrong key they reveal their one-time secret, and the
 * rule itself opens the sealed key and judges. The buyer names the windows they have agreed to, and deadlines are
 * fixed when the purchase is made, so that neither a change of policy nor of membership moves them, and whoever is owed something needs no role to claim it.
 *
 * What the rule can judge is the key, not the package: its bytes are public but not on the chain. So a buyer
 * fetches the package and checks its hash before they pay, and nobody can then keep it from them; that it
 * opens to what its title says remains the seller's word.
 */
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../events/bytes.ts';
import type { PurchaseStatus } from '../events/effects.ts';
import { BASIS_POINTS, OFFER_WEIGHT, PROOF_WEIGHT, ROYALTY_BPS_MAX } from '../events/limits.ts';
import type { Policy } from '../events/operations/group.ts';
import type { MarketOperation } from '../events/operations/market.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { OperationOf } from '../events/registry.ts';
import type { RuleContext, Rules } from './domain.ts';
import {
  basisPointsOf,
  basisPointsOwed,
  cannotPay,
  credit,
  creditTreasury,
  holdInEscrow,
  payEarned,
  releaseEscrow,
} from './ledger.ts';
import { nextPurchaseStatus, type PurchaseEvent } from './purchase.machine.ts';
import { lacksRole, roleOf } from './roles.ts';
import { keyHashOf, openSealedKey, type X25519 } from './sealed-key.ts';
import {
  type OfferRecord,
  offerTable,
  openPurchaseTable,
  type PurchaseRecord,
  policyTable,
  purchaseTable,
  sellerTable,
} from './tables.ts';

const OFFER_PREFIX = utf8('lb/offer/1\0');
const PURCHASE_PREFIX = utf8('lb/purchase/1\0');

const escrowOf = (purchase: Hex32): string => `purchase/${purchase}`;

/** SHA-256(prefix || txId || position of the operation as two bytes, big-endian). */
function derivedId(
  prefix: Uint8Array,
  txId: Uint8Array,
  operation: number,
  sha256: RuleContext['crypto']['sha256'],
): Hex32 {
  return toHex(sha256(concatBytes(prefix, txId, Uint8Array.of(operation >> 8, operation & 255))));
}

/** The id of the offer that the operation at `operation` of a transaction creates. */
export function offerIdOf(
  txId: Uint8Array,
  operation: number,
  sha256: RuleContext['crypto']['sha256'],
): Hex32 {
  return derivedId(OFFER_PREFIX, txId, operation, sha256);
}

/** The id of the purchase that the operation at `operation` of a transaction makes. */
export function purchaseIdOf(
  txId: Uint8Array,
  operation: number,
  sha256: RuleContext['crypto']['sha256'],
): Hex32 {
  return derivedId(PURCHASE_PREFIX, txId, operation, sha256);
}

const sumOfBps = (shares: readonly { bps: number }[]): number =>
  shares.reduce((sum, share) => sum + share.bps, 0);

function offerCreate(operation: OperationOf<'offer_create'>, context: RuleContext): Refusal | undefined {
  const { state, author, nowMs } = context;
  const { type: _, ...terms } = operation;
  const refused = lacksRole(context, 'member');
  if (refused !== undefined) return refused;
  if (terms.price === 0n) return refuse('amount_zero', {});
  const split = sumOfBps(terms.splits);
  if (split !== BASIS_POINTS) return refuse('split_sum', { sum: split });
  const royalty = sumOfBps(terms.parents);
  if (royalty > ROYALTY_BPS_MAX) return refuse('royalty_sum', { sum: royalty, max: ROYALTY_BPS_MAX });
  if (terms.expiresMs !== undefined && terms.expiresMs <= nowMs)
    return refuse('offer_expiry_past', { expiresMs: terms.expiresMs, nowMs });
  context.weigh(OFFER_WEIGHT * terms.parents.length);
  for (const { offer } of terms.parents)
    if (state.get(offerTable, offer) === undefined) return refuse('offer_unknown', { offer });
  const offer = offerIdOf(context.txIdBytes, context.operationIndex, context.crypto.sha256);
  state.put(offerTable, offer, { ...terms, seller: author, createdMs: nowMs, revoked: false });
  context.emit({ kind: 'offer.created', offer, seller: author, title: terms.title, price: terms.price });
  return undefined;
}

function offerRevoke(operation: OperationOf<'offer_revoke'>, context: RuleContext): Refusal | undefined {
  const { state, author } = context;
  const { offer } = operation;
  context.weigh(OFFER_WEIGHT);
  const record = state.get(offerTable, offer);
  if (record === undefined) return refuse('offer_unknown', { offer });
  if (author !== record.seller && roleOf(state, author) !== 'admin')
    return refuse('not_seller', { seller: record.seller });
  if (record.revoked) return refuse('offer_revoked', { offer });
  state.put(offerTable, offer, { ...record, revoked: true });
  context.emit({ kind: 'offer.revoked', offer, by: author });
  return undefined;
}

function notForSale(offer: Hex32, record: OfferRecord, context: RuleContext): Refusal | undefined {
  if (record.revoked) return refuse('offer_revoked', { offer });
  if (record.expiresMs !== undefined && context.nowMs >= record.expiresMs)
    return refuse('offer_expired', { offer, expiresMs: record.expiresMs });
  return record.seller === context.author ? refuse('own_offer', { offer }) : undefined;
}

function purchase(operation: OperationOf<'purchase'>, context: RuleContext): Refusal | undefined {
  const { state, author: buyer, nowMs } = context;
  const { offer, amount, buyerKey, grantWindowMs, disputeWindowMs } = operation;
  context.weigh(OFFER_WEIGHT);
  const record = state.get(offerTable, offer);
  if (record === undefined) return refuse('offer_unknown', { offer });
  const unavailable = notForSale(offer, record, context);
  if (unavailable !== undefined) return unavailable;
  if (amount !== record.price) return refuse('price_mismatch', { price: record.price, amount });
  const changed = otherTerms(operation, state.get(policyTable, '')!);
  if (changed !== undefined) return changed;
  const open = state.get(openPurchaseTable, `${buyer}/${offer}`);
  if (open !== undefined) return refuse('purchase_open', { purchase: open.purchase });
  const poor = cannotPay(state, buyer, amount);
  if (poor !== undefined) return poor;
  const purchaseId = purchaseIdOf(context.txIdBytes, context.operationIndex, context.crypto.sha256);
  holdInEscrow(state, buyer, escrowOf(purchaseId), amount);
  state.put(openPurchaseTable, `${buyer}/${offer}`, { purchase: purchaseId });
  write(context, purchaseId, {
    offer,
    buyer,
    buyerKey,
    amount,
    status: 'escrowed',
    createdMs: nowMs,
    grantUntilMs: nowMs + grantWindowMs,
    disputeWindowMs,
    disputeUntilMs: undefined,
    sealedKey: undefined,
  });
  return undefined;
}

/** Refuses a purchase under other windows than the policy's present ones: the buyer agreed to something else. */
function otherTerms(
  { grantWindowMs, disputeWindowMs }: OperationOf<'purchase'>,
  policy: Policy,
): Refusal | undefined {
  const { grant_window_ms, dispute_window_ms } = policy;
  return grantWindowMs === grant_window_ms && disputeWindowMs === dispute_window_ms
    ? undefined
    : refuse('terms_changed', { grantWindowMs: grant_window_ms, disputeWindowMs: dispute_window_ms });
}

function write(context: RuleContext, purchase: Hex32, record: PurchaseRecord): void {
  const { offer, buyer, status, amount } = record;
  context.state.put(purchaseTable, purchase, record);
  context.emit({ kind: 'purchase.changed', purchase, offer, buyer, status, amount });
}

/** The purchase and its next state, or why the event or its author does not fit. */
function proceed(
  context: RuleContext,
  purchase: Hex32,
  event: PurchaseEvent,
  by: 'seller' | 'buyer' | 'anyone',
): { record: PurchaseRecord; status: PurchaseStatus } | Refusal {
  const { state, author } = context;
  context.weigh(OFFER_WEIGHT);
  const record = state.get(purchaseTable, purchase);
  if (record === undefined) return refuse('purchase_unknown', { purchase });
  const { buyer, offer } = record;
  const { seller } = state.get(offerTable, offer)!;
  if (by === 'seller' && author !== seller) return refuse('not_seller', { seller });
  if (by === 'buyer' && author !== buyer) return refuse('not_buyer', { buyer });
  const status = nextPurchaseStatus(record.status, event);
  return status === undefined
    ? refuse('purchase_state', { purchase, status: record.status, event })
    : { record, status };
}

function grant(operation: OperationOf<'grant'>, context: RuleContext): Refusal | undefined {
  const { nowMs } = context;
  const { purchase, sealedKey } = operation;
  const step = proceed(context, purchase, 'grant', 'seller');
  if ('code' in step) return step;
  const { record, status } = step;
  if (nowMs > record.grantUntilMs)
    return refuse('grant_window_closed', { purchase, untilMs: record.grantUntilMs });
  const disputeUntilMs = nowMs + record.disputeWindowMs;
  // The sealed key is a view into the transaction's bytes; the record must own what it keeps.
  write(context, purchase, { ...record, status, sealedKey: sealedKey.slice(), disputeUntilMs });
  return undefined;
}

function accept(operation: OperationOf<'purchase_accept'>, context: RuleContext): Refusal | undefined {
  const { purchase } = operation;
  const step = proceed(context, purchase, 'accept', 'buyer');
  if ('code' in step) return step;
  payOut(context, purchase, { ...step.record, status: step.status });
  return undefined;
}

function settle(operation: OperationOf<'purchase_settle'>, context: RuleContext): Refusal | undefined {
  const { purchase } = operation;
  const step = proceed(context, purchase, 'settle', 'anyone');
  if ('code' in step) return step;
  const untilMs = step.record.disputeUntilMs!;
  if (context.nowMs <= untilMs) return refuse('dispute_window_open', { purchase, untilMs });
  payOut(context, purchase, { ...step.record, status: step.status });
  return undefined;
}

/** Ends a purchase: its escrow is emptied, and the buyer may buy the offer again. */
function close(context: RuleContext, purchase: Hex32, record: PurchaseRecord): bigint {
  write(context, purchase, record);
  context.state.delete(openPurchaseTable, `${record.buyer}/${record.offer}`);
  return releaseEscrow(context.state, escrowOf(purchase));
}

/**
 * Royalties of the price first, then the splits of the rest, and what rounding leaves to the treasury. A royalty is
 * owed and rounded up, so that many small prices pay no less of it than one large one; never more than there is.
 */
function payOut(context: RuleContext, purchase: Hex32, record: PurchaseRecord): void {
  const { state } = context;
  const price = close(context, purchase, record);
  const offer = state.get(offerTable, record.offer)!;
  context.weigh(OFFER_WEIGHT * offer.parents.length);
  let left = price;
  for (const parent of offer.parents) {
    let royalty = basisPointsOwed(price, parent.bps);
    if (royalty > left) royalty = left;
    left -= royalty;
    earn(context, purchase, state.get(offerTable, parent.offer)!.seller, royalty, 'royalty');
  }
  const rest = left;
  for (const split of offer.splits) {
    const share = basisPointsOf(rest, split.bps);
    left -= share;
    earn(context, purchase, split.to, share, 'split');
  }
  if (left === 0n) return;
  creditTreasury(state, left);
  context.emit({ kind: 'payout.to_treasury', purchase, amount: left, because: 'dust' });
}

/** Income from a sale: up to the account's cap to the account, what lies above it to the treasury. */
function earn(
  context: RuleContext,
  purchase: Hex32,
  to: Hex32,
  amount: bigint,
  as: 'royalty' | 'split',
): void {
  const { paid, above } = payEarned(context.state, to, amount);
  if (paid > 0n) context.emit({ kind: 'payout.made', purchase, to, amount: paid, as });
  if (above > 0n) context.emit({ kind: 'payout.to_treasury', purchase, amount: above, because: 'cap' });
}

function refund(operation: OperationOf<'purchase_refund'>, context: RuleContext): Refusal | undefined {
  const { state, nowMs } = context;
  const { purchase } = operation;
  const step = proceed(context, purchase, 'refund', 'buyer');
  if ('code' in step) return step;
  const { record, status } = step;
  const { buyer, grantUntilMs: untilMs } = record;
  if (nowMs <= untilMs) return refuse('grant_window_open', { purchase, untilMs });
  credit(state, buyer, close(context, purchase, { ...record, status }));
  return undefined;
}

function dispute(operation: OperationOf<'purchase_dispute'>, context: RuleContext): Refusal | undefined {
  const { state, nowMs, crypto } = context;
  const { purchase, oneTimeSecret } = operation;
  const step = proceed(context, purchase, 'dispute', 'buyer');
  if ('code' in step) return step;
  const { record, status } = step;
  const { buyer, disputeUntilMs } = record;
  const untilMs = disputeUntilMs!;
  if (nowMs > untilMs) return refuse('dispute_window_closed', { purchase, untilMs });
  context.weigh(PROOF_WEIGHT);
  if (toHex(crypto.x25519.publicKey(oneTimeSecret)) !== record.buyerKey)
    return refuse('dispute_secret_mismatch', { purchase });
  const offer = state.get(offerTable, record.offer)!;
  if (opensRightly(crypto.x25519, record, purchase, offer, oneTimeSecret))
    return refuse('dispute_unfounded', { purchase });
  credit(state, buyer, close(context, purchase, { ...record, status }));
  const disputesLost = (state.get(sellerTable, offer.seller)?.disputesLost ?? 0) + 1;
  state.put(sellerTable, offer.seller, { disputesLost });
  context.emit({ kind: 'seller.marked', seller: offer.seller, purchase, disputesLost });
  return undefined;
}

/** Whether the sealed key opens with the buyer's secret to the key that the offer promised. */
function opensRightly(
  x25519: X25519,
  record: PurchaseRecord,
  purchase: Hex32,
  offer: OfferRecord,
  buyerSecret: Uint8Array,
): boolean {
  const key = openSealedKey(x25519, {
    sealedKey: record.sealedKey!,
    buyerSecret,
    purchaseId: fromHex(purchase),
  });
  return key !== undefined && toHex(keyHashOf(key)) === offer.keyHash;
}

export const marketRules: Rules<MarketOperation> = {
  offer_create: offerCreate,
  offer_revoke: offerRevoke,
  purchase,
  grant,
  purchase_accept: accept,
  purchase_settle: settle,
  purchase_refund: refund,
  purchase_dispute: dispute,
};
