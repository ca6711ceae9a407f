/**
 * The one place that loads libsodium.
 *
 * `sodium-native` is a compiled addon with prebuilt binaries for the common platforms. Where there is
 * none, everything here works without it, more slowly: each user of this module has a second way through
 * `node:crypto`. It is loaded with `require`, not with a top-level `await`, because one of those anywhere
 * would forbid embedders to `require()` this package.
 */
import { createRequire } from 'node:module';

/** The part of libsodium that is used. All arguments are plain byte arrays of exact lengths. */
export interface Sodium {
  /** Writes 32 bytes into `output`. */
  crypto_hash_sha256(output: Uint8Array, input: Uint8Array): void;
  /** `publicKey` 32 and `secretKey` 64 bytes are written, from a 32-byte seed. */
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
  /** Writes 64 bytes into `signature`. */
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
  /** Throws when a length is wrong. */
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  /** Writes the sum, or the difference, of two points of Ed25519; throws where one of them is none. */
  crypto_core_ed25519_add(output: Uint8Array, one: Uint8Array, other: Uint8Array): void;
  crypto_core_ed25519_sub(output: Uint8Array, one: Uint8Array, other: Uint8Array): void;
  /** Writes what 64 bytes leave modulo the order. */
  crypto_core_ed25519_scalar_reduce(output: Uint8Array, scalar: Uint8Array): void;
  /** Writes the multiple of a point; throws where the point or the result is of small order, or the point mixed. */
  crypto_scalarmult_ed25519_noclamp(output: Uint8Array, scalar: Uint8Array, point: Uint8Array): void;
  /** Writes the multiple of the base point; throws for zero. */
  crypto_scalarmult_ed25519_base_noclamp(output: Uint8Array, scalar: Uint8Array): void;
  /** Writes the X25519 public key of a secret, 32 bytes each. */
  crypto_scalarmult_base(output: Uint8Array, secret: Uint8Array): void;
  /** Writes the X25519 shared secret, 32 bytes; throws where it would be zero. */
  crypto_scalarmult(output: Uint8Array, secret: Uint8Array, publicKey: Uint8Array): void;
}

function loadSodium(): Sodium | undefined {
  const require = createRequire(import.meta.url);
  try {
    return require('sodium-native') as Sodium;
  } catch {
    return undefined;
  }
}

/** libsodium, or `undefined` on a platform for which the addon does not exist. */
export const sodium: Sodium | undefined = loadSodium();
