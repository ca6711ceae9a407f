import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../storage/artifact-format.ts';
import { PARTIALS_MAX } from '../../../storage/artifacts.ts';
import { openStore } from '../../../storage/store.ts';
import { hexId, temporaryDirectory, temporaryStore } from '../../unit/storage/temporary.ts';

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** `bytes` in pieces of uneven sizes. */
async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0, n = 1; at < bytes.length; at += n, n = (n * 7) % 100_003) yield bytes.subarray(at, at + n);
}

async function* failing(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* inPieces(bytes);
  throw new Error('the peer went away');
}

const sizes = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 17];

describe.each(['put', 'putStream'] as const)('%s', (way) => {
  const dir = mkdtempSync(join(tmpdir(), 'storage-unit-'));
  const store = openStore(dir, { durability: 'commit' });
  afterAll(async () => {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  });

  test.each(sizes)('%i bytes are read whole and as a stream', async (size) => {
    const { artifacts } = store;
    const bytes = new Uint8Array(size).map((_, at) => at % 253);
    const hash = hashOf(bytes);
    expect(artifacts.has(hash)).toBe(false);
    expect(artifacts.get(hash)).toBeUndefined();
    expect(artifacts.stream(hash)).toBeUndefined();
    if (way === 'put') await artifacts.put(hash, bytes);
    else expect(await artifacts.putStream(hash, inPieces(bytes))).toBe(size);
    expect(artifacts.size(hash)).toBe(size);
    expect(Buffer.compare(artifacts.get(hash)!, bytes)).toBe(0);
    const chunks = [...artifacts.stream(hash)!];
    expect(Buffer.compare(Buffer.concat(chunks), bytes)).toBe(0);
    expect(Math.max(...chunks.map((chunk) => chunk.length), 0)).toBeLessThanOrEqual(CHUNK_BYTES);
  });
});

test('hash_mismatch: a stream of other bytes leaves nothing, and the right one can follow', async () => {
  const { artifacts } = temporaryStore();
  const bytes = randomBytes(5 * CHUNK_BYTES);
  const hash = hashOf(bytes);
  const other = randomBytes(7 * CHUNK_BYTES);
  await expect(artifacts.putStream(hash, inPieces(other))).rejects.toMatchObject({ code: 'hash_mismatch' });
  expect(artifacts.has(hash)).toBe(false);
  expect(await artifacts.putStream(hash, inPieces(bytes))).toBe(bytes.length);
  expect(hashOf(artifacts.get(hash)!)).toBe(hash);
});

test('a source that fails passes its error on and leaves nothing', async () => {
  const { artifacts } = temporaryStore();
  const bytes = randomBytes(3 * CHUNK_BYTES);
  await expect(artifacts.putStream(hashOf(bytes), failing(bytes))).rejects.toThrow('the peer went away');
  expect(artifacts.has(hashOf(bytes))).toBe(false);
});

test('two streams of one hash do not mix, and the second is not read', async () => {
  const { artifacts } = temporaryStore();
  const bytes = randomBytes(4 * CHUNK_BYTES);
  const hash = hashOf(bytes);
  let read = 0;
  async function* liar(): AsyncGenerator<Uint8Array> {
    read++;
    yield randomBytes(4 * CHUNK_BYTES);
  }
  const both = await Promise.all([
    artifacts.putStream(hash, inPieces(bytes)),
    artifacts.putStream(hash, liar()),
  ]);
  expect(both).toEqual([bytes.length, bytes.length]);
  expect(read).toBe(0);
  expect(hashOf(artifacts.get(hash)!)).toBe(hash);
});

test('what an unfinished stream left is swept away at the next start', async () => {
  const dir = temporaryDirectory();
  const bytes = randomBytes(10 * CHUNK_BYTES);
  const hash = hashOf(bytes);
  const first = openStore(dir, { durability: 'flush' });
  let stop = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  async function* halting(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 9 * CHUNK_BYTES);
    // Closed in the middle: the rest can be neither written nor discarded.
    await first.close();
    stop();
    yield bytes.subarray(9 * CHUNK_BYTES);
  }
  const upload = expect(first.artifacts.putStream(hash, halting())).rejects.toMatchObject({ code: 'closed' });
  await stopped;
  await upload;

  const second = temporaryStore(dir);
  expect(second.artifacts.has(hash)).toBe(false);
  expect(await second.artifacts.putStream(hash, inPieces(bytes))).toBe(bytes.length);
  expect(hashOf(second.artifacts.get(hash)!)).toBe(hash);
});

describe('putResumable', () => {
  const bytes = randomBytes(10 * CHUNK_BYTES + 17);
  const hash = hashOf(bytes);

  /** A source that breaks off before `end`, and the offsets that it was asked for. */
  function source(all: Uint8Array, end: number) {
    const offsets: number[] = [];
    async function* from(offset: number): AsyncGenerator<Uint8Array> {
      offsets.push(offset);
      yield* inPieces(all.subarray(offset, end));
      if (end < all.length) throw new Error('the peer went away');
    }
    return { from, offsets };
  }
  const whole = (all: Uint8Array) => source(all, all.length);

  test('goes on where it broke off, also after a start, until its time is over', async () => {
    const dir = temporaryDirectory();
    const first = openStore(dir, { durability: 'flush' });
    for (const end of [4, 6])
      await expect(
        first.artifacts.putResumable(hash, source(bytes, end * CHUNK_BYTES + 5).from, 1_000),
      ).rejects.toThrow('the peer went away');
    expect(first.artifacts.has(hash)).toBe(false);
    await first.close();

    const second = temporaryStore(dir);
    await second.artifacts.dropPartials(999);
    const rest = whole(bytes);
    expect(await second.artifacts.putResumable(hash, rest.from, 1_000)).toBe(bytes.length);
    expect(rest.offsets).toEqual([6 * CHUNK_BYTES]);
    expect(hashOf(second.artifacts.get(hash)!)).toBe(hash);

    const other = Uint8Array.from(bytes, (byte) => byte ^ 1);
    await expect(
      second.artifacts.putResumable(hashOf(other), source(other, 3 * CHUNK_BYTES).from, 1_000),
    ).rejects.toThrow('the peer went away');
    await second.artifacts.dropPartials(1_000);
    const again = whole(other);
    await second.artifacts.putResumable(hashOf(other), again.from, 2_000);
    expect(again.offsets).toEqual([0]);
  });

  test('keeps nothing of a wrong whole, and nothing longer than the right one', async () => {
    const { artifacts } = temporaryStore();
    const lie = randomBytes(20 * CHUNK_BYTES);
    await expect(artifacts.putResumable(hash, source(lie, 3 * CHUNK_BYTES).from, 1_000)).rejects.toThrow();
    // The right rest behind a wrong beginning.
    await expect(artifacts.putResumable(hash, whole(bytes).from, 1_000)).rejects.toMatchObject({
      code: 'hash_mismatch',
    });
    const anew = whole(bytes);
    await expect(artifacts.putResumable(hash, source(lie, 15 * CHUNK_BYTES).from, 1_000)).rejects.toThrow();
    await artifacts.putStream(hash, anew.from(0));
    expect(hashOf(artifacts.get(hash)!)).toBe(hash);
    expect(Buffer.concat([...artifacts.stream(hash)!]).length).toBe(bytes.length);
  });

  test('keeps a few beginnings, those that last longest, and of them only what came', async () => {
    const dir = temporaryDirectory();
    const first = openStore(dir, { durability: 'flush' });
    const all = Array.from({ length: PARTIALS_MAX + 3 }, () => randomBytes(2 * CHUNK_BYTES));
    // All at once: they overtake each other.
    await Promise.allSettled(
      all.map((one, at) => first.artifacts.putResumable(hashOf(one), source(one, CHUNK_BYTES).from, at)),
    );
    await expect(first.artifacts.putResumable(hash, source(bytes, 0).from, 1_000)).rejects.toThrow();
    await first.close();

    const { artifacts } = temporaryStore(dir);
    const begun: number[] = [];
    for (const [at, one] of all.entries()) {
      const rest = whole(one);
      await artifacts.putResumable(hashOf(one), rest.from, 1_000);
      if (rest.offsets[0] !== 0) begun.push(at);
    }
    expect(begun).toEqual([3, 4, 5, 6]);
  });
});

test('an artifact of one group is not an artifact of another', async () => {
  const store = temporaryStore();
  const [a, b] = [await store.addGroup(hexId(1), 'a', 0), await store.addGroup(hexId(2), 'b', 0)];
  const bytes = randomBytes(2 * CHUNK_BYTES);
  const hash = hashOf(bytes);
  await a.commit({ artifacts: [{ hash, bytes }] });
  expect(store.artifacts.has(hash)).toBe(true);
  expect(Buffer.compare(a.artifact(hash)!, bytes)).toBe(0);
  expect(b.artifact(hash)).toBeUndefined();
  expect(b.hasArtifact(hash)).toBe(false);
  expect([...b.artifacts()]).toEqual([]);
});

test.each(sizes)('putUnnamed: %i bytes go under their own hash, and nothing else is left', async (size) => {
  const { artifacts } = temporaryStore();
  const bytes = new Uint8Array(size).map((_, at) => at % 251);
  const kept = await artifacts.putUnnamed(inPieces(bytes));
  expect(kept.size).toBe(size);
  expect(Buffer.from(kept.hash).toString('hex')).toBe(hashOf(bytes));
  expect(Buffer.compare(artifacts.get(kept.hash)!, bytes)).toBe(0);
  await expect(artifacts.putUnnamed(failing(bytes))).rejects.toThrow('the peer went away');
  expect(Buffer.compare(artifacts.get(kept.hash)!, bytes)).toBe(0);
});

test('range: any part of an artifact, whole or in chunks, as if it had been cut from it', async () => {
  const { artifacts } = temporaryStore();
  for (const size of sizes) {
    const bytes = new Uint8Array(size).map((_, at) => (at * 7) % 253);
    await artifacts.put(hashOf(bytes), bytes);
    for (const offset of [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, size - 1, size, size + 5].filter(
      (at) => at >= 0,
    ))
      for (const max of [1, 17, CHUNK_BYTES, 2 * CHUNK_BYTES + 3]) {
        const part = artifacts.range(hashOf(bytes), offset, max)!;
        expect(Buffer.compare(part, bytes.subarray(offset, offset + max))).toBe(0);
      }
  }
  expect(artifacts.range('00'.repeat(32), 0, 1)).toBeUndefined();
});
