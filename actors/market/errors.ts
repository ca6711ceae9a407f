/** What keeps a market from working that is neither a rule nor a bug. */

export type MarketErrorCode =
  /** Nobody who could be asked has the package, or no network runs to ask. */
  | 'package_unavailable'
  /** The group is not here, and no network runs to reach it. */
  | 'group_unreachable'
  /** What was announced is not what the chain says. */
  | 'offer_contradicted'
  /** An order is not over yet, and goes on later. */
  | 'order_pending'
  /** A peer's proofs do not show what they should. */
  | 'proof_rejected';

export class MarketError extends Error {
  override readonly name = 'MarketError';
  readonly code: MarketErrorCode;

  constructor(code: MarketErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
