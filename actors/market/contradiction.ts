/** Offers as the chain has them, and announcements held against that: the chain alone decides. */
import type { AnnouncementContent } from '../../events/announcement.ts';
import type { Offer } from '../group-view.ts';

/** Whether an offer can be bought, or why not. */
export function offerState({ revoked, expiresMs }: Offer, nowMs: number): 'open' | 'revoked' | 'expired' {
  if (revoked) return 'revoked';
  return expiresMs !== undefined && expiresMs <= nowMs ? 'expired' : 'open';
}

/** In what the chain says otherwise than an announcement. */
export type Contradiction =
  | 'not_on_chain'
  | 'other_seller'
  | 'other_price'
  | 'other_package'
  | 'other_title'
  | 'revoked'
  | 'expired';

/**
 * What the chain says otherwise; nothing where it says the same.
 * @param offer the offer as the chain has it, if it has it
 */
export function contradictionOf(
  announcement: AnnouncementContent,
  offer: Offer | undefined,
  nowMs: number,
): Contradiction | undefined {
  if (offer === undefined) return 'not_on_chain';
  if (offer.seller !== announcement.seller) return 'other_seller';
  if (offer.price !== announcement.price) return 'other_price';
  if (offer.packageHash !== announcement.packageHash) return 'other_package';
  if (offer.title !== announcement.title) return 'other_title';
  const state = offerState(offer, nowMs);
  return state === 'open' ? undefined : state;
}
