/**
 * How a password protects the keys of a store: scrypt makes a key of it, ChaCha20-Poly1305 seals with that.
 *
 * Each seed is sealed by itself, bound to the name and the public key it stands beside, so that entries
 * cannot be exchanged or renamed without the password.
 *
 * Source: RFC 7914 (scrypt), RFC 8439 (ChaCha20-Poly1305).
 */
import { randomBytes, scrypt } from 'node:crypto';
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../events/bytes.ts';
import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES, aeadOpen, aeadSeal } from './aead.ts';
import { Secret } from './secret.ts';

/** scrypt's prices: memory is 128 * N * r bytes, time grows with N * r * p. */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** How the key is derived, as it stands in the file. */
export interface KeyDerivation extends ScryptCost {
  readonly name: 'scrypt';
  /** 32 bytes in hex. */
  readonly salt: string;
}

/** A sealed seed, as it stands in the file: 12 bytes, and 32 with a tag of 16, in hex. */
export interface SealedSeed {
  readonly nonce: string;
  readonly ciphertext: string;
}

/** 128 MiB and about 0.4 s on the target machine: what OWASP asks for, and bearable once per start. */
export const PRODUCT_COST: ScryptCost = { N: 131_072, r: 8, p: 1 };

export const SALT_BYTES = 32;

const MEMORY_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * Whether a file may ask for this price. There is only an upper bound: a file from somewhere else must not
 * cost more than 1 GiB and some seconds, while a cheap one harms nobody but the one who made it.
 */
export function isBearableCost({ N, r, p }: ScryptCost): boolean {
  const powerOfTwo = Number.isSafeInteger(N) && N >= 2 && Number.isInteger(Math.log2(N));
  const small = Number.isInteger(r) && r >= 1 && r <= 32 && Number.isInteger(p) && p >= 1 && p <= 16;
  return powerOfTwo && small && 128 * N * r <= MEMORY_BYTES_MAX;
}

/** A derivation with a new salt. */
export function newDerivation(cost: ScryptCost): KeyDerivation {
  return { name: 'scrypt', N: cost.N, r: cost.r, p: cost.p, salt: toHex(randomBytes(SALT_BYTES)) };
}

/**
 * The 32-byte key of a password. Runs on a thread of Node's own pool, so other work goes on.
 *
 * The password is normalised (NFKC), since the same characters arrive in several encodings from different
 * keyboards. Rejects when the memory cannot be had.
 */
export function deriveKey(password: string, derivation: KeyDerivation): Promise<Secret> {
  const { N, r, p, salt } = derivation;
  const { promise, resolve, reject } = Promise.withResolvers<Secret>();
  const options = { N, r, p, maxmem: 256 * r * (N + p) + 1024 * 1024 };
  scrypt(utf8(password.normalize('NFKC')), fromHex(salt), AEAD_KEY_BYTES, options, (error, key) => {
    if (error === null) resolve(new Secret(key));
    else reject(error);
  });
  return promise;
}

/** What a sealed seed is bound to. The zero byte cannot be in a name, so no two entries give the same. */
function boundTo(name: string, publicKey: Hex32): Uint8Array {
  return concatBytes(utf8(`lb/keystore/1\0${name}\0`), fromHex(publicKey));
}

/** Seals a 32-byte seed under a fresh random nonce: a key seals a few seeds in its life, far below 2^32. */
export function sealSeed(key: Secret, seed: Secret, name: string, publicKey: Hex32): SealedSeed {
  const nonce = randomBytes(AEAD_NONCE_BYTES);
  const ciphertext = aeadSeal(key.expose(), nonce, seed.expose(), boundTo(name, publicKey));
  return { nonce: toHex(nonce), ciphertext: toHex(ciphertext) };
}

/** The seed, or `undefined` when the key is wrong or the entry was changed: the two cannot be told apart. */
export function openSeed(
  key: Secret,
  sealed: SealedSeed,
  name: string,
  publicKey: Hex32,
): Secret | undefined {
  const ciphertext = fromHex(sealed.ciphertext);
  const seed = aeadOpen(key.expose(), fromHex(sealed.nonce), ciphertext, boundTo(name, publicKey));
  return seed && new Secret(seed);
}
