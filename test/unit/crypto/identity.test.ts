import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  opensslSigner,
  randomSeed,
  signerFromSeed,
  sodiumSigner,
  x25519PublicOfEd25519,
  x25519SecretOfSeed,
} from '../../../crypto/identity.ts';
import { Secret } from '../../../crypto/secret.ts';
import { sodium } from '../../../crypto/sodium.ts';
import { concatBytes, fromHex, toHex, utf8 } from '../../../events/bytes.ts';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const seedOf = (bytes: Uint8Array): Secret => new Secret(Uint8Array.from(bytes));

interface Conversions {
  crypto_sign_ed25519_pk_to_curve25519(output: Uint8Array, publicKey: Uint8Array): void;
  crypto_sign_ed25519_sk_to_curve25519(output: Uint8Array, secretKey: Uint8Array): void;
}
const libsodium = createRequire(import.meta.url)('sodium-native') as Conversions;

describe('a signer', () => {
  it('signs the same by libsodium, OpenSSL and the reference', () => {
    fc.assert(
      fc.property(bytes32, fc.uint8Array(), fc.uint8Array({ maxLength: 300 }), (seed, prefix, payload) => {
        const expected = toHex(ed25519.sign(concatBytes(prefix, payload), seed));
        for (const signer of [sodiumSigner(sodium!, seedOf(seed)), opensslSigner(seedOf(seed))]) {
          expect(signer.publicKey).toBe(toHex(ed25519.getPublicKey(seed)));
          expect(toHex(signer.sign(prefix, payload))).toBe(expected);
        }
      }),
      { numRuns: 30, seed: 8032 },
    );
  });

  it('keeps its own copy of the seed, and gives out copies', () => {
    const seed = randomSeed();
    const before = toHex(seed.expose());
    const signer = signerFromSeed(seed);
    seed.wipe();
    const copy = signer.seedCopy();
    expect(toHex(copy.expose())).toBe(before);
    copy.wipe();
    expect(toHex(signer.seedCopy().expose())).toBe(before);
  });

  it('does not show its key', () => {
    const seed = randomSeed();
    const shown = inspect(signerFromSeed(seed), { depth: null, showHidden: true });
    expect(shown).not.toContain(toHex(seed.expose()));
    expect(JSON.parse(JSON.stringify(signerFromSeed(seed)))).toEqual({
      publicKey: signerFromSeed(seed).publicKey,
    });
  });

  it('is dead once wiped', () => {
    const signer = signerFromSeed(randomSeed());
    signer.wipe();
    expect(() => signer.sign(utf8('a'), utf8('b'))).toThrow('wiped');
    expect(() => signer.x25519Secret()).toThrow('wiped');
  });

  it('needs a seed of 32 bytes', () => {
    expect(() => signerFromSeed(new Secret(new Uint8Array(31)))).toThrow(RangeError);
    expect(() => opensslSigner(new Secret(new Uint8Array(64)))).toThrow(RangeError);
  });
});

describe('the X25519 key of an Ed25519 key', () => {
  it('is what the reference and libsodium make of it, and its halves belong together', () => {
    fc.assert(
      fc.property(bytes32, (seed) => {
        const publicKey = ed25519.getPublicKey(seed);
        const secret = x25519SecretOfSeed(seedOf(seed)).expose();
        expect(toHex(secret)).toBe(toHex(ed25519.utils.toMontgomerySecret(seed)));
        const fromLibsodium = new Uint8Array(32);
        libsodium.crypto_sign_ed25519_sk_to_curve25519(fromLibsodium, concatBytes(seed, publicKey));
        expect(toHex(secret)).toBe(toHex(fromLibsodium));

        const converted = x25519PublicOfEd25519(publicKey)!;
        expect(toHex(converted)).toBe(toHex(ed25519.utils.toMontgomery(publicKey)));
        libsodium.crypto_sign_ed25519_pk_to_curve25519(fromLibsodium, publicKey);
        expect(toHex(converted)).toBe(toHex(fromLibsodium));
        expect(toHex(x25519.getPublicKey(secret))).toBe(toHex(converted));
      }),
      { numRuns: 20, seed: 7748 },
    );
  });

  it('is undefined for bytes that are no key', () => {
    expect(x25519PublicOfEd25519(new Uint8Array(32).fill(255))).toBeUndefined();
    expect(x25519PublicOfEd25519(fromHex('00'))).toBeUndefined();
  });
});
