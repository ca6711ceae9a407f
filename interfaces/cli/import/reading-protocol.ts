/** What the thread that reads documents is asked, and what it tells. */
import type { Entry } from './document.ts';

export interface ReadRequest {
  readonly kind: 'read';
  /** The file itself: no link. */
  readonly real: Uint8Array;
  /** Where it was found, and what was given that led there. */
  readonly path: Uint8Array;
  readonly root: Uint8Array;
  readonly encoding: string | undefined;
  /** What was read the last time; nothing more is told where it still is. */
  readonly known: { readonly content: Uint8Array; readonly label: string } | undefined;
}

/** One more batch of entries may be told. */
export interface Credit {
  readonly kind: 'credit';
}

/** The answers to a request: `failed`, or `document`, then (unless it is known) entries, then `end`. */
export type Told =
  | { readonly kind: 'failed'; readonly reason: string }
  | DocumentTold
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  | { readonly kind: 'end' };

export interface DocumentTold {
  readonly kind: 'document';
  readonly isKnown: boolean;
  readonly content: Uint8Array;
  readonly modifiedMs: number;
  readonly name: string;
  /** What its name and its place say of it, in one line: a document that moved has another one. */
  readonly label: string;
  /** Tags of its front matter, then those that follow from where it is. */
  readonly ownTags: readonly string[];
  readonly tags: readonly string[];
}

/** Batches that may be under way: a bound on what is in memory. */
export const CREDITS = 4;
