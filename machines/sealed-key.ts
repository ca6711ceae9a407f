/**
 * Opening the key of a package that was sold: pure, because the dispute rule itself does it.
 *
 * A seller grants a purchase by sealing the package's key to the buyer's one-time X25519 key. When the buyer
 * disputes, they publish the secret of that one-time key, and every node opens the sealed key and compares
 * what comes out with the `keyHash` of the offer. Hence nothing here draws on the platform.
 *
 *     sealedKey (80) = ephemeral public key (32) || ciphertext (32) || tag (16)
 *     key            = HKDF-SHA-256(ikm  = X25519(ephemeral, buyer),
 *                                   salt = ephemeral public key || buyer's public key,
 *                                   info = "lb/grant/1" || purchase id (32), 32 bytes)
 *
 * ChaCha20-Poly1305 with a nonce of zeros, which is safe since each such key is used once, and without
 * additional data. The purchase in `info` keeps a sealed key from being granted to another purchase.
 *
 * Source: RFC 7748 (X25519), RFC 5869 (HKDF), RFC 8439 (ChaCha20-Poly1305).
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8 } from '../events/bytes.ts';

export const PACKAGE_KEY_BYTES = 32;
/** Ephemeral public key, ciphertext, tag. */
export const SEALED_KEY_BYTES = 32 + PACKAGE_KEY_BYTES + 16;

const X25519_BYTES = 32;
const ID_BYTES = 32;
const INFO_PREFIX = utf8('lb/grant/1');
const KEY_HASH_PREFIX = utf8('lb/package-key/1\0');
/** All zeros: the key belongs to one message. Exported for the side that seals. */
export const SEALED_KEY_NONCE: Uint8Array = new Uint8Array(12);

/** What an offer commits to: SHA-256("lb/package-key/1\0" || key), 32 bytes. */
export function keyHashOf(packageKey: Uint8Array): Uint8Array {
  return sha256(concatBytes(KEY_HASH_PREFIX, packageKey));
}

/** X25519 as RFC 7748 has it. Every implementation gives the same answers. */
export interface X25519 {
  /** The public key (32 bytes) of a secret (32 bytes), which is clamped. */
  publicKey(secret: Uint8Array): Uint8Array;
  /**
   * The shared secret (32 bytes), or `undefined` when the public key is a point of small order: then the result is
   * all zeros whatever the secret, and anyone could know it. Lengths must be 32.
   */
  sharedSecret(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
}

/** RFC 7748: the base point has u = 9. */
const BASE_POINT = new Uint8Array(X25519_BYTES).with(0, 9);

/** In JavaScript alone, for where nothing faster is. */
export const nobleX25519: X25519 = {
  // By the ladder: the library's own `getPublicKey` blinds its multiplication with random numbers.
  publicKey: (secret) => x25519.scalarMult(secret, BASE_POINT),
  sharedSecret(secret, publicKey) {
    try {
      return x25519.getSharedSecret(secret, publicKey);
    } catch {
      return undefined; // the library refuses an all-zero result, and nothing else at these lengths
    }
  },
};

/** The key that seals one grant. All arguments and the result are 32 bytes. */
export function grantKey(
  shared: Uint8Array,
  ephemeralPublic: Uint8Array,
  buyerPublic: Uint8Array,
  purchaseId: Uint8Array,
): Uint8Array {
  const salt = concatBytes(ephemeralPublic, buyerPublic);
  return hkdf(sha256, shared, salt, concatBytes(INFO_PREFIX, purchaseId), 32);
}

/**
 * The package key (32 bytes) in a sealed key (80), given the buyer's one-time secret (32) and the purchase
 * id (32); `undefined` when it does not open, for whatever reason, wrong lengths included. Never throws.
 */
export function openSealedKey(
  { publicKey, sharedSecret }: X25519,
  grant: {
    readonly sealedKey: Uint8Array;
    readonly buyerSecret: Uint8Array;
    readonly purchaseId: Uint8Array;
  },
): Uint8Array | undefined {
  const { sealedKey, buyerSecret, purchaseId } = grant;
  if (sealedKey.length !== SEALED_KEY_BYTES) return undefined;
  if (buyerSecret.length !== X25519_BYTES || purchaseId.length !== ID_BYTES) return undefined;
  const ephemeralPublic = sealedKey.subarray(0, X25519_BYTES);
  const shared = sharedSecret(buyerSecret, ephemeralPublic);
  if (shared === undefined) return undefined;
  const key = grantKey(shared, ephemeralPublic, publicKey(buyerSecret), purchaseId);
  try {
    return chacha20poly1305(key, SEALED_KEY_NONCE).decrypt(sealedKey.subarray(X25519_BYTES));
  } catch {
    return undefined; // the tag does not fit
  }
}
