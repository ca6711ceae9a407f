/** Announcements held against the chain, which alone decides. */
import type { AnnouncementContent } from '../../events/announcement.ts';
import type { Offer } from '../group-view.ts';

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
  if (offer.revoked) return 'revoked';
  return offer.expiresMs !== undefined && offer.expiresMs <= nowMs ? 'expired' : undefined;
}
