/**
 * How artifacts lie on disk: small ones whole, large ones as chunks under (hash, n) and a header that comes last.
 *
 *   whole    0, bytes…
 *   chunked  1, size u48, chunkBytes u32
 *
 * LMDB keeps a large value in neighbouring pages, so a value of 100 MiB would want 25,600 free pages in a row and
 * would be copied at once; chunks of 256 KiB fit the gaps that others leave and can be streamed.
 */
import { StorageError } from './errors.ts';
import { chunkKey, idKey } from './keys.ts';
import type { PackedWrites } from './packed-writes.ts';
import type { Id } from './port.ts';

/** The size of all chunks but the last, and the greatest size of an artifact that is kept whole. */
export const CHUNK_BYTES = 256 * 1024;

const WHOLE = Uint8Array.of(0);
const CHUNKED = 1;

/** An entry of the artifact table. */
export type ArtifactHeader =
  | { readonly kind: 'whole'; readonly size: number; readonly bytes: Uint8Array }
  | { readonly kind: 'chunked'; readonly size: number; readonly chunkBytes: number };

/** Adds the writes for an artifact of any size. */
export function writeArtifact(writes: PackedWrites, hash: Id, bytes: Uint8Array): void {
  if (bytes.length <= CHUNK_BYTES) {
    writes.putParts('artifacts', idKey(hash), WHOLE, bytes);
    return;
  }
  for (let n = 0; n * CHUNK_BYTES < bytes.length; n++) {
    writeChunk(writes, hash, n, bytes.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES));
  }
  writeChunkedHeader(writes, hash, bytes.length);
}

/** Adds one chunk. */
export function writeChunk(writes: PackedWrites, hash: Id, n: number, bytes: Uint8Array): void {
  writes.put('artifact-chunks', chunkKey(hash, n), bytes);
}

/** Adds the header that makes the chunks an artifact. */
export function writeChunkedHeader(writes: PackedWrites, hash: Id, size: number): void {
  const header = Buffer.allocUnsafe(11);
  header.writeUInt8(CHUNKED, 0);
  header.writeUIntBE(size, 1, 6);
  header.writeUInt32BE(CHUNK_BYTES, 7);
  writes.put('artifacts', idKey(hash), header);
}

/**
 * Reads an entry of the artifact table. What it has of the bytes is a view.
 * @throws StorageError `corrupt`
 */
export function readArtifactHeader(value: Uint8Array): ArtifactHeader {
  if (value[0] === WHOLE[0]) return { kind: 'whole', size: value.length - 1, bytes: value.subarray(1) };
  if (value[0] !== CHUNKED || value.length !== 11) {
    throw new StorageError('corrupt', 'an entry of the artifact table has not the shape of one');
  }
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { kind: 'chunked', size: bytes.readUIntBE(1, 6), chunkBytes: bytes.readUInt32BE(7) };
}
