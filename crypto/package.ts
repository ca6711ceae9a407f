/**
 * Encrypting packages: what is for sale lies encrypted where anybody may fetch it, and its key is sold.
 *
 *     package = "LBPK" | version 1 | chunk, chunk, ...     chunk = ciphertext of 64 KiB (the last: up to) | tag (16)
 *
 * Each chunk is ChaCha20-Poly1305 with the five header bytes as additional data and the nonce
 * `chunk number (11 bytes, big-endian) || 1 for the last chunk, else 0` (the STREAM construction). So a
 * chunk opens at its own place only, and a file that was cut at a chunk's border does not open either: its
 * last chunk is not marked as the last. The nonces are predictable, so a key must encrypt one package only.
 * An empty package is one empty last chunk; any other package's last chunk is not empty, so every content
 * has one form.
 *
 * The stream variants keep one chunk in memory. They give out each chunk as soon as it is proved authentic,
 * and fail at the end if the end is missing: a consumer must not act on a stream before it has ended well.
 *
 * Source: Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
 * Misuse-Resistance" (STREAM); RFC 8439; the age file format for the nonce.
 */
import { randomBytes } from 'node:crypto';
import { concatBytes } from '../events/bytes.ts';
import { PACKAGE_KEY_BYTES } from '../machines/sealed-key.ts';
import { aeadOpen, aeadSeal, AEAD_TAG_BYTES as TAG_BYTES } from './aead.ts';
import { sha256 } from './hash.ts';
import { Secret } from './secret.ts';

/** 100 MiB of content: packages are fetched whole, and nodes keep them. */
export const PACKAGE_CONTENT_BYTES_MAX: number = 100 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;
/** "LBPK", version 1. */
const HEADER = Uint8Array.of(0x4c, 0x42, 0x50, 0x4b, 1);

/** The size in bytes of the package that content of `contentBytes` becomes. */
export function packageBytesOf(contentBytes: number): number {
  const chunks = Math.max(1, Math.ceil(contentBytes / CHUNK_BYTES));
  return HEADER.length + contentBytes + chunks * TAG_BYTES;
}

export type PackageErrorCode = 'package_too_large' | 'package_not_recognised' | 'package_does_not_open';

const PACKAGE_ERRORS: Record<PackageErrorCode, string> = {
  package_too_large: `a package holds at most ${PACKAGE_CONTENT_BYTES_MAX} bytes`,
  package_not_recognised: 'these bytes are not an encrypted package of a version that this program knows',
  package_does_not_open: 'the package is cut short or changed, or this is not its key',
};

/** A package that cannot be made or opened. */
export class PackageError extends Error {
  readonly code: PackageErrorCode;

  constructor(code: PackageErrorCode) {
    super(PACKAGE_ERRORS[code]);
    this.name = 'PackageError';
    this.code = code;
  }
}

/** A random key. It must encrypt one package only. */
export function createPackageKey(): Secret {
  return new Secret(new Uint8Array(randomBytes(PACKAGE_KEY_BYTES)));
}

/** What an offer names a package by: SHA-256 of the whole encrypted bytes, 32 bytes. */
export function packageHashOf(encrypted: Uint8Array): Uint8Array {
  return sha256(encrypted);
}

/** Encrypts content in one piece. Throws `PackageError` `package_too_large`. */
export function encryptPackage(content: Uint8Array, key: Secret): Uint8Array {
  if (content.length > PACKAGE_CONTENT_BYTES_MAX) throw new PackageError('package_too_large');
  const encrypted = new Uint8Array(packageBytesOf(content.length));
  encrypted.set(HEADER);
  let at = HEADER.length;
  for (let index = 0; index * CHUNK_BYTES < content.length || index === 0; index++) {
    const end = (index + 1) * CHUNK_BYTES;
    const sealed = sealChunk(content.subarray(index * CHUNK_BYTES, end), key, index, end >= content.length);
    encrypted.set(sealed, at);
    at += sealed.length;
  }
  return encrypted;
}

/**
 * Reads of a package what shows without its key: what is none from the outside opens with no key.
 * @param start its first bytes, five or more
 * @param bytes the size of the whole
 * @throws PackageError
 */
export function packageForm(start: Uint8Array, bytes: number): { chunks: number; contentBytes: number } {
  assertHeader(start.subarray(0, HEADER.length));
  const body = bytes - HEADER.length;
  const chunks = Math.max(1, Math.ceil(body / SEALED_CHUNK_BYTES));
  const contentBytes = body - chunks * TAG_BYTES;
  if (contentBytes > PACKAGE_CONTENT_BYTES_MAX) throw new PackageError('package_too_large');
  // Of several chunks each holds something, the last one too.
  if (contentBytes < 0 || (chunks > 1 && contentBytes <= (chunks - 1) * CHUNK_BYTES))
    throw new PackageError('package_does_not_open');
  return { chunks, contentBytes };
}

/** Decrypts a package in one piece. Throws `PackageError`, and then gives nothing. */
export function decryptPackage(encrypted: Uint8Array, key: Secret): Uint8Array {
  const { chunks, contentBytes } = packageForm(encrypted, encrypted.length);
  const body = encrypted.subarray(HEADER.length);
  const content = new Uint8Array(contentBytes);
  for (let index = 0; index < chunks; index++) {
    const sealed = body.subarray(index * SEALED_CHUNK_BYTES, (index + 1) * SEALED_CHUNK_BYTES);
    content.set(openChunk(sealed, key, index, index === chunks - 1), index * CHUNK_BYTES);
  }
  return content;
}

/** Encrypts content that comes in pieces of any size. Throws `PackageError` once it is too large. */
export async function* encryptPackageStream(
  content: AsyncIterable<Uint8Array>,
  key: Secret,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield HEADER.slice();
  let bytes = 0;
  for await (const { piece, index, last } of inChunks(content, CHUNK_BYTES)) {
    bytes += piece.length;
    if (bytes > PACKAGE_CONTENT_BYTES_MAX) throw new PackageError('package_too_large');
    yield sealChunk(piece, key, index, last);
  }
}

/** Decrypts a package that comes in pieces of any size. Throws `PackageError`, maybe after some chunks. */
export async function* decryptPackageStream(
  encrypted: AsyncIterable<Uint8Array>,
  key: Secret,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  for await (const { piece, index, last } of inChunks(withoutHeader(encrypted), SEALED_CHUNK_BYTES)) {
    bytes += piece.length - TAG_BYTES;
    if (bytes > PACKAGE_CONTENT_BYTES_MAX) throw new PackageError('package_too_large');
    const content = openChunk(piece, key, index, last);
    if (content.length > 0) yield content;
  }
}

function assertHeader(bytes: Uint8Array): void {
  const known = bytes.length === HEADER.length && HEADER.every((byte, at) => byte === bytes[at]);
  if (!known) throw new PackageError('package_not_recognised');
}

function nonceOf(index: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(7, index); // 100 MiB are 1,600 chunks: the higher bytes stay zero
  nonce[11] = last ? 1 : 0;
  return nonce;
}

function sealChunk(content: Uint8Array, key: Secret, index: number, last: boolean): Uint8Array {
  return aeadSeal(key.expose(), nonceOf(index, last), content, HEADER);
}

function openChunk(sealed: Uint8Array, key: Secret, index: number, last: boolean): Uint8Array {
  const content = aeadOpen(key.expose(), nonceOf(index, last), sealed, HEADER);
  // An empty chunk stands for empty content and nowhere else, or one content would have two packages.
  if (content === undefined || (content.length === 0 && index > 0)) {
    throw new PackageError('package_does_not_open');
  }
  return content;
}

interface Chunk {
  readonly piece: Uint8Array;
  readonly index: number;
  readonly last: boolean;
}

/** Cuts pieces of any size into chunks of `size`; the last one is marked, and of an empty stream empty. */
async function* inChunks(pieces: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Chunk> {
  let chunk = new Uint8Array(size);
  let filled = 0;
  let index = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      // A full chunk waits for one more byte: only then is it known not to be the last.
      if (filled === size) {
        yield { piece: chunk, index: index++, last: false };
        chunk = new Uint8Array(size);
        filled = 0;
      }
      const part = piece.subarray(at, at + size - filled);
      chunk.set(part, filled);
      filled += part.length;
      at += part.length;
    }
  }
  yield { piece: chunk.subarray(0, filled), index, last: true };
}

/** Checks and drops the header, however the pieces cut it. */
async function* withoutHeader(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let header: Uint8Array = new Uint8Array(0);
  for await (const piece of pieces) {
    const missing = HEADER.length - header.length;
    if (missing === 0) {
      yield piece;
      continue;
    }
    header = concatBytes(header, piece.subarray(0, missing));
    if (header.length === HEADER.length) assertHeader(header);
    yield piece.subarray(missing);
  }
  assertHeader(header);
}
