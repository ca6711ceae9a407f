/**
 * Who signs: an identity is a name for people and an Ed25519 public key for everyone else.
 *
 * The signing key stays inside its `Signer`. From the same 32-byte seed comes an X25519 key, so that an
 * identity can be written to as well as heard, without a second key to keep safe.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes, type Hex32, toHex } from '../events/bytes.ts';
import { Secret } from './secret.ts';
import { type Sodium, sodium } from './sodium.ts';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from './verify.ts';

const SEED_BYTES = 32;

/** What may be shown of an identity. */
export interface Identity {
  readonly name: string;
  readonly publicKey: Hex32;
}

/** Signs with one key and does not give it away. */
export interface Signer {
  readonly publicKey: Hex32;
  /** Ed25519 over `prefix || payload`: 64 bytes, the same for the same input (RFC 8032). */
  sign(prefix: Uint8Array, payload: Uint8Array): Uint8Array;
  /** The X25519 secret key (32 bytes, clamped) that belongs to this key. The caller wipes it. */
  x25519Secret(): Secret;
  /** A copy of the seed, for the transport, which derives its peer id from it. The caller wipes it. */
  seedCopy(): Secret;
  /** Forgets the key. Using the signer afterwards is a bug and throws. */
  wipe(): void;
}

/** 32 random bytes to make a key pair from. */
export function randomSeed(): Secret {
  return new Secret(new Uint8Array(randomBytes(SEED_BYTES)));
}

/**
 * A signer for the key pair that a 32-byte seed stands for (RFC 8032 section 5.1.5).
 *
 * Copies the seed, so the caller may wipe its own. With libsodium 56,000 signatures a second on the target
 * machine, through `node:crypto` about two thirds of that. Throws `RangeError` for a seed of another length.
 */
export function signerFromSeed(seed: Secret): Signer {
  return sodium === undefined ? opensslSigner(seed) : sodiumSigner(sodium, seed);
}

/** The libsodium way. Exported, as is the other, so that the tests can hold them against each other. */
export function sodiumSigner(library: Sodium, seed: Secret): Signer {
  const kept = copyOfSeed(seed);
  const publicKey = new Uint8Array(PUBLIC_KEY_BYTES);
  const secretKey = new Secret(new Uint8Array(SEED_BYTES + PUBLIC_KEY_BYTES));
  library.crypto_sign_seed_keypair(publicKey, secretKey.expose(), kept.expose());
  return {
    publicKey: toHex(publicKey),
    sign: (prefix, payload) => {
      const signature = new Uint8Array(SIGNATURE_BYTES);
      library.crypto_sign_detached(signature, concatBytes(prefix, payload), secretKey.expose());
      return signature;
    },
    x25519Secret: () => x25519SecretOfSeed(kept),
    seedCopy: () => copyOfSeed(kept),
    wipe: () => {
      secretKey.wipe();
      kept.wipe();
    },
  };
}

/** RFC 8410: what stands before the 32-byte seed in the DER form (PKCS #8) of an Ed25519 private key. */
const PKCS8_PREFIX = Uint8Array.of(
  ...[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20],
);

/** The `node:crypto` way. */
export function opensslSigner(seed: Secret): Signer {
  const kept = copyOfSeed(seed);
  const der = concatBytes(PKCS8_PREFIX, kept.expose());
  let key: KeyObject | undefined = createPrivateKey({
    key: Buffer.from(der.buffer),
    format: 'der',
    type: 'pkcs8',
  });
  der.fill(0);
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    publicKey: toHex(spki.subarray(-PUBLIC_KEY_BYTES)),
    sign: (prefix, payload) => {
      if (key === undefined) throw new Error('this signer has been wiped');
      return new Uint8Array(sign(null, concatBytes(prefix, payload), key));
    },
    x25519Secret: () => x25519SecretOfSeed(kept),
    seedCopy: () => copyOfSeed(kept),
    wipe: () => {
      key = undefined;
      kept.wipe();
    },
  };
}

function copyOfSeed(seed: Secret): Secret {
  const bytes = seed.expose();
  if (bytes.length !== SEED_BYTES) throw new RangeError(`a seed has ${SEED_BYTES} bytes`);
  return new Secret(Uint8Array.from(bytes));
}

/**
 * The X25519 secret of an Ed25519 seed: the scalar that signs, namely the first half of SHA-512, clamped.
 *
 * As libsodium's `crypto_sign_ed25519_sk_to_curve25519`; clamping is RFC 7748 section 5.
 */
export function x25519SecretOfSeed(seed: Secret): Secret {
  const digest = createHash('sha512').update(seed.expose()).digest();
  const scalar = Uint8Array.from(digest.subarray(0, 32));
  digest.fill(0);
  scalar[0]! &= 0b1111_1000;
  scalar[31]! &= 0b0111_1111;
  scalar[31]! |= 0b0100_0000;
  return new Secret(scalar);
}

/**
 * The X25519 public key (32 bytes) of an Ed25519 public key (32 bytes): u = (1 + y) / (1 - y), RFC 7748.
 *
 * `undefined` when the bytes are no point of the curve, since a stranger may have sent them.
 */
export function x25519PublicOfEd25519(publicKey: Uint8Array): Uint8Array | undefined {
  try {
    return ed25519.utils.toMontgomery(publicKey);
  } catch {
    return undefined;
  }
}
