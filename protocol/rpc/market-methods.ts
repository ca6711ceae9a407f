/** What nodes ask each other for the market: packages, announcements, and what strangers are shown of a chain. */
import { ANNOUNCEMENT_BYTES_MAX } from '../../events/announcement.ts';
import { blob, id, list, milliseconds, optional, record, timestamp, uint } from '../../events/fields.ts';
import { TRANSACTION_BYTES_MAX } from '../../events/limits.ts';
import * as limits from '../limits.ts';
import { method } from './method.ts';

/** A transaction with its paths and headers. */
const PROOF_BYTES_MAX = TRANSACTION_BYTES_MAX + 16 * 1024;
/** The greatest length that a package could claim; whoever fetches one has a bound of their own. */
const LENGTH_MAX = 2 ** 32 - 1;

const proof = blob(PROOF_BYTES_MAX);
const announcements = list(blob(ANNOUNCEMENT_BYTES_MAX), { max: limits.ANNOUNCEMENTS_PER_PAGE_MAX });

/** Codes go on from those in `methods.ts`, and are never reused either. */
export const marketMethods = {
  /** A part of a package from an offset on, and how long the whole is. For anybody. */
  package_get: method(
    14,
    record({ hash: id, offset: uint(LENGTH_MAX) }),
    record({ size: uint(LENGTH_MAX), bytes: blob(limits.PACKAGE_PART_BYTES_MAX) }),
  ),
  /**
   * Announcements that the peer knows and that no chain of its own contradicts, in order of seller and offer.
   */
  market_pull: method(
    15,
    record({ after: optional(record({ seller: id, offer: id })) }),
    record({ announcements, next: optional(record({ seller: id, offer: id })) }),
  ),
  /** Brings announcements; says how many of them were news. */
  market_push: method(
    16,
    record({ announcements }),
    record({ taken: uint(limits.ANNOUNCEMENTS_PER_PAGE_MAX) }),
  ),
  /** That a group has sealed an offer. For members, for whoever holds a balance, and where it was announced. */
  offer_proof: method(
    17,
    record({ groupId: id, offer: id }),
    record({ proof, grantWindowMs: milliseconds, disputeWindowMs: milliseconds }),
  ),
  /** What has become of a purchase: made, granted, ended. For members and its buyer; the times are the peer's word. */
  purchase_proofs: method(
    18,
    record({ groupId: id, purchase: id }),
    record({
      proofs: list(proof, { max: 3, min: 1 }),
      grantUntilMs: timestamp,
      disputeUntilMs: optional(timestamp),
    }),
  ),
  /**
   * Who came to seal a group after the block at a height: proofs of the hand-overs, each against its own block, in
   * order. For whoever may be shown the offer or the purchase that they name.
   */
  sealer_proofs: method(
    19,
    record({ groupId: id, subject: id, after: uint(2 ** 48 - 1) }),
    record({ proofs: list(proof, { max: limits.HAND_OVERS_PER_ANSWER_MAX }) }),
  ),
} as const;
