/** What can be asked of a group's read models, and what comes back: plain data that crosses threads and processes. */
import type { Hex32 } from '../events/bytes.ts';

/** `in`, `retracted`, or `out`: everything that it rests on is retracted or out itself. */
export type TruthStatus = 'in' | 'out' | 'retracted';

/** Which claims count. All conditions hold together. */
export interface ClaimFilter {
  /** Block time at or after this, milliseconds since 1970. */
  readonly sinceMs?: number;
  /** Block time before this. */
  readonly untilMs?: number;
  /** Claims with every one of these tags. */
  readonly tags?: readonly string[];
  readonly author?: Hex32;
  /** Claims of the thread that this claim belongs to. */
  readonly thread?: Hex32;
  readonly status?: TruthStatus;
}

/** A question to `compileContext`. */
export interface ContextQuestion extends ClaimFilter {
  /** Any text; nothing in it is syntax. Empty: the latest claims. */
  readonly query: string;
  /** How many claims at most; 8 if not given. */
  readonly topK?: number;
  /** How long the slice may be, in estimated tokens; 2,000 if not given. */
  readonly maxTokens?: number;
  /** What to rank by: both (default), or one of the two. */
  readonly rankBy?: 'both' | 'words' | 'meaning';
  /** How long to wait for claims that have no vector yet, milliseconds; 0 (default) answers with what is there. */
  readonly waitForMeaningMs?: number;
}

/** How far the read models of a group are. */
export interface ViewProgress {
  /** What is answered from: exactly the log up to this height. −1: nothing yet. */
  readonly height: number;
  /** The height of the log. */
  readonly headHeight: number;
  readonly claims: number;
  /** Claims whose text is here, so that words find them. */
  readonly withText: number;
  /** Of those, how many meaning finds too. */
  readonly embedded: number;
  /** The model that their vectors are of. */
  readonly model?: string;
  /** Why there is no search by meaning at present. */
  readonly meaningUnavailable?: string;
}

/** A claim as answers show it. */
export interface ShownClaim {
  readonly claim: Hex32;
  readonly author: Hex32;
  /** The name that the author chose in the group. */
  readonly authorName?: string;
  readonly tsMs: number;
  readonly height: number;
  /** With the height, the claim's place in the event stream. */
  readonly index: number;
  readonly tags: readonly string[];
  readonly status: TruthStatus;
  readonly reason?: string;
  readonly parent?: Hex32;
  readonly root: Hex32;
  /** Replies between it and the root of its thread. */
  readonly depth: number;
  /** Nothing where the artifact is not here. */
  readonly text?: string;
}

/** A claim of a slice. */
export interface ContextClaim extends ShownClaim {
  /** Its number in the slice. */
  readonly number: number;
  /** By reciprocal rank; comparable within one answer only. */
  readonly score: number;
  /** Claims that say the same and were folded into this one. */
  readonly same: readonly Hex32[];
}

export interface ContextAnswer {
  /** Text that is ready for a prompt. */
  readonly slice: string;
  /** The claims of the slice in its order. */
  readonly claims: readonly ContextClaim[];
  /** Their ids. */
  readonly claimIds: readonly Hex32[];
  /** What they were ranked by: `recent` for a query without words. */
  readonly rankedBy: 'both' | 'words' | 'meaning' | 'recent';
  /** The estimated length of the slice. */
  readonly tokens: number;
  readonly progress: ViewProgress;
}

/** A question to `searchTasks`. */
export interface TaskQuestion {
  /** Any text; nothing in it is syntax. */
  readonly query: string;
  /** How many tasks at most; 1,000 if not given. */
  readonly limit?: number;
}

export interface TaskAnswer {
  /** The tasks whose id, title, description, tags, result or error fit best, best first. */
  readonly tasks: readonly { readonly task: string; readonly score: number }[];
  readonly progress: ViewProgress;
}

/** A node of the tree that explains a status. */
export interface WhyNode {
  readonly claim: Hex32;
  readonly status: TruthStatus;
  readonly author: Hex32;
  readonly authorName?: string;
  readonly tsMs: number;
  readonly text?: string;
  readonly retraction?: { readonly by: Hex32; readonly tsMs: number; readonly reason?: string };
  /** The claims that it rests on. One of them in is enough. */
  readonly restsOn: readonly WhyNode[];
  /** Experiences among its evidence: they neither support nor weaken. */
  readonly experiences: readonly Hex32[];
  /** Why `restsOn` is empty though there is something: it is explained elsewhere in the tree, or the tree is full. */
  readonly leftOut?: 'explained above' | 'too large';
}

export interface WhyAnswer {
  readonly why: WhyNode;
  readonly progress: ViewProgress;
}

/** A page of claims. */
export interface ClaimPage {
  readonly claims: readonly ShownClaim[];
  /** Where the next page begins: the `after` of the next question. Nothing at the end. */
  readonly next?: string;
  readonly progress: ViewProgress;
}

export interface UnreadAnswer {
  /** Claims of others that are later than what the identity has read. */
  readonly unread: number;
  /** The threads with the most of them. */
  readonly threads: readonly { readonly root: Hex32; readonly unread: number }[];
  /** How far it has read, as a cursor; nothing when it has not said so. */
  readonly readUpTo?: string;
  readonly progress: ViewProgress;
}

export interface EconomyQuestion {
  /** How many points in time at most. */
  readonly points: number;
}

/** What an offer has brought so far. */
export interface OfferEarnings {
  readonly offer: Hex32;
  readonly title: string;
  readonly seller: Hex32;
  readonly price: bigint;
  readonly isRevoked: boolean;
  /** Purchases by how they stand. */
  readonly sold: number;
  readonly open: number;
  readonly refunded: number;
  readonly disputed: number;
  /** To those among whom its income is split. */
  readonly earned: bigint;
  /** To the sellers of the offers that it owes royalties to. */
  readonly royaltiesPaid: bigint;
  /** Rounding, and what lay above an account's cap. */
  readonly toTreasury: bigint;
}

/** Where the money of a group is: Σ balances + treasury + escrowed = supply. */
export interface EconomyAnswer {
  readonly supply: bigint;
  readonly treasury: bigint;
  readonly escrowed: bigint;
  readonly overTime: readonly {
    readonly height: number;
    readonly tsMs: number;
    readonly supply: bigint;
    readonly treasury: bigint;
    readonly escrowed: bigint;
  }[];
  /** The richest first. */
  readonly balances: readonly { readonly account: Hex32; readonly amount: bigint }[];
  /** Royalties received, by account. */
  readonly royalties: readonly { readonly account: Hex32; readonly amount: bigint }[];
  /** What earned most first. */
  readonly offers: readonly OfferEarnings[];
  readonly progress: ViewProgress;
}

export interface TreasuryQuestion {
  /** The newest spends, at most so many. */
  readonly limit: number;
  /** As of this height instead of now. */
  readonly upTo?: number;
}

/** What went into the treasury of a group, and what was paid out of it. */
export interface TreasuryAnswer {
  readonly received: bigint;
  readonly spent: bigint;
  /** The newest first. */
  readonly spends: readonly {
    readonly height: number;
    readonly tsMs: number;
    readonly txId: Hex32;
    /** Who signed it. */
    readonly by: Hex32;
    readonly to: Hex32;
    readonly amount: bigint;
  }[];
  readonly progress: ViewProgress;
}
