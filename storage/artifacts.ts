/**
 * The content-addressed store: bytes by their SHA-256, shared by all groups and by the market.
 *
 * Membership (which group refers to what) is the groups' own index; here is only content. Bytes that arrive as a
 * stream cannot be checked before they are stored, so chunks go in under the announced hash, the header that makes
 * them an artifact goes in last and only when the hash is right, and a mark in the registry lets the next start
 * sweep away what a crash left behind.
 */
import { createHash, randomBytes } from 'node:crypto';
import { toHex } from '../events/bytes.ts';
import {
  type ArtifactHeader,
  CHUNK_BYTES,
  readArtifactHeader,
  writeArtifact,
  writeChunk,
  writeChunkedHeader,
} from './artifact-format.ts';
import type { Environment } from './environment.ts';
import { StorageError } from './errors.ts';
import { afterPrefix, chunkKey, idKey, registryKey } from './keys.ts';
import { PackedWrites } from './packed-writes.ts';
import type { Id } from './port.ts';
import { read, scanTable, type View } from './scan.ts';
import type { Writer } from './writer.ts';

const UPLOAD = 'upload/';
const MARK = Uint8Array.of(0x90);

/** Chunks of one stream that may be on their way to the disk: 2 MiB, enough to keep it busy. */
const CHUNKS_IN_FLIGHT_MAX = 8;

/** Reads of artifacts; both the store and snapshots have one. */
export class ArtifactReader {
  protected readonly environment: Environment;
  protected readonly view: View;

  constructor(environment: Environment, view: View) {
    this.environment = environment;
    this.view = view;
  }

  has(hash: Id): boolean {
    return this.#header(hash) !== undefined;
  }

  /** Bytes, or undefined when it is not stored. */
  size(hash: Id): number | undefined {
    return this.#header(hash)?.size;
  }

  /** The whole artifact in memory. */
  get(hash: Id): Uint8Array | undefined {
    const header = this.#header(hash);
    if (header?.kind !== 'chunked') return header && Uint8Array.from(header.bytes);
    const bytes = new Uint8Array(header.size);
    let at = 0;
    for (const chunk of this.chunks(hash, header)) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  /** The artifact in chunks of at most 256 KiB, read one by one, or undefined when it is not stored. */
  stream(hash: Id): Iterable<Uint8Array> | undefined {
    const header = this.#header(hash);
    if (!header) return undefined;
    return header.kind === 'whole' ? [Uint8Array.from(header.bytes)] : this.chunks(hash, header);
  }

  /** Up to `bytesMax` bytes of the artifact from `offset` on; none at or after its end. Reads only their chunks. */
  range(hash: Id, offset: number, bytesMax: number): Uint8Array | undefined {
    const header = this.#header(hash);
    if (!header) return undefined;
    const end = Math.min(header.size, offset + bytesMax);
    if (header.kind === 'whole') return Uint8Array.from(header.bytes.subarray(offset, end));
    const { chunkBytes } = header;
    const bytes = new Uint8Array(Math.max(0, end - offset));
    for (let at = offset; at < end; ) {
      const n = Math.floor(at / chunkBytes);
      const part = this.#chunk(hash, header, n).subarray(at - n * chunkBytes, end - n * chunkBytes);
      bytes.set(part, at - offset);
      at += part.length;
    }
    return bytes;
  }

  protected *chunks(hash: Id, header: ArtifactHeader & { kind: 'chunked' }): Generator<Uint8Array> {
    for (let n = 0; n * header.chunkBytes < header.size; n++) yield this.#chunk(hash, header, n);
  }

  #chunk(hash: Id, { size, chunkBytes }: ArtifactHeader & { kind: 'chunked' }, n: number): Uint8Array {
    const chunk = read(this.environment.tables['artifact-chunks'], this.view, chunkKey(hash, n));
    if (chunk?.length !== Math.min(chunkBytes, size - n * chunkBytes)) {
      throw new StorageError('corrupt', `chunk ${n} of an artifact is missing or has a wrong length`);
    }
    return chunk;
  }

  #header(hash: Id): ArtifactHeader | undefined {
    const value = read(this.environment.tables.artifacts, this.view, idKey(hash));
    return value && readArtifactHeader(value);
  }
}

/** Artifacts, to read and to add. */
export class Artifacts extends ArtifactReader {
  readonly #writer: Writer;
  readonly #uploads = new Map<string, Promise<unknown>>();

  constructor(environment: Environment, view: View, writer: Writer) {
    super(environment, view);
    this.#writer = writer;
  }

  /**
   * Keeps `bytes` under `hash`, which the caller has checked; resolves when durable.
   * @throws StorageError
   */
  async put(hash: Id, bytes: Uint8Array): Promise<void> {
    const writes = new PackedWrites(bytes.length + 4096);
    writeArtifact(writes, hash, bytes);
    await this.#writer.submit(writes);
  }

  /**
   * Keeps what `source` gives if its SHA-256 is `hash`; resolves to its size when durable. An artifact that is
   * already there is not read again. Memory stays at a few chunks. Whatever `source` throws is passed on, and
   * nothing is kept then.
   * @throws StorageError `hash_mismatch` and the usual
   */
  async putStream(hash: Id, source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
    const name = typeof hash === 'string' ? hash : toHex(hash);
    // One stream at a time for a hash: a second source must not write its chunks between those of the first.
    while (this.#uploads.has(name)) await this.#uploads.get(name);
    const size = this.size(hash);
    if (size !== undefined) return size;
    const upload = this.#upload(hash, source);
    this.#uploads.set(name, upload.then(noop, noop));
    try {
      return await upload;
    } finally {
      this.#uploads.delete(name);
    }
  }

  /**
   * Keeps what `source` gives, whatever its SHA-256 is; resolves to that hash and the size when durable. The bytes
   * go under a name of their own first and are moved chunk by chunk, so that memory stays at a few chunks and the
   * source is read once. Whatever it throws is passed on, and nothing is kept then.
   * @throws StorageError
   */
  async putUnnamed(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<{ hash: Uint8Array; size: number }> {
    const name = randomBytes(32);
    await this.#mark(name);
    try {
      const { size, digest } = await this.#writeChunks(name, source);
      const header = { kind: 'chunked', size, chunkBytes: CHUNK_BYTES } as const;
      await this.putStream(digest, this.chunks(name, header));
      return { hash: digest, size };
    } finally {
      // Best effort: when the disk is full this fails as well, and the next start sweeps.
      await this.#discard(name).catch(noop);
    }
  }

  #mark(hash: Id): Promise<void> {
    const mark = new PackedWrites();
    mark.put('registry', registryKey(UPLOAD, hash), MARK);
    return this.#writer.submit(mark);
  }

  async #upload(hash: Id, source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
    await this.#mark(hash);
    try {
      const { size, digest } = await this.#writeChunks(hash, source);
      if (Buffer.compare(digest, Uint8Array.from(idKey(hash))) !== 0) {
        throw new StorageError('hash_mismatch', 'the streamed bytes do not have the announced hash');
      }
      const done = new PackedWrites();
      writeChunkedHeader(done, hash, size);
      done.delete('registry', registryKey(UPLOAD, hash));
      await this.#writer.submit(done);
      return size;
    } catch (error) {
      // Best effort: when the disk is full this fails as well, and the next start sweeps.
      await this.#discard(hash).catch(noop);
      throw error;
    }
  }

  async #writeChunks(
    hash: Id,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<{ size: number; digest: Uint8Array }> {
    const sha = createHash('sha256');
    const inFlight: Promise<void>[] = [];
    let size = 0;
    let n = 0;
    for await (const chunk of rechunk(source)) {
      sha.update(chunk);
      size += chunk.length;
      const writes = new PackedWrites(chunk.length + 4096);
      writeChunk(writes, hash, n++, chunk);
      const written = this.#writer.submit(writes);
      written.catch(noop);
      inFlight.push(written);
      if (inFlight.length >= CHUNKS_IN_FLIGHT_MAX) await inFlight.shift();
    }
    await Promise.all(inFlight);
    return { size, digest: sha.digest() };
  }

  /**
   * Removes what streams that never ended have left. Called once, when the store is opened. All is issued before
   * this returns, so that no new stream of the same hash can come in between.
   */
  sweep(): Promise<unknown> {
    const prefix = registryKey(UPLOAD);
    const marks = [...scanTable(this.environment.tables.registry, this.view, { prefix })];
    return Promise.all(marks.map(([key]) => this.#discard(key.slice(prefix.length))));
  }

  #discard(hash: Id): Promise<void> {
    const writes = new PackedWrites();
    const prefix = Uint8Array.from(idKey(hash));
    // A header means that another way (`put`) has completed it meanwhile, with these very chunks.
    if (!this.has(hash)) {
      const scan = { prefix, end: afterPrefix(prefix), values: false };
      for (const [key] of scanTable(this.environment.tables['artifact-chunks'], this.view, scan)) {
        writes.delete('artifact-chunks', key);
      }
    }
    writes.delete('registry', registryKey(UPLOAD, hash));
    return this.#writer.submit(writes);
  }
}

function noop(): void {}

/** The same bytes in pieces of exactly `CHUNK_BYTES`, the last one shorter; at least one piece, if empty. */
async function* rechunk(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let buffer = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + CHUNK_BYTES - filled);
      buffer.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === CHUNK_BYTES) {
        yield buffer;
        buffer = new Uint8Array(CHUNK_BYTES);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}
