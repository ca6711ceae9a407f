/** What is asked of the ledger and what it answers. */
import type { Hex32 } from '../../../events/bytes.ts';

export interface FileRow {
  readonly id: number;
  readonly path: Uint8Array;
  readonly content: Uint8Array;
  readonly label: string;
  readonly sections: number;
  readonly pass: number;
}

/** A section as an earlier pass left it. */
export interface SectionRow {
  /** The number of its claim in here. */
  readonly id: number;
  readonly claim: Hex32;
  readonly ordinal: number;
  readonly parent: number | null;
  readonly place: Uint8Array;
}

export interface ClaimRow {
  readonly id: number;
  readonly claim: Uint8Array;
}

/** A section where it stands now. */
export interface Standing {
  readonly file: number;
  readonly ordinal: number;
  /** The claim that stands above it now, which need not be the one that its claim names. */
  readonly parent: Hex32 | undefined;
  readonly text: string;
}
