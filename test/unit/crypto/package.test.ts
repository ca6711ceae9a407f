import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../crypto/hash.ts';
import {
  createPackageKey,
  decryptPackage,
  decryptPackageStream,
  encryptPackage,
  encryptPackageStream,
  PACKAGE_CONTENT_BYTES_MAX,
  packageBytesOf,
  packageHashOf,
} from '../../../crypto/package.ts';
import { Secret } from '../../../crypto/secret.ts';
import { concatBytes, equalBytes, toHex } from '../../../events/bytes.ts';

const CHUNK = 65_536;
const HEADER = 5;
const SEALED_CHUNK = CHUNK + 16;
const key = new Secret(Uint8Array.from({ length: 32 }, (_, at) => 255 - at));
const content = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 255);

/** The bytes as a stream, cut at the given sizes in turn. */
async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return concatBytes(...parts);
}

const openedBy = (encrypted: Uint8Array): Promise<Uint8Array> =>
  collect(decryptPackageStream(pieces(encrypted, [10_000]), key));

/** Both ways must refuse, with the same code. */
async function expectRefused(encrypted: Uint8Array, code: string): Promise<void> {
  expect(() => decryptPackage(encrypted, key)).toThrow(expect.objectContaining({ code }));
  await expect(openedBy(encrypted)).rejects.toMatchObject({ code });
}

describe('an encrypted package', () => {
  it.each([0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5])(
    'of %i bytes comes back, whole or in pieces, and has one form',
    async (length) => {
      const plain = content(length);
      const encrypted = encryptPackage(plain, key);
      expect(encrypted.length).toBe(packageBytesOf(length));
      expect(equalBytes(decryptPackage(encrypted, key), plain)).toBe(true);
      for (const sizes of [[1_000_000], [CHUNK], [1, 4, 70_000], [3, 0, 50_000]]) {
        const streamed = await collect(encryptPackageStream(pieces(plain, sizes), key));
        expect(equalBytes(streamed, encrypted)).toBe(true);
        const opened = await collect(decryptPackageStream(pieces(encrypted, sizes), key));
        expect(equalBytes(opened, plain)).toBe(true);
      }
    },
  );

  it('is what the description says, by another implementation', () => {
    const plain = content(CHUNK + 3);
    const header = Uint8Array.of(0x4c, 0x42, 0x50, 0x4b, 1);
    const nonce = (...bytes: readonly number[]): Uint8Array =>
      new Uint8Array(12).map((_, at) => bytes[at - 10] ?? 0);
    const first = chacha20poly1305(key.expose(), nonce(0, 0), header).encrypt(plain.subarray(0, CHUNK));
    const second = chacha20poly1305(key.expose(), nonce(1, 1), header).encrypt(plain.subarray(CHUNK));
    expect(equalBytes(encryptPackage(plain, key), concatBytes(header, first, second))).toBe(true);
  });

  it('has a hash over all its bytes', () => {
    const encrypted = encryptPackage(content(10), key);
    expect(toHex(packageHashOf(encrypted))).toBe(toHex(sha256(encrypted)));
  });

  it('does not open when it is cut short anywhere', async () => {
    const encrypted = encryptPackage(content(2 * CHUNK + 100), key);
    const cuts = [
      HEADER,
      HEADER + 15,
      HEADER + SEALED_CHUNK,
      HEADER + 2 * SEALED_CHUNK,
      encrypted.length - 1,
    ];
    for (const cut of cuts) await expectRefused(encrypted.subarray(0, cut), 'package_does_not_open');
    for (const cut of [0, 1, HEADER - 1])
      await expectRefused(encrypted.subarray(0, cut), 'package_not_recognised');
  });

  it('does not open when something is added, exchanged, repeated or left out', async () => {
    const encrypted = encryptPackage(content(3 * CHUNK), key);
    const header = encrypted.subarray(0, HEADER);
    const [a, b, c] = [0, 1, 2].map((at) => {
      return encrypted.subarray(HEADER + at * SEALED_CHUNK, HEADER + (at + 1) * SEALED_CHUNK);
    }) as [Uint8Array, Uint8Array, Uint8Array];
    const others = [
      [b, a, c],
      [a, c],
      [b, c],
      [a, a, b, c],
      [a, b, c, c],
      [c],
      [a, b, c, new Uint8Array(1)],
      [a, b, c, new Uint8Array(16)],
    ];
    for (const chunks of others) await expectRefused(concatBytes(header, ...chunks), 'package_does_not_open');
  });

  it('does not open with a flipped bit or another key', async () => {
    const encrypted = encryptPackage(content(300), key);
    fc.assert(
      fc.property(fc.nat(encrypted.length - 1), fc.nat(7), (at, bit) => {
        const broken = encrypted.with(at, encrypted[at]! ^ (1 << bit));
        expect(() => decryptPackage(broken, key)).toThrow();
      }),
      { numRuns: 100, seed: 8439 },
    );
    await expectRefused(encryptPackage(content(300), createPackageKey()), 'package_does_not_open');
  });

  it('of another version or kind is not recognised', async () => {
    const encrypted = encryptPackage(content(10), key);
    await expectRefused(encrypted.with(4, 2), 'package_not_recognised');
    await expectRefused(encrypted.with(0, 0), 'package_not_recognised');
  });

  it('does not end in an empty chunk after others: one content, one form', async () => {
    const full = encryptPackage(content(2 * CHUNK), key);
    const firstChunk = full.subarray(0, HEADER + SEALED_CHUNK);
    const nonce = new Uint8Array(12);
    nonce.set([1, 1], 10);
    const empty = chacha20poly1305(key.expose(), nonce, full.subarray(0, HEADER)).encrypt(new Uint8Array(0));
    await expectRefused(concatBytes(firstChunk, empty), 'package_does_not_open');
  });

  it('gives no byte of a chunk that is not authentic', async () => {
    const plain = content(2 * CHUNK);
    const encrypted = encryptPackage(plain, key);
    encrypted[HEADER + SEALED_CHUNK + 9]! ^= 1;
    const got: Uint8Array[] = [];
    const read = async (): Promise<void> => {
      for await (const part of decryptPackageStream(pieces(encrypted, [9999]), key)) got.push(part);
    };
    await expect(read()).rejects.toMatchObject({ code: 'package_does_not_open' });
    expect(equalBytes(concatBytes(...got), plain.subarray(0, CHUNK))).toBe(true);
  });

  it('is not made of more than 100 MiB', async () => {
    const tooLarge = new Uint8Array(PACKAGE_CONTENT_BYTES_MAX + 1);
    expect(() => encryptPackage(tooLarge, key)).toThrow(
      expect.objectContaining({ code: 'package_too_large' }),
    );
    const encrypted = new Uint8Array(packageBytesOf(tooLarge.length));
    encrypted.set(encryptPackage(new Uint8Array(0), key).subarray(0, HEADER));
    expect(() => decryptPackage(encrypted, key)).toThrow(
      expect.objectContaining({ code: 'package_too_large' }),
    );
  });
});
