/**
 * A beat: a member's signed word that he was there at a time. Beats go between members and never touch the log.
 *
 *   payload = [1, groupId, member, tsMs]
 *   beat    = [payload, signature]      signature = Ed25519("lb/beat/1\0" || payload)
 *
 * A beat is worth nothing after a few minutes, so nobody keeps one, and no id is made of it.
 */
import type { Hex32 } from './bytes.ts';
import { bytesOf, id, timestamp } from './fields.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

const BEAT_VERSION = 1;
export const BEAT_PREFIX = new TextEncoder().encode('lb/beat/1\0');
const PAYLOAD_FIELDS = 4;
const SIGNATURE_BYTES = 64;
/** Two keys, a time and a signature, with their headers: 148 bytes today. */
const BEAT_BYTES_MAX = 160;

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

const scratch = new Writer(256);
const signatureCodec = bytesOf(SIGNATURE_BYTES);

/** The bytes to sign. */
export function encodeBeatPayload({ groupId, member, tsMs }: BeatPayload): Uint8Array {
  const writer = scratch;
  writer.reset();
  writer.arrayHeader(PAYLOAD_FIELDS);
  writer.uint(BEAT_VERSION);
  id.write(writer, groupId);
  id.write(writer, member);
  timestamp.write(writer, tsMs);
  return writer.finish();
}

/** `[payload, signature]`. */
export function encodeBeat(payload: Uint8Array, signature: Uint8Array): Uint8Array {
  const writer = scratch;
  writer.reset();
  writer.arrayHeader(2);
  writer.bin(payload);
  signatureCodec.write(writer, signature);
  return writer.finish();
}

/** Decodes a beat from outside, without checking its signature. Throws `MalformedError`. */
export function decodeBeat(bytes: Uint8Array): Beat {
  const outer = new Reader(bytes);
  if (bytes.length > BEAT_BYTES_MAX) outer.fail('a beat is longer than one can be');
  outer.expectArray(2);
  const payload = outer.bin(BEAT_BYTES_MAX);
  const signature = signatureCodec.read(outer);
  outer.done();
  const inner = new Reader(payload);
  inner.expectArray(PAYLOAD_FIELDS);
  if (inner.uint(0xff) !== BEAT_VERSION) inner.fail('expected a beat of version 1');
  const groupId = id.read(inner);
  const member = id.read(inner);
  const tsMs = timestamp.read(inner);
  inner.done();
  return { groupId, member, tsMs, payload, signature };
}
