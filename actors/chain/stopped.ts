/** Why a chain takes nothing, and what becomes of it. */
import type { Hex32 } from '../../events/bytes.ts';

/** The chain is halted or closed and takes nothing. The cause tells more. */
export class ChainStoppedError extends Error {
  override readonly name = 'ChainStoppedError';
  readonly code: 'group_halted' | 'group_closed';
  /** When a halted group is loaded again by itself, wall time in milliseconds; absent where it is not. */
  readonly retryAtMs: number | undefined;

  constructor(code: 'group_halted' | 'group_closed', message: string, cause?: unknown, retryAtMs?: number) {
    super(message, { cause });
    this.code = code;
    this.retryAtMs = retryAtMs;
  }
}

/** What whoever comes to a halted group is told. */
export function haltedError(groupId: Hex32, error: Error, retryAtMs: number | undefined): ChainStoppedError {
  const next =
    retryAtMs === undefined
      ? 'it is not tried again by itself: audit it, then restart the node'
      : `it is tried again at ${new Date(retryAtMs).toISOString()}`;
  const message = `group ${groupId.slice(0, 8)} is halted: ${error.message}; ${next}`;
  return new ChainStoppedError('group_halted', message, error, retryAtMs);
}
