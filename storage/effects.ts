/**
 * The effects of a block as they are kept beside it: triples of transaction, operation and effect, with msgpackr's
 * record extension. A local format that no other node reads and that can be made again by replay.
 */
import { Packr } from 'msgpackr';
import type { PlacedEffect } from '../events/effects.ts';

const packr = new Packr({ int64AsType: 'bigint' });

export function encodeEffects(effects: readonly PlacedEffect[]): Uint8Array {
  return packr.pack(effects.map(({ transaction, operation, effect }) => [transaction, operation, effect]));
}

/** The effects in their order; none where nothing is kept. */
export function decodeEffects(bytes: Uint8Array | undefined): PlacedEffect[] {
  if (bytes === undefined) return [];
  const triples = packr.unpack(bytes) as [number, number, PlacedEffect['effect']][];
  return triples.map(([transaction, operation, effect]) => ({ transaction, operation, effect }));
}
