/**
 * What happens, told to whoever listens. Events of the log carry their place in it, and that triple of group,
 * height and index is the cursor to resume from; time never is. Events of the moment (a refusal, a halt) have
 * no place in the log and cannot be resumed.
 */
import type { Hex32 } from './bytes.ts';
import type { Effect } from './effects.ts';
import type { Refusal } from './refusals.ts';

/** Where an event stands. `index` counts within the block: its effects in order, then `block.sealed`. */
export interface Cursor {
  readonly groupId: Hex32;
  readonly height: number;
  readonly index: number;
}

/** The end of a block, after all its effects. */
export interface BlockSealed {
  readonly kind: 'block.sealed';
  readonly blockId: Hex32;
  readonly sealer: Hex32;
  readonly transactions: number;
}

/** An event of the log. */
export interface LogEvent extends Cursor {
  readonly tsMs: number;
  /** The transaction that caused it; absent for `block.sealed`. */
  readonly txId?: Hex32;
  readonly author?: Hex32;
  readonly event: Effect | BlockSealed;
}

/** An event of the moment. */
export type MomentEvent =
  | { readonly kind: 'tx.refused'; readonly groupId: Hex32; readonly txId: Hex32; readonly refusal: Refusal }
  | { readonly kind: 'group.opened'; readonly groupId: Hex32 }
  | { readonly kind: 'group.halted'; readonly groupId: Hex32; readonly reason: string }
  | { readonly kind: 'peer.connected'; readonly peer: Hex32; readonly address: string }
  | { readonly kind: 'peer.disconnected'; readonly peer: Hex32 }
  /** A peer did what an honest one does not; for how long it is shut out, milliseconds. */
  | { readonly kind: 'peer.banned'; readonly peer: Hex32; readonly reason: string; readonly forMs: number }
  /** Blocks that were fetched from peers; `target` is the greatest height that a peer has shown. */
  | {
      readonly kind: 'sync.progress';
      readonly groupId: Hex32;
      readonly height: number;
      readonly target: number;
      readonly status: SyncStatus;
    }
  /** A sealer has sealed two blocks at one height; the one that came first is kept. */
  | {
      readonly kind: 'evidence.equivocation';
      readonly groupId: Hex32;
      readonly height: number;
      readonly sealer: Hex32;
      readonly blockIds: readonly [kept: Hex32, other: Hex32];
    }
  | { readonly kind: 'presence.stale'; readonly groupId: Hex32; readonly member: Hex32 };

/** What the following of a group through the network is doing. */
export type SyncStatus = 'idle' | 'syncing' | 'backoff' | 'paused';

const CURSOR = /^([0-9a-f]{64})\.(\d{1,15})\.(\d{1,9})$/;

/** A cursor as text: opaque to callers, stable for ever. */
export function formatCursor({ groupId, height, index }: Cursor): string {
  return `${groupId}.${height}.${index}`;
}

/** The cursor that a text stands for, or nothing. */
export function parseCursor(text: string): Cursor | undefined {
  const match = CURSOR.exec(text);
  if (match === null) return undefined;
  return { groupId: match[1]!, height: Number(match[2]), index: Number(match[3]) };
}
