import { x25519 as noble } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sha256 } from '../../../crypto/hash.ts';
import { createOneTimeKey, sealPackageKey } from '../../../crypto/sealed-box.ts';
import { Secret } from '../../../crypto/secret.ts';
import { sodium } from '../../../crypto/sodium.ts';
import { sodiumX25519, x25519 } from '../../../crypto/x25519.ts';
import { fromHex, toHex, utf8 } from '../../../events/bytes.ts';
import { keyHashOf, nobleX25519, openSealedKey, SEALED_KEY_BYTES } from '../../../machines/sealed-key.ts';

const packageKey = Uint8Array.from({ length: 32 }, (_, at) => at);
const purchaseId = sha256(utf8('a purchase'));

const WAYS = [sodiumX25519(sodium!), nobleX25519];

/** Coordinates of 2^255 - 19 and above, which stand for smaller ones. */
const notReduced = fc
  .integer({ min: 0xed, max: 0xff })
  .map((low) => Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? low : at === 31 ? 0x7f : 0xff)));

function sold(): { sealedKey: Uint8Array; buyerSecret: Uint8Array; purchaseId: Uint8Array } {
  const buyer = createOneTimeKey();
  const grant = { packageKey: new Secret(packageKey), buyerKey: buyer.publicKey, purchaseId };
  return { sealedKey: sealPackageKey(grant)!, buyerSecret: buyer.secret.expose(), purchaseId };
}

/** Points of small order, in canonical and other encodings (RFC 7748 section 6.1 and cr.yp.to/ecdh.html). */
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000080',
].map(fromHex);

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('a sealed package key', () => {
  it('opens with the one-time secret for its purchase, and is 80 bytes', () => {
    const grant = sold();
    expect(grant.sealedKey.length).toBe(SEALED_KEY_BYTES);
    expect(openSealedKey(x25519, grant)).toEqual(packageKey);
  });

  it('does not open for another purchase or with another secret', () => {
    const grant = sold();
    expect(openSealedKey(x25519, { ...grant, purchaseId: sha256(utf8('another')) })).toBeUndefined();
    expect(
      openSealedKey(x25519, { ...grant, buyerSecret: createOneTimeKey().secret.expose() }),
    ).toBeUndefined();
  });

  it('does not open with any bit changed', () => {
    const grant = sold();
    for (let at = 0; at < SEALED_KEY_BYTES; at++) {
      const sealedKey = grant.sealedKey.with(at, grant.sealedKey[at]! ^ (1 << (at & 7)));
      expect(openSealedKey(x25519, { ...grant, sealedKey })).toBeUndefined();
    }
  });

  it('never throws, whatever it is given', () => {
    const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
      fc.oneof(
        { weight: 3, arbitrary: fc.uint8Array({ minLength: length, maxLength: length }) },
        fc.uint8Array(),
      );
    fc.assert(
      fc.property(bytes(80), bytes(32), bytes(32), (sealedKey, buyerSecret, id) => {
        expect(openSealedKey(x25519, { sealedKey, buyerSecret, purchaseId: id })).toBeUndefined();
      }),
      { numRuns: 40, seed: 7748 },
    );
  });

  it('is not made for, nor opened with, a point of small order', () => {
    const buyer = createOneTimeKey();
    for (const point of SMALL_ORDER) {
      for (const way of WAYS) expect(way.sharedSecret(buyer.secret.expose(), point)).toBeUndefined();
      const grant = { packageKey: new Secret(packageKey), buyerKey: point, purchaseId };
      expect(sealPackageKey(grant)).toBeUndefined();
      const sealedKey = new Uint8Array(SEALED_KEY_BYTES);
      sealedKey.set(point);
      expect(
        openSealedKey(x25519, { sealedKey, buyerSecret: buyer.secret.expose(), purchaseId }),
      ).toBeUndefined();
    }
  });

  it('opens alike by every implementation, whatever the bytes of secret and point', () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const point = fc.oneof(bytes, fc.constantFrom(...SMALL_ORDER), notReduced);
    fc.assert(
      fc.property(bytes, point, (secret, other) => {
        const answers = WAYS.map((way) => [way.publicKey(secret), way.sharedSecret(secret, other)]);
        for (const answer of answers) expect(answer).toEqual(answers[0]);
      }),
      { numRuns: 60, seed: 7748 },
    );
  });

  it('is sealed anew each time', () => {
    const buyer = createOneTimeKey();
    const grant = { packageKey: new Secret(packageKey), buyerKey: buyer.publicKey, purchaseId };
    expect(toHex(sealPackageKey(grant)!)).not.toBe(toHex(sealPackageKey(grant)!));
  });

  it('needs lengths that are right', () => {
    const { publicKey } = createOneTimeKey();
    const grant = { packageKey: new Secret(packageKey), buyerKey: publicKey, purchaseId };
    expect(() => sealPackageKey({ ...grant, buyerKey: publicKey.subarray(1) })).toThrow(RangeError);
    expect(() => sealPackageKey({ ...grant, purchaseId: new Uint8Array(31) })).toThrow(RangeError);
    expect(() => sealPackageKey({ ...grant, packageKey: new Secret(new Uint8Array(16)) })).toThrow(
      RangeError,
    );
  });

  it('opens as this frozen example does, without clock, randomness or the platform', () => {
    const forbidden = (): never => {
      throw new Error('the rules may not use this');
    };
    vi.stubGlobal('crypto', new Proxy({}, { get: forbidden }));
    vi.stubGlobal('Date', new Proxy(Date, { get: forbidden, construct: forbidden, apply: forbidden }));
    vi.spyOn(Math, 'random').mockImplementation(forbidden);
    const buyerSecret = new Uint8Array(32).fill(7);
    const opened = openSealedKey(nobleX25519, {
      sealedKey: fromHex(FROZEN_SEALED_KEY),
      buyerSecret,
      purchaseId,
    });
    expect(opened).toEqual(packageKey);
    expect(toHex(keyHashOf(packageKey))).toBe(FROZEN_KEY_HASH);
    const publicKey = nobleX25519.publicKey(buyerSecret);
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    expect(toHex(publicKey)).toBe(toHex(noble.getPublicKey(buyerSecret)));
  });

  it('has a key hash that is SHA-256 with a domain', () => {
    const expected = sha256(Uint8Array.of(...utf8('lb/package-key/1\0'), ...packageKey));
    expect(toHex(keyHashOf(packageKey))).toBe(toHex(expected));
  });
});

/** Sealed once to the secret of 32 bytes 7, for the purchase above. */
const FROZEN_SEALED_KEY =
  'bf1f57688709522e7a59493dcd2148c77a72a486ae2bd97f68d3e738f7d76435e0d3fcec213e636d62cc9d64a482b0650dd62cf0d19e1b6a77db45a7952af6d087b6ddff94c7dd32e68a4eb413339396';
const FROZEN_KEY_HASH = '7d0b24818e47f4cea885b901af014db598a252e07f3655b72600d17b22468ddc';
