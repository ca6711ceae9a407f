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
  /** The group takes nothing until `retryAtMs`; where that is absent, until somebody loads it again. */
  | {
      readonly kind: 'group.halted';
      readonly groupId: Hex32;
      readonly reason: string;
      readonly retryAtMs?: number;
    }
  | { readonly kind: 'group.restarted'; readonly groupId: Hex32 }
  | {
      readonly kind: 'task.overdue';
      readonly groupId: Hex32;
      readonly task: string;
      readonly dueMs: number;
      readonly assignee?: Hex32;
    }
  | {
      readonly kind: 'task.leaseExpired';
      readonly groupId: Hex32;
      readonly task: string;
      readonly leaseUntilMs: number;
      readonly attempt: number;
      readonly assignee?: Hex32;
    }
  | {
      readonly kind: 'presence.stale';
      readonly groupId: Hex32;
      readonly member: Hex32;
      readonly lastSeenMs: number;
    }
  /** The wall clock moved against the monotonic one; `message` is the line for people. Below zero: backwards. */
  | { readonly kind: 'clock.jumped'; readonly jumpMs: number; readonly message: string }
  | { readonly kind: 'clock.restored' }
  /** A group's read models could not be used as they were, and are made again from the log. */
  | { readonly kind: 'views.rebuilt'; readonly groupId: Hex32; readonly reason: string }
  /** Read models that have a long way to go, now and then, and when they have arrived. */
  | {
      readonly kind: 'views.progress';
      readonly groupId: Hex32;
      readonly height: number;
      readonly headHeight: number;
    }
  /** Read models do not follow the log at present: one group's, or all where none is named. */
  | { readonly kind: 'views.failed'; readonly groupId?: Hex32; readonly reason: string }
  | { readonly kind: 'peer.connected'; readonly peer: Hex32; readonly address: string }
  | { readonly kind: 'peer.disconnected'; readonly peer: Hex32 }
  /** A peer did what an honest one does not; for how long it is shut out, milliseconds. */
  | { readonly kind: 'peer.banned'; readonly peer: Hex32; readonly reason: string; readonly forMs: number }
  /**
   * A peer (its key), or an address from which nobody has proved a key, did what an honest one seldom does: told at
   * most once a minute of each. It is not shut out for that.
   */
  | { readonly kind: 'peer.suspected'; readonly who: string; readonly reason: string }
  /** Blocks that were fetched from peers; `target` is the greatest height that a peer has shown. */
  | {
      readonly kind: 'sync.progress';
      readonly groupId: Hex32;
      readonly height: number;
      readonly target: number;
      readonly status: SyncStatus;
    }
  /** Blocks behind a checkpoint that were fetched, judged and stored; at `target` all of the history is here. */
  | {
      readonly kind: 'history.progress';
      readonly groupId: Hex32;
      readonly height: number;
      readonly target: number;
    }
  /** The history does not lead to the state that a sealer has signed. */
  | {
      readonly kind: 'evidence.checkpoint';
      readonly groupId: Hex32;
      readonly height: number;
      readonly sealer: Hex32;
      readonly what: string;
    }
  /**
   * A sealer has sealed two blocks at one height; the one that came first is kept. The group is not followed while
   * that is `open`; what an admin has `decided`, or what the chain has left behind (`past`), stops nothing.
   */
  | {
      readonly kind: 'evidence.equivocation';
      readonly groupId: Hex32;
      readonly height: number;
      readonly sealer: Hex32;
      readonly blockIds: readonly [kept: Hex32, other: Hex32];
      readonly standing: 'open' | 'decided' | 'past';
    };

/** What the following of a group through the network is doing. */
export type SyncStatus = 'idle' | 'syncing' | 'backoff' | 'paused';

/** What one group's part of a gap was. */
export interface Gap {
  /** Where to resume from the log and miss nothing; absent when the gap began at the group's first event. */
  readonly after?: Cursor;
  /** The last event that was skipped. */
  readonly last: Cursor;
}

/** Told to a subscriber that was too slow, in the place of what it did not get. */
export interface EventsSkipped {
  readonly kind: 'events.skipped';
  /** Events of the log that were skipped; they can be read again from `gaps`. */
  readonly logEvents: number;
  /** Events of the moment that were skipped; those are gone. */
  readonly moments: number;
  /** One for each group with skipped events of the log, as far as they were counted. */
  readonly gaps: readonly Gap[];
  /** Groups with a gap that is not in `gaps`: too many at once. */
  readonly uncountedGroups: number;
}

const CURSOR = /^([0-9a-f]{64})\.(\d{1,15})\.(\d{1,9})$/;

/** A cursor as text: opaque to callers, stable for ever. */
export function formatCursor({ groupId, height, index }: Cursor): string {
  return `${groupId}.${height}.${index}`;
}

/** An index that no event reaches: the end of its block. */
const INDEX_PAST_BLOCK = 999_999_999;

/** The place right before an event, to resume after; nothing for the first event of a group. */
export function cursorBefore({ groupId, height, index }: Cursor): Cursor | undefined {
  if (index > 0) return { groupId, height, index: index - 1 };
  return height > 0 ? { groupId, height: height - 1, index: INDEX_PAST_BLOCK } : undefined;
}

/** The cursor that a text stands for, or nothing. */
export function parseCursor(text: string): Cursor | undefined {
  const match = CURSOR.exec(text);
  if (match === null) return undefined;
  return { groupId: match[1]!, height: Number(match[2]), index: Number(match[3]) };
}
