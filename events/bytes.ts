/**
 * Bytes and their text forms, without the platform.
 *
 * Ids and keys live in memory as lower-case hex strings, because they are map keys and text far more
 * often than they are hashed; the wire carries the 32 raw bytes. Nothing here uses `Buffer`, so that
 * the rules run the same in a browser, a worker or another engine.
 */

/** A lower-case hex string of 64 digits: an id (SHA-256) or a public key (Ed25519, X25519). */
export type Hex32 = string;

const DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
const asciiDecoder = new TextDecoder();
const scratch = new Uint8Array(128);

/**
 * Lower-case hex of `length` bytes of `bytes` from `offset`. By way of a buffer and a decoder, because a string
 * that is put together piece by piece must be flattened before a map can hash it: half the time in all.
 */
export function hexAt(bytes: Uint8Array, offset: number, length: number): string {
  const digits = length <= 64 ? scratch : new Uint8Array(2 * length);
  for (let at = 0; at < length; at++) {
    const byte = bytes[offset + at]!;
    digits[2 * at] = DIGITS[byte >> 4]!;
    digits[2 * at + 1] = DIGITS[byte & 15]!;
  }
  return asciiDecoder.decode(digits.subarray(0, 2 * length));
}

/**
 * Ids that came lately. The same few keys and groups stand in most transactions; giving out the same string again
 * saves making it and, since a string keeps its hash, hashing it.
 */
const RECENT_SLOTS = 4_096;
const recentText: (Hex32 | undefined)[] = new Array(RECENT_SLOTS).fill(undefined);
const recentBytes = new Uint8Array(RECENT_SLOTS * 32);

/** Hex of the 32 bytes of an id from `offset`. */
export function hex32At(bytes: Uint8Array, offset: number): Hex32 {
  const slot = ((bytes[offset]! << 8) | bytes[offset + 1]!) & (RECENT_SLOTS - 1);
  const base = slot * 32;
  const recent = recentText[slot];
  if (recent !== undefined) {
    let at = 0;
    while (at < 32 && recentBytes[base + at] === bytes[offset + at]) at++;
    if (at === 32) return recent;
  }
  const text = hexAt(bytes, offset, 32);
  recentText[slot] = text;
  for (let at = 0; at < 32; at++) recentBytes[base + at] = bytes[offset + at]!;
  return text;
}

/** Lower-case hex of all of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  return hexAt(bytes, 0, bytes.length);
}

const NOT_A_DIGIT = 255;
const VALUE_OF_DIGIT = new Uint8Array(128).fill(NOT_A_DIGIT);
for (let value = 0; value < 16; value++) VALUE_OF_DIGIT[value.toString(16).charCodeAt(0)] = value;

/** Writes lower-case hex into `target` at `offset`. The text must be valid: it comes from our own decoding. */
export function writeHex(text: string, target: Uint8Array, offset: number): void {
  const length = text.length >> 1;
  for (let at = 0; at < length; at++) {
    const high = VALUE_OF_DIGIT[text.charCodeAt(2 * at)]!;
    const low = VALUE_OF_DIGIT[text.charCodeAt(2 * at + 1)]!;
    target[offset + at] = (high << 4) | low;
  }
}

/** The bytes that `text` (lower-case hex, even length) stands for. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  writeHex(text, bytes, 0);
  return bytes;
}

const HEX_32 = /^[0-9a-f]{64}$/;

/** Whether `text` is a whole id or key: 64 lower-case hex digits. */
export function isHex32(text: unknown): text is Hex32 {
  return typeof text === 'string' && HEX_32.test(text);
}

export const ZERO_ID: Hex32 = '0'.repeat(64);

const encoder = new TextEncoder();

/** UTF-8 of `text`. Lone surrogates become U+FFFD, so callers check `isWellFormed()` first. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Whether two byte strings are the same. Not constant-time: never for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** One array of all parts, in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

const FIRST_SURROGATE = 0xd800;
const AFTER_SURROGATES = 0xe000;
const SURROGATE_COUNT = AFTER_SURROGATES - FIRST_SURROGATE;
const ABOVE_SURROGATES = 0x1_0000 - AFTER_SURROGATES;

/**
 * Orders two well-formed strings as their UTF-8 bytes would be ordered.
 *
 * JavaScript orders by UTF-16 code unit, which puts U+10000 and above before U+E000..U+FFFF; every other
 * language that implements the protocol sorts the bytes. Letting the two ranges change places mends it.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    let left = a.charCodeAt(at);
    let right = b.charCodeAt(at);
    if (left === right) continue;
    if (left >= FIRST_SURROGATE && right >= FIRST_SURROGATE) {
      left += left >= AFTER_SURROGATES ? -SURROGATE_COUNT : ABOVE_SURROGATES;
      right += right >= AFTER_SURROGATES ? -SURROGATE_COUNT : ABOVE_SURROGATES;
    }
    return left - right;
  }
  return a.length - b.length;
}
