/**
 * Whether an Ed25519 signature is valid: the same answer on every machine, as fast as each can give it.
 *
 * RFC 8032 leaves room at the edges (keys and points of small order, encodings that are not canonical,
 * the equation with or without the cofactor), and libraries use it differently; one library even changes
 * between versions. A chain that trusted the platform's answer would split. So validity is defined as
 * ZIP 215, which accepts the union of what sane libraries accept, and the answer has three steps:
 *
 *   1. a fast tier, libsodium or else OpenSSL. Whatever it accepts, ZIP 215 accepts. Done.
 *   2. what it refuses is judged by the definition, with the arithmetic of libsodium (`cofactored.ts`).
 *   3. where that cannot say, the reference judges: `@noble/curves` in its ZIP 215 mode.
 *
 * Honest signatures never go beyond step 1 (0.05 ms), and those that somebody makes in order to be dear end at step 2
 * (0.2 ms more). Step 3 takes 1.4 ms: it is for bytes that are no points, and for platforms without libsodium. The
 * vectors in the tests hold each tier to its claim.
 *
 * Source: RFC 8032 section 5.1.7; ZIP 215, "Explicitly Defining and Modifying Ed25519 Validation Rules".
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { verifyCofactored } from './cofactored.ts';
import { sodium } from './sodium.ts';

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Takes a 32-byte public key, a message of any length and a 64-byte signature; never throws for those. */
export type SignatureTier = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** libsodium, 18,900 checks a second on one core of the target machine; absent where it cannot load. */
export const sodiumTier: SignatureTier | undefined =
  sodium === undefined
    ? undefined
    : (publicKey, message, signature) => sodium!.crypto_sign_verify_detached(signature, message, publicKey);

/** RFC 8410: what stands before the 32 bytes of an Ed25519 key in its DER SubjectPublicKeyInfo. */
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

function publicKeyObject(publicKey: Uint8Array): KeyObject {
  const der = Buffer.concat([SPKI_PREFIX, publicKey]);
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

/** OpenSSL through `node:crypto`, 9,200 a second. Its verdicts at the edges depend on Node's version. */
export const opensslTier: SignatureTier = (publicKey, message, signature) => {
  try {
    return verify(null, message, publicKeyObject(publicKey), signature);
  } catch {
    return false; // a key that this version of OpenSSL does not want to import
  }
};

/** The definition: ZIP 215 in JavaScript, 850 a second for an honest signature. */
export const zip215Tier: SignatureTier = (publicKey, message, signature) => {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: true });
  } catch {
    return false; // bytes that are no point of the curve
  }
};

/** A verdict function of a fast tier and the definition behind it. */
export function tieredVerify(fastTier: SignatureTier): SignatureTier {
  return (publicKey, message, signature) => {
    if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
    if (fastTier(publicKey, message, signature)) return true;
    return verifyCofactored(publicKey, message, signature) ?? zip215Tier(publicKey, message, signature);
  };
}

/**
 * Whether `signature` is valid for `message` under `publicKey` by ZIP 215.
 *
 * A key that is not 32 bytes or a signature that is not 64 makes it `false`. Never throws.
 */
export const verifySignature: SignatureTier = tieredVerify(sodiumTier ?? opensslTier);
