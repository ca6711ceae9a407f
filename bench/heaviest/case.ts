/** What the cases of `cases.ts` are made of: a case lays its ground and says what the block is filled with. */
import { sha256 } from '../../crypto/hash.ts';
import { type Hex32, toHex, utf8 } from '../../events/bytes.ts';
import type { Ground, Request } from './ground.ts';

export const id = (text: string): Hex32 => toHex(sha256(utf8(text)));
export const count = <T>(length: number, make: (at: number) => T): T[] =>
  Array.from({ length }, (_, at) => make(at));
export const FAT_TAGS = count(20, (at) => `${at}`.padStart(2, '0') + '\u{1f40b}'.repeat(62));
export const FAT_TEXT = 'x'.repeat(4_096);

export interface Size {
  /** Things of which as many are needed as operations are to stand in the block. */
  readonly many: number;
}

export type Case = (size: Size) => { readonly ground: Ground; readonly requests: Iterable<Request> };

/** Made one by one: a block may be full before the last. */
export function* upTo<T>(length: number, make: (at: number) => T): Generator<T> {
  for (let at = 0; at < length; at++) yield make(at);
}

export function* flat<T>(lists: Iterable<Iterable<T>>): Generator<T> {
  for (const list of lists) yield* list;
}
