/** What a submitter gets: a receipt for what was sealed, or a refusal. */
import type { Hex32 } from './bytes.ts';
import type { Effect } from './effects.ts';
import type { Refusal } from './refusals.ts';

/** Says that a transaction is sealed and on disk, where, and what it brought about. */
export interface Receipt {
  readonly groupId: Hex32;
  readonly txId: Hex32;
  readonly height: number;
  /** Position in the block. */
  readonly index: number;
  readonly blockId: Hex32;
  /** Block time. */
  readonly tsMs: number;
  readonly effects: readonly Effect[];
}

export type Outcome =
  | { readonly status: 'sealed'; readonly receipt: Receipt }
  | { readonly status: 'refused'; readonly txId: Hex32; readonly refusal: Refusal };
