/** Whose turn it is with a purchase. */
import type { Purchase } from '../../actors/group-view.ts';

/** What can be done with a purchase, by whom, and until when. */
export interface NextStep {
  readonly by: 'seller' | 'buyer' | 'anyone';
  /** Of `lb`. */
  readonly verbs: readonly string[];
  readonly untilMs?: number;
}

/** What the rules would allow at this time; nothing where it is over. */
export function nextStep(purchase: Purchase, nowMs: number): NextStep | undefined {
  const { status, grantUntilMs, disputeUntilMs = 0 } = purchase;
  if (status === 'escrowed')
    return nowMs <= grantUntilMs
      ? { by: 'seller', verbs: ['grant'], untilMs: grantUntilMs }
      : { by: 'buyer', verbs: ['refund-purchase'] };
  if (status === 'granted')
    return nowMs <= disputeUntilMs
      ? { by: 'buyer', verbs: ['accept-purchase', 'dispute-purchase'], untilMs: disputeUntilMs }
      : { by: 'anyone', verbs: ['settle-purchase'] };
  return undefined;
}
