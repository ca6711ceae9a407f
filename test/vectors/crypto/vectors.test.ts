/**
 * Published test vectors against the functions that are used, and the verdicts on signatures frozen.
 *
 * The vectors lie outside the repository; where they are missing, the titles of the skipped tests say how
 * many were not tried.
 */
import { hkdfSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { aeadOpen, aeadSeal } from '../../../crypto/aead.ts';
import { verifyCofactored } from '../../../crypto/cofactored.ts';
import { sodium } from '../../../crypto/sodium.ts';
import {
  opensslTier,
  sodiumTier,
  tieredVerify,
  verifySignature,
  zip215Tier,
} from '../../../crypto/verify.ts';
import { sodiumX25519 } from '../../../crypto/x25519.ts';
import { fromHex, toHex, utf8 } from '../../../events/bytes.ts';
import { nobleX25519 } from '../../../machines/sealed-key.ts';

const folder = new URL('../../../../shared/vectors/', import.meta.url);
const goldenFile = new URL('../../vectors/ed25519-zip215-verdicts.json', import.meta.url);
const isThere = (name: string): boolean => existsSync(new URL(name, folder));
const load = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as T;

interface Wycheproof<Group> {
  readonly testGroups: readonly Group[];
}

interface SignatureCase {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** What the set itself expects. */
  readonly expected?: boolean;
}

interface SignatureSet {
  readonly count: number;
  readonly zip215Accepts: number;
  readonly sodiumAccepts: number;
  /** Cases that the set judges by RFC 8032 and ZIP 215 judges otherwise, by position. */
  readonly judgedOtherwise?: readonly number[];
  readonly read: (name: string) => SignatureCase[];
}

const SIGNATURE_SETS: Record<string, SignatureSet> = {
  'ed25519-zip215.json': { count: 196, zip215Accepts: 196, sodiumAccepts: 0, read: readZip215 },
  'ed25519-cctv.json': { count: 914, zip215Accepts: 826, sodiumAccepts: 43, read: readCctv },
  // Wycheproof judges by RFC 8032. Its last case has an R with y = 1 and the sign of x set although x is
  // zero; RFC 8032 section 5.1.3 refuses to decode that, and ZIP 215 says that it must be decoded.
  'wycheproof-ed25519.json': {
    count: 151,
    zip215Accepts: 89,
    sodiumAccepts: 88,
    judgedOtherwise: [150],
    read: readWycheproof,
  },
};

function readZip215(name: string): SignatureCase[] {
  type Vector = { vk_bytes: string; sig_bytes: string; valid_zip215: boolean };
  return load<Vector[]>(name).map((vector) => ({
    publicKey: fromHex(vector.vk_bytes),
    message: utf8('Zcash'),
    signature: fromHex(vector.sig_bytes),
    expected: vector.valid_zip215,
  }));
}

function readCctv(name: string): SignatureCase[] {
  type Vector = { key: string; sig: string; msg: string };
  return load<Vector[]>(name).map(({ key, sig, msg }) => ({
    publicKey: fromHex(key),
    message: utf8(msg),
    signature: fromHex(sig),
  }));
}

function readWycheproof(name: string): SignatureCase[] {
  type Test = { msg: string; sig: string; result: string };
  type Group = { publicKey: { pk: string }; tests: readonly Test[] };
  return load<Wycheproof<Group>>(name).testGroups.flatMap(({ publicKey, tests }) =>
    tests.map(({ msg, sig, result }) => ({
      publicKey: fromHex(publicKey.pk),
      message: fromHex(msg),
      signature: fromHex(sig),
      expected: result === 'valid',
    })),
  );
}

const wellFormedOnly =
  (tier: typeof opensslTier): typeof opensslTier =>
  (key, message, signature) =>
    signature.length === 64 && tier(key, message, signature);

describe.each(Object.entries(SIGNATURE_SETS))('Ed25519: %s', (name, set) => {
  const golden = JSON.parse(readFileSync(goldenFile, 'utf8')) as Record<string, string>;
  const cases = isThere(name) ? set.read(name) : [];
  const skip = cases.length === 0;
  const bits = (verify: typeof verifySignature): string =>
    cases
      .map(({ publicKey, message, signature }) => (verify(publicKey, message, signature) ? '1' : '0'))
      .join('');
  const accepted = (verdicts: string): number => verdicts.replaceAll('0', '').length;

  it('has frozen verdicts for every case', () => {
    expect(golden[name]).toMatch(/^[01]+$/);
    expect(golden[name]!.length).toBe(set.count);
    expect(accepted(golden[name]!)).toBe(set.zip215Accepts);
  });

  it.skipIf(skip)(`the reference gives the frozen verdicts (${set.count} cases)`, () => {
    expect(cases.length).toBe(set.count);
    expect(bits(wellFormedOnly(zip215Tier))).toBe(golden[name]);
    const otherwise = cases.flatMap(({ expected }, at) => {
      return expected !== undefined && expected !== (golden[name]![at] === '1') ? [at] : [];
    });
    expect(otherwise).toEqual(set.judgedOtherwise ?? []);
  });

  it.skipIf(skip)(`libsodium and the reference give the frozen verdicts (${set.count} cases)`, () => {
    expect(bits(verifySignature)).toBe(golden[name]);
  });

  it.skipIf(skip)(`OpenSSL and the reference give the frozen verdicts (${set.count} cases)`, () => {
    expect(bits(tieredVerify(opensslTier))).toBe(golden[name]);
  });

  it.skipIf(skip)(`the arithmetic of libsodium gives the frozen verdicts (${set.count} cases)`, () => {
    const valid = cases.flatMap((_, at) => (golden[name]![at] === '1' ? [at] : []));
    const verdicts = cases.map(({ publicKey, message, signature }) =>
      signature.length === 64 ? verifyCofactored(publicKey, message, signature) : false,
    );
    // What it cannot say is left to the reference; what is valid it always knows, so that nobody can make that dear.
    verdicts.forEach((verdict, at) => {
      if (verdict !== undefined) expect(`${at}: ${verdict}`).toBe(`${at}: ${golden[name]![at] === '1'}`);
    });
    expect(valid.filter((at) => verdicts[at] === undefined)).toEqual([]);
  });

  it.skipIf(skip)(`no fast tier accepts what ZIP 215 refuses (${set.count} cases)`, () => {
    for (const tier of [sodiumTier!, opensslTier]) {
      const verdicts = bits(wellFormedOnly(tier));
      const tooMuch = [...verdicts].filter((verdict, at) => verdict === '1' && golden[name]![at] === '0');
      expect(tooMuch).toEqual([]);
    }
    expect(accepted(bits(wellFormedOnly(sodiumTier!)))).toBe(set.sodiumAccepts);
  });
});

describe('X25519', () => {
  const name = 'wycheproof-x25519.json';
  const ways = { libsodium: sodiumX25519(sodium!), noble: nobleX25519 };
  it.skipIf(!isThere(name)).each(Object.entries(ways))(
    '518 Wycheproof cases by %s: right, or refused where the result is zero',
    (_, way) => {
      type Test = { tcId: number; public: string; private: string; shared: string };
      const tests = load<Wycheproof<{ tests: readonly Test[] }>>(name).testGroups.flatMap(
        (group) => group.tests,
      );
      expect(tests.length).toBe(518);
      let refused = 0;
      for (const test of tests) {
        const shared = way.sharedSecret(fromHex(test.private), fromHex(test.public));
        const isZero = /^0+$/.test(test.shared);
        if (isZero) refused++;
        expect(shared && toHex(shared), `case ${test.tcId}`).toBe(isZero ? undefined : test.shared);
      }
      expect(refused).toBe(31);
    },
  );
});

describe('ChaCha20-Poly1305', () => {
  const name = 'wycheproof-chacha20_poly1305.json';
  type Test = {
    tcId: number;
    key: string;
    iv: string;
    aad: string;
    msg: string;
    ct: string;
    tag: string;
    result: string;
  };
  const groups = isThere(name) ? load<Wycheproof<{ ivSize: number; tests: Test[] }>>(name).testGroups : [];
  const tests = groups.flatMap((group) => group.tests);
  const nobleOpen: typeof aeadOpen = (key, nonce, sealed, data) => {
    try {
      return chacha20poly1305(key, nonce, data).decrypt(sealed);
    } catch {
      return undefined;
    }
  };

  it.skipIf(tests.length === 0)('325 Wycheproof cases, by node:crypto and by noble', () => {
    expect(tests.length).toBe(325);
    for (const test of tests) {
      const [key, nonce, data] = [fromHex(test.key), fromHex(test.iv), fromHex(test.aad)];
      const where = `case ${test.tcId}`;
      const sealed = fromHex(test.ct + test.tag);
      if (nonce.length !== 12) {
        expect(test.result, where).toBe('invalid');
        expect(() => aeadSeal(key, nonce, fromHex(test.msg), data), where).toThrow(RangeError);
        expect(() => aeadOpen(key, nonce, sealed, data), where).toThrow(RangeError);
        expect(nobleOpen(key, nonce, sealed, data), where).toBeUndefined();
        continue;
      }
      const expected = test.result === 'valid' ? test.msg : undefined;
      for (const open of [aeadOpen, nobleOpen]) {
        const opened = open(key, nonce, sealed, data);
        expect(opened && toHex(opened), where).toBe(expected);
      }
      if (test.result !== 'valid') continue;
      expect(toHex(aeadSeal(key, nonce, fromHex(test.msg), data)), where).toBe(test.ct + test.tag);
    }
  });

  it('refuses what is shorter than a tag', () => {
    expect(aeadOpen(new Uint8Array(32), new Uint8Array(12), new Uint8Array(15))).toBeUndefined();
  });
});

describe('HKDF-SHA-256', () => {
  const name = 'wycheproof-hkdf_sha256.json';
  it.skipIf(!isThere(name))('86 Wycheproof cases, by noble and by node:crypto', () => {
    type Test = {
      tcId: number;
      ikm: string;
      salt: string;
      info: string;
      size: number;
      okm: string;
      result: string;
    };
    const tests = load<Wycheproof<{ tests: readonly Test[] }>>(name).testGroups.flatMap(
      (group) => group.tests,
    );
    expect(tests.length).toBe(86);
    for (const { tcId, ikm, salt, info, size, okm, result } of tests) {
      const args = [fromHex(ikm), fromHex(salt), fromHex(info), size] as const;
      const ways = [
        (): Uint8Array => hkdf(sha256, ...args),
        (): Uint8Array => new Uint8Array(hkdfSync('sha256', ...args)),
      ];
      for (const derive of ways) {
        if (result === 'valid') expect(toHex(derive()), `case ${tcId}`).toBe(okm);
        else expect(derive, `case ${tcId}`).toThrow();
      }
    }
  });
});
