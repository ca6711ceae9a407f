/**
 * The content-addressed store: bytes by their SHA-256, shared by all groups and by the market.
 *
 * Membership (which group refers to what) is the groups' own index; here is only content. Bytes that arrive as a
 * stream cannot be checked before they are stored, so chunks go in under the announced hash, the header that makes
 * them an artifact goes in last and only when the hash is right, and a mark in the registry lets the next start
 * sweep away what a crash left behind. Where the source can begin anywhere, the mark says how long what came is kept
 * instead, to go on from there: a few such beginnings, for as long as whoever streams them says.
 */
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { toHex } from '../events/bytes.ts';
import { decode, encode } from '../events/codec.ts';
import { record, timestamp } from '../events/fields.ts';
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
/** An upload that the next start sweeps away; the other kind of mark is the record of when it may go. */
const MARK = Uint8Array.of(0x90);
const partialCodec = record({ untilMs: timestamp });
/** Beginnings that are kept: with the largest package in each, 400 MiB. The one that may go first goes for another. */
export const PARTIALS_MAX = 4;
/** Chunks that are read again between two turns of the event loop: some milliseconds. */
const CHUNKS_PER_TURN = 16;

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
    if (header?.kind !== 'chunked') return header?.bytes;
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
    return header.kind === 'whole' ? [header.bytes] : this.chunks(hash, header);
  }

  /** Up to `bytesMax` bytes of the artifact from `offset` on; none at or after its end. Reads only their chunks. */
  range(hash: Id, offset: number, bytesMax: number): Uint8Array | undefined {
    const header = this.#header(hash);
    if (!header) return undefined;
    const end = Math.min(header.size, offset + bytesMax);
    if (header.kind === 'whole') return header.bytes.subarray(offset, end);
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
  putStream(hash: Id, source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
    return this.#alone(hash, () => this.#upload(hash, source));
  }

  /**
   * Like `putStream`, for a source that can begin at any offset: where it fails, what came of it is kept, also across
   * starts, and the next call goes on from there. The hash of the whole decides in the end, and if it is another one
   * nothing is kept.
   * @param keepUntilMs wall time after which the beginning may be dropped, see `dropPartials`
   */
  putResumable(
    hash: Id,
    source: (offset: number) => AsyncIterable<Uint8Array>,
    keepUntilMs: number,
  ): Promise<number> {
    return this.#alone(hash, () => this.#resume(hash, source, keepUntilMs));
  }

  async #alone(hash: Id, upload: () => Promise<number>): Promise<number> {
    const name = typeof hash === 'string' ? hash : toHex(hash);
    // One stream at a time for a hash: a second source must not write its chunks between those of the first.
    while (this.#uploads.has(name)) await this.#uploads.get(name);
    const size = this.size(hash);
    if (size !== undefined) return size;
    const running = upload();
    this.#uploads.set(name, running.then(noop, noop));
    try {
      return await running;
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

  #mark(hash: Id, value: Uint8Array = MARK): Promise<void> {
    const mark = new PackedWrites();
    mark.put('registry', registryKey(UPLOAD, hash), value);
    return this.#writer.submit(mark);
  }

  async #upload(hash: Id, source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
    // What is left of a beginning might be longer than the whole.
    if (this.#markOf(hash) !== undefined) await this.#discard(hash);
    await this.#mark(hash);
    try {
      return await this.#finish(hash, await this.#writeChunks(hash, source));
    } catch (error) {
      // Best effort: when the disk is full this fails as well, and the next start sweeps.
      await this.#discard(hash).catch(noop);
      throw error;
    }
  }

  async #resume(
    hash: Id,
    source: (offset: number) => AsyncIterable<Uint8Array>,
    untilMs: number,
  ): Promise<number> {
    const isBegun = untilOf(this.#markOf(hash)) !== undefined;
    await this.#mark(hash, encode(partialCodec, { untilMs }));
    try {
      const sha = createHash('sha256');
      const chunks = isBegun ? await this.#hashBegun(hash, sha) : 0;
      const written = await this.#writeChunks(hash, source(chunks * CHUNK_BYTES), { chunks, sha });
      return await this.#finish(hash, written);
    } catch (error) {
      // A wrong whole, or a disk that is full: nothing of it is of use. What the source throws leaves what it gave.
      const isKept = !(error instanceof StorageError) && this.#chunkAt(hash, 0) !== undefined;
      const cleared = isKept ? this.#dropAllBut(PARTIALS_MAX - 1) : this.#discard(hash);
      await cleared.catch(noop);
      throw error;
    }
  }

  /** Hashes the whole chunks that are here from the first one on; says how many. */
  async #hashBegun(hash: Id, sha: Hash): Promise<number> {
    for (let n = 0; ; n++) {
      const chunk = this.#chunkAt(hash, n);
      if (chunk?.length !== CHUNK_BYTES) return n;
      sha.update(chunk);
      if (n % CHUNKS_PER_TURN === 0) await turn();
    }
  }

  /** Makes an artifact of the chunks of a stream that has ended, if they have the announced hash. */
  async #finish(hash: Id, { size, digest }: { size: number; digest: Uint8Array }): Promise<number> {
    if (Buffer.compare(digest, Uint8Array.from(idKey(hash))) !== 0) {
      throw new StorageError('hash_mismatch', 'the streamed bytes do not have the announced hash');
    }
    const done = new PackedWrites();
    writeChunkedHeader(done, hash, size);
    done.delete('registry', registryKey(UPLOAD, hash));
    await this.#writer.submit(done);
    return size;
  }

  /** Writes what comes behind the chunks that are here already, whose hash has been begun. */
  async #writeChunks(
    hash: Id,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    begun: { chunks: number; sha: Hash } = { chunks: 0, sha: createHash('sha256') },
  ): Promise<{ size: number; digest: Uint8Array }> {
    const { sha, chunks } = begun;
    const inFlight: Promise<void>[] = [];
    let size = chunks * CHUNK_BYTES;
    let n = chunks;
    try {
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
    } finally {
      await Promise.allSettled(inFlight);
    }
    await Promise.all(inFlight);
    return { size, digest: sha.digest() };
  }

  /** Whether all of a stored artifact can be read as it was written; so too where there is none. */
  isIntact(hash: Id): boolean {
    try {
      for (const _ of this.stream(hash) ?? []);
      return true;
    } catch (error) {
      if (error instanceof StorageError && error.code === 'corrupt') return false;
      throw error;
    }
  }

  /** Forgets an artifact that cannot be read. */
  drop(hash: Id): Promise<void> {
    const writes = new PackedWrites();
    writes.delete('artifacts', idKey(hash));
    return this.#writer.submit(writes);
  }

  /** Whether an artifact is on its way here, and what its mark says. */
  #markOf(hash: Id): Uint8Array | undefined {
    return read(this.environment.tables.registry, this.view, registryKey(UPLOAD, hash));
  }

  *#marks(): Generator<{ readonly hash: Uint8Array; readonly untilMs: number | undefined }> {
    const prefix = registryKey(UPLOAD).slice();
    for (const [key, value] of [...scanTable(this.environment.tables.registry, this.view, { prefix })])
      yield { hash: key.slice(prefix.length), untilMs: untilOf(value) };
  }

  /** Beginnings that nobody is at, the one that may go first first. */
  #partials(): { readonly hash: Uint8Array; readonly untilMs: number }[] {
    return [...this.#marks()]
      .flatMap(({ hash, untilMs }) => (untilMs === undefined ? [] : [{ hash, untilMs }]))
      .filter(({ hash }) => !this.#uploads.has(toHex(hash)))
      .sort((a, b) => a.untilMs - b.untilMs);
  }

  #dropAllBut(count: number): Promise<unknown> {
    const partials = this.#partials();
    const tooMany = partials.slice(0, Math.max(0, partials.length - count));
    return Promise.all(tooMany.map(({ hash }) => this.#discard(hash)));
  }

  /** Removes beginnings whose time is over. */
  async dropPartials(nowMs: number): Promise<void> {
    const over = this.#partials().filter(({ untilMs }) => untilMs <= nowMs);
    await Promise.all(over.map(({ hash }) => this.#discard(hash)));
  }

  #chunkAt(hash: Id, n: number): Uint8Array | undefined {
    return read(this.environment.tables['artifact-chunks'], this.view, chunkKey(hash, n));
  }

  /**
   * Removes what streams that never ended have left. Called once, when the store is opened. All is issued before
   * this returns, so that no new stream of the same hash can come in between.
   */
  sweep(): Promise<unknown> {
    const left = [...this.#marks()].filter(({ untilMs }) => untilMs === undefined);
    return Promise.all([...left.map(({ hash }) => this.#discard(hash)), this.#dropAllBut(PARTIALS_MAX)]);
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

/** Until when what a mark stands for is kept; nothing where it is not. */
function untilOf(mark: Uint8Array | undefined): number | undefined {
  return mark === undefined || mark.length <= MARK.length ? undefined : decode(partialCodec, mark).untilMs;
}

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
