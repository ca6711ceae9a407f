/** How refusals are said: sentences made of names, money and times, as far as whoever says them knows these. */
import type { Hex32 } from '../../../events/bytes.ts';
import type { RefusalCode, RefusalOf } from '../../../events/refusals.ts';
import { formatMoment, shortId } from '../text.ts';

export interface Say {
  /** What a key is called. */
  name(key: Hex32): string;
  /** An amount with its unit. */
  tokens(amount: bigint): string;
  readonly nowMs: number;
  /** Who signed. */
  readonly signer?: string;
}

/** What is known without a node: nothing but the refusal itself. */
export const plainSay = (nowMs: number): Say => ({
  name: shortId,
  tokens: (amount) => `${amount} ${amount === 1n ? 'token' : 'tokens'}`,
  nowMs,
});

/** Why it was refused, and what to do about it. Neither begins with a capital nor ends with a full stop. */
export interface Explanation {
  readonly why: string;
  readonly next: string;
}

/** What is said to each code. */
export type Words = {
  readonly [K in RefusalCode]: (refusal: RefusalOf<K>, say: Say) => readonly [why: string, next: string];
};
/** To the codes of one domain: explain.ts puts them together, and there the compiler asks for what is missing. */
export type SomeWords = Partial<Words>;

/** A point in time with its distance from now: `2026-01-31 12:00:00 UTC, 2h ago`. */
export function moment(ms: number, { nowMs }: Say): string {
  return formatMoment(ms, nowMs);
}

/** Who signed, at the beginning of a sentence. */
export function signer({ signer }: Say): string {
  return signer ?? 'who signed';
}
