/** A call that its caller has taken back. */

/** The caller does not wait for it any more. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
  readonly code = 'cancelled';

  constructor() {
    super('the caller took the call back');
  }
}

/** @throws CancelledError where the caller has gone */
export function assertWanted(signal: AbortSignal): void {
  if (signal.aborted) throw new CancelledError();
}
