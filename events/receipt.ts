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

/** The end of a membership: somebody was removed, or left. */
export interface Removal {
  /** Who is a member no more. */
  readonly member: Hex32;
  /** The block that says so, its time, and who had it done; absent where that lies too far back to be looked for. */
  readonly height?: number;
  readonly tsMs?: number;
  readonly by?: Hex32;
}

export type Outcome =
  | { readonly status: 'sealed'; readonly receipt: Receipt }
  | {
      readonly status: 'refused';
      readonly txId: Hex32;
      readonly refusal: Refusal;
      /** Where the author was a member once, and the refusal may be for that: when it ended. */
      readonly removal?: Removal;
    };
