/** A platform for which the libsodium addon does not exist: everything works, through OpenSSL. */
import { describe, expect, it, vi } from 'vitest';

vi.mock('../../../crypto/sodium.ts', () => ({ sodium: undefined }));

const { fromHex, toHex, utf8 } = await import('../../../events/bytes.ts');
const { sha256 } = await import('../../../crypto/hash.ts');
const { Secret } = await import('../../../crypto/secret.ts');
const { signerFromSeed } = await import('../../../crypto/identity.ts');
const { sodiumTier, verifySignature } = await import('../../../crypto/verify.ts');

describe('without libsodium', () => {
  it('hashes', () => {
    expect(toHex(sha256(utf8('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('signs and verifies as RFC 8032 section 7.1, test 2, says', () => {
    expect(sodiumTier).toBeUndefined();
    const seed = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb';
    const signer = signerFromSeed(new Secret(fromHex(seed)));
    expect(signer.publicKey).toBe('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
    const signature = signer.sign(new Uint8Array(0), Uint8Array.of(0x72));
    expect(toHex(signature)).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
    expect(verifySignature(fromHex(signer.publicKey), Uint8Array.of(0x72), signature)).toBe(true);
    expect(verifySignature(fromHex(signer.publicKey), Uint8Array.of(0x73), signature)).toBe(false);
  });

  it('wipes', () => {
    const signer = signerFromSeed(new Secret(new Uint8Array(32)));
    signer.wipe();
    expect(() => signer.sign(new Uint8Array(0), new Uint8Array(0))).toThrow('wiped');
    expect(() => signer.seedCopy()).toThrow('wiped');
  });
});
