/**
 * ChaCha20-Poly1305 with everything fixed that the platform leaves open.
 *
 * `node:crypto` takes shorter nonces and pads them, and shorter tags, without a word; here a nonce has 12
 * bytes and a tag 16. The tag follows the ciphertext, as in most libraries and as in our formats.
 *
 * Source: RFC 8439 section 2.8.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concatBytes } from '../events/bytes.ts';

export const AEAD_KEY_BYTES = 32;
export const AEAD_NONCE_BYTES = 12;
export const AEAD_TAG_BYTES = 16;

const CIPHER = 'chacha20-poly1305';
const OPTIONS = { authTagLength: AEAD_TAG_BYTES };
const NOTHING = new Uint8Array(0);

function assertLengths(key: Uint8Array, nonce: Uint8Array): void {
  if (key.length !== AEAD_KEY_BYTES || nonce.length !== AEAD_NONCE_BYTES) {
    throw new RangeError('a key has 32 bytes and a nonce 12');
  }
}

/**
 * Ciphertext and tag: 16 bytes more than `plaintext`. A nonce must be used once with a key.
 *
 * `data` is authenticated and not included. Throws `RangeError` for a key or nonce of another length.
 */
export function aeadSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  data: Uint8Array = NOTHING,
): Uint8Array {
  assertLengths(key, nonce);
  const cipher = createCipheriv(CIPHER, key, nonce, OPTIONS);
  cipher.setAAD(data, { plaintextLength: plaintext.length });
  return concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

/**
 * The plaintext, or `undefined` when the key, the nonce or the data is another, or the bytes were changed.
 *
 * Throws `RangeError` for a key or nonce of another length.
 */
export function aeadOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  data: Uint8Array = NOTHING,
): Uint8Array | undefined {
  assertLengths(key, nonce);
  const split = sealed.length - AEAD_TAG_BYTES;
  if (split < 0) return undefined;
  const decipher = createDecipheriv(CIPHER, key, nonce, OPTIONS);
  decipher.setAAD(data, { plaintextLength: split });
  decipher.setAuthTag(sealed.subarray(split));
  const plaintext = decipher.update(sealed.subarray(0, split));
  try {
    decipher.final();
  } catch {
    return undefined; // the only thing that `final` checks is the tag
  }
  return plaintext;
}
