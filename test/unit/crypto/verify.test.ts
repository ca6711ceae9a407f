import { describe, expect, it } from 'vitest';
import { mixedSigner } from '../../../bench/heaviest/mixed-signer.ts';
import { verifyCofactored } from '../../../crypto/cofactored.ts';
import { randomSeed, signerFromSeed } from '../../../crypto/identity.ts';
import {
  opensslTier,
  sodiumTier,
  tieredVerify,
  verifySignature,
  zip215Tier,
} from '../../../crypto/verify.ts';
import { concatBytes, fromHex, utf8 } from '../../../events/bytes.ts';

const prefix = utf8('lb/tx/1\0');
const payload = utf8('what is signed');
const message = concatBytes(prefix, payload);
const signer = signerFromSeed(randomSeed());
const publicKey = fromHex(signer.publicKey);
const signature = signer.sign(prefix, payload);

const ways = {
  default: verifySignature,
  'libsodium first': tieredVerify(sodiumTier!),
  'OpenSSL first': tieredVerify(opensslTier),
  'the reference alone': tieredVerify(zip215Tier),
};

describe.each(Object.entries(ways))('a signature, %s', (_, verify) => {
  it('is accepted', () => {
    expect(verify(publicKey, message, signature)).toBe(true);
  });

  it('is refused for another prefix, payload, key or signature', () => {
    expect(verify(publicKey, concatBytes(utf8('lb/block/1\0'), payload), signature)).toBe(false);
    expect(verify(publicKey, concatBytes(message, utf8('!')), signature)).toBe(false);
    expect(verify(fromHex(signerFromSeed(randomSeed()).publicKey), message, signature)).toBe(false);
    for (const at of [0, 31, 32, 63]) {
      expect(verify(publicKey, message, signature.with(at, signature[at]! ^ 1))).toBe(false);
    }
  });

  it('of a wrong length, or with a key of a wrong length, is refused and does not throw', () => {
    for (const length of [0, 31, 33, 64, 1000]) {
      expect(verify(new Uint8Array(length), message, signature)).toBe(false);
    }
    for (const length of [0, 63, 65, 128, 1000]) {
      expect(verify(publicKey, message, new Uint8Array(length))).toBe(false);
    }
  });

  it('over an empty message works', () => {
    const nothing = new Uint8Array(0);
    expect(verify(publicKey, nothing, signer.sign(nothing, nothing))).toBe(true);
  });

  it('of bytes that are no point at all is refused', () => {
    expect(verify(new Uint8Array(32).fill(255), message, new Uint8Array(64).fill(255))).toBe(false);
  });
});

describe('tiers', () => {
  it('libsodium is there on the machines that run these tests', () => {
    expect(sodiumTier).toBeDefined();
  });

  it('what the fast tier accepts is not asked again; what it refuses is', () => {
    const zeros = new Uint8Array(32); // a point of small order, with which ZIP 215 accepts every message
    const zeroSignature = new Uint8Array(64);
    expect(sodiumTier!(zeros, payload, zeroSignature)).toBe(false);
    expect(verifySignature(zeros, payload, zeroSignature)).toBe(true);
    const noPoint = new Uint8Array(32).fill(255);
    expect(tieredVerify(() => true)(noPoint, payload, zeroSignature)).toBe(true);
    expect(tieredVerify(() => false)(noPoint, payload, zeroSignature)).toBe(false);
  });
});

describe('keys and points with a part of small order', () => {
  const signers = Array.from({ length: 8 }, (_, torsion) => mixedSigner(`torsion ${torsion}`, torsion));
  const signed = signers.map((one) => ({
    key: fromHex(one.publicKey),
    signature: one.sign(prefix, payload),
  }));

  it('are accepted as the reference accepts them, by the arithmetic of libsodium', () => {
    for (const { key, signature } of signed) {
      expect(zip215Tier(key, message, signature)).toBe(true);
      expect(verifyCofactored(key, message, signature)).toBe(true);
    }
    // The first has no such part, and by chance one more suits the fast tier.
    expect(signed.filter(({ key, signature }) => sodiumTier!(key, message, signature)).length).toBeLessThan(
      4,
    );
  });

  it('are refused as the reference refuses them', () => {
    for (const { key, signature } of signed)
      for (let bit = 0; bit < 512; bit += 37) {
        const other = signature.with(bit >> 3, signature[bit >> 3]! ^ (1 << (bit & 7)));
        expect(verifyCofactored(key, message, other) ?? false).toBe(zip215Tier(key, message, other));
      }
    const [first, second] = signed as [(typeof signed)[0], (typeof signed)[0]];
    expect(verifyCofactored(first.key, message, second.signature)).toBe(false);
  });

  it('cost a fraction of what the reference costs', () => {
    const { key, signature } = signed[1]!;
    const timeOf = (verify: typeof verifySignature): number => {
      const { user } = process.threadCpuUsage();
      for (let n = 0; n < 200; n++) expect(verify(key, message, signature)).toBe(true);
      return process.threadCpuUsage().user - user;
    };
    expect(timeOf(verifySignature)).toBeLessThan(timeOf(zip215Tier) / 2);
  });
});
