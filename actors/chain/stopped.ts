/** Why a chain takes nothing, and what becomes of it. */
import type { Hex32 } from '../../events/bytes.ts';
import { StorageError } from '../../storage/errors.ts';

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

/** What becomes of it. Damage says by itself how the group comes back. */
function nextOf(error: Error, retryAtMs: number | undefined): string {
  if (retryAtMs !== undefined) return `; it is tried again at ${new Date(retryAtMs).toISOString()}`;
  if (error instanceof StorageError && error.code === 'corrupt') return '';
  return '; it is not tried again by itself: audit it, then restart the node';
}

/** What whoever comes to a halted group is told. */
export function haltedError(groupId: Hex32, error: Error, retryAtMs: number | undefined): ChainStoppedError {
  const message = `group ${groupId.slice(0, 8)} is halted: ${error.message}${nextOf(error, retryAtMs)}`;
  return new ChainStoppedError('group_halted', message, error, retryAtMs);
}
