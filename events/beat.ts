/**
 * A beat: a member's signed word that they were there at a time. Beats go between members and never touch the
 * log.
 *
 *   payload = [1, groupId, member, tsMs]
 *   beat    = [payload, signature]      signature = Ed25519("lb/beat/1\0" || payload)
 *
 * A beat is worth nothing after a few minutes, so nobody keeps one, and no id is made of it.
 */
import type { Hex32 } from './bytes.ts';
import { decode, encode } from './codec.ts';
import { blob, bytesOf, id, record, timestamp, uint } from './fields.ts';
import { MalformedError } from './reader.ts';

const BEAT_VERSION = 1;
export const BEAT_PREFIX = new TextEncoder().encode('lb/beat/1\0');
/** Two keys, a time and a signature, with their headers: 148 bytes today. */
const BEAT_BYTES_MAX = 160;

const payloadCodec = record({ version: uint(0xff), groupId: id, member: id, tsMs: timestamp });
const beatCodec = record({ payload: blob(BEAT_BYTES_MAX), signature: bytesOf(64) });

/** What a beat says. */
export interface BeatPayload {
  readonly groupId: Hex32;
  readonly member: Hex32;
  readonly tsMs: number;
}

/** A decoded beat, with what its signature is to be checked over. */
export interface Beat extends BeatPayload {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** The bytes to sign. */
export function encodeBeatPayload(says: BeatPayload): Uint8Array {
  return encode(payloadCodec, { version: BEAT_VERSION, ...says });
}

/** `[payload, signature]`. */
export function encodeBeat(payload: Uint8Array, signature: Uint8Array): Uint8Array {
  return encode(beatCodec, { payload, signature });
}

/** Decodes a beat from outside, without checking its signature. Throws `MalformedError`. */
export function decodeBeat(bytes: Uint8Array): Beat {
  if (bytes.length > BEAT_BYTES_MAX) throw new MalformedError('a beat is longer than one can be');
  const { payload, signature } = decode(beatCodec, bytes);
  const { version, ...says } = decode(payloadCodec, payload);
  if (version !== BEAT_VERSION) throw new MalformedError('expected a beat of version 1');
  return { ...says, payload, signature };
}
