/**
 * Errors that the API throws. A refusal is a value where transactions are submitted; the typed methods, whose
 * callers expect the receipt, throw it wrapped.
 */
import type { Removal } from '../events/receipt.ts';
import { describeRefusal, type Refusal } from '../events/refusals.ts';

/** The rules said no. `refusal` says which and why. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code = 'refused';
  readonly refusal: Refusal;

  /** Where the author was a member once: when that ended. */
  readonly removal: Removal | undefined;

  constructor(refusal: Refusal, removal?: Removal) {
    super(`${refusal.code}: ${describeRefusal(refusal)}`);
    this.refusal = refusal;
    this.removal = removal;
  }
}

/** Nothing goes by that id or name here. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
  readonly code = 'not_found';
}

/** A prefix fits several ids. */
export class AmbiguousIdError extends Error {
  override readonly name = 'AmbiguousIdError';
  readonly code = 'ambiguous_id';
  readonly candidates: readonly string[];

  constructor(what: string, prefix: string, candidates: readonly string[]) {
    super(`${prefix} fits ${candidates.length} ${what}s: ${candidates.slice(0, 8).join(', ')}`);
    this.candidates = candidates;
  }
}

/** What the caller asked for makes no sense, whatever the state. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'usage';
}

/** The stored history does not judge as it should; an audit says what is wrong with it. */
export class BrokenHistoryError extends Error {
  override readonly name = 'BrokenHistoryError';
  readonly code = 'history_broken';
  readonly height: number;
  readonly refusal: Refusal;

  constructor(height: number, refusal: Refusal) {
    super(`the history is broken at height ${height}: ${refusal.code}: ${describeRefusal(refusal)}`);
    this.height = height;
    this.refusal = refusal;
  }
}

/** The group began at a checkpoint, and what was asked for lies in the history that is still being filled in. */
export class HistoryIncompleteError extends Error {
  override readonly name = 'HistoryIncompleteError';
  readonly code = 'history_incomplete';

  constructor(gap?: { readonly filled: number; readonly height: number }) {
    const far = gap === undefined ? '' : `: ${gap.filled} of ${gap.height} blocks are here and judged`;
    super(
      `the history of this group is still being fetched${far}; keep the node up, or run lb sync-now, and ask again later`,
    );
  }
}

/** The node was closed, or is being closed. */
export class NodeClosedError extends Error {
  override readonly name = 'NodeClosedError';
  readonly code = 'node_closed';

  constructor() {
    super('the node is closed');
  }
}
