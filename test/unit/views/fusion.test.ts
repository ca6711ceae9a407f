/**
 * Words and meaning fused while vectors are on their way: with none of them the ranking by words, with all of them the
 * one by both, and in between nothing stands below its place by words for the lack of a vector.
 */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GroupFile } from '../../../views/group-file.ts';
import { embedNext, indexSlice } from '../../../views/indexer.ts';
import type { Embedder } from '../../../views/meaning/embedder.ts';
import { quantise } from '../../../views/meaning/vector-index.ts';
import { retrieve } from '../../../views/retrieve.ts';
import { letterEmbedder, randomKnowledge } from '../../support/knowledge.ts';
import { seeded } from '../../support/seed.ts';
import { randomFrom } from '../history/histories.ts';
import { temporaryDirectory } from '../storage/temporary.ts';

const QUERIES = ['cat dog', 'bee crème 🚀', 'eel fox gnu hen', 'ant'];
const SHARES = [0, 0.1, 0.5, 1];

/** A file whose claims all have their vectors, but for those that `reads` leaves out. */
async function filled(path: string, seed: number, embedder: Embedder): Promise<GroupFile> {
  const { store } = await randomKnowledge(randomFrom(seed), 60);
  const file = new GroupFile(path, store, (notice) => expect.fail(JSON.stringify(notice)));
  while (indexSlice(file));
  while (await embedNext(file, embedder));
  return file;
}

/** The same file, with the vectors of only some claims. */
function withVectors(file: GroupFile, from: GroupFile, claims: readonly number[]): void {
  for (const n of claims) {
    const { vector } = from.sqlite.get<{ vector: Uint8Array }>('SELECT vector FROM vector WHERE n = ?', n)!;
    file.write(() => {
      file.setEmbedded(n, new Int8Array(vector));
      return undefined;
    });
  }
}

function placesIn(file: GroupFile, query: string, vector: Int8Array, rankBy: 'both' | 'words'): number[] {
  const { found } = retrieve(file, { query, vector, mask: undefined, rankBy });
  for (const [at, { score }] of found.entries())
    expect(score).toBeLessThanOrEqual(found[at - 1]?.score ?? Number.POSITIVE_INFINITY);
  return found.map(({ n }) => n);
}

describe('the fused ranking while vectors are on their way', () => {
  test('no claim without a vector falls below its place by words, whoever has one', async () => {
    const dir = temporaryDirectory();
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom(...SHARES), async (seed, share) => {
        const whole = await filled(join(dir, `${++number}.db`), seed, letterEmbedder);
        const { store } = await randomKnowledge(randomFrom(seed), 60);
        const partly = new GroupFile(join(dir, `${number}-partly.db`), store, () => {});
        while (indexSlice(partly));
        const random = randomFrom(seed + 1);
        const claims = whole.sqlite.all<{ n: number }>('SELECT n FROM vector').map(({ n }) => n);
        const drawn = claims.map((n) => ({ n, at: random(1_000_000) })).sort((a, b) => a.at - b.at);
        const ready = drawn.slice(0, Math.round(share * drawn.length)).map(({ n }) => n);
        withVectors(partly, whole, ready);
        for (const query of QUERIES) {
          const vector = quantise(await letterEmbedder.embed(query))!;
          const words = placesIn(partly, query, vector, 'words');
          const both = placesIn(partly, query, vector, 'both');
          if (share === 0) expect(both).toEqual(words);
          if (share === 1) expect(both).toEqual(placesIn(whole, query, vector, 'both'));
          expect(new Set(both).size).toBe(both.length);
          expect(words.filter((n) => !both.includes(n))).toEqual([]);
          for (const [place, n] of words.entries())
            if (!ready.includes(n)) expect(both.indexOf(n), `claim ${n} for ${query}`).toBe(place);
        }
        whole.close();
        partly.close();
      }),
      seeded('partly ready', 8),
    );
  });

  test('a claim in a script that the model does not read stays where words put it', async () => {
    const latin: Embedder = { ...letterEmbedder, reads: (text) => /[a-z]/.test(text) };
    const file = await filled(join(temporaryDirectory(), 'scripts.db'), 7, latin);
    const bare = file.sqlite
      .all<{ n: number }>('SELECT n FROM claim WHERE n NOT IN (SELECT n FROM vector)')
      .map(({ n }) => n);
    expect(bare.length).toBeGreaterThan(0);
    const query = 'cat проверка данные';
    const vector = quantise(await letterEmbedder.embed(query))!;
    const words = placesIn(file, query, vector, 'words');
    const both = placesIn(file, query, vector, 'both');
    const found = bare.filter((n) => words.includes(n));
    expect(found.length).toBeGreaterThan(0);
    for (const n of found) expect(both.indexOf(n)).toBe(words.indexOf(n));
    file.close();
  });

  test('with all vectors it is the sum of the reciprocal ranks', async () => {
    const file = await filled(join(temporaryDirectory(), 'all.db'), 3, letterEmbedder);
    for (const query of QUERIES) {
      const vector = quantise(await letterEmbedder.embed(query))!;
      const { found } = retrieve(file, { query, vector, mask: undefined, rankBy: 'both' });
      const words = placesIn(file, query, vector, 'words');
      for (const { n, score } of found) {
        const byWords = words.includes(n) ? 1 / (61 + words.indexOf(n)) : 0;
        const rankByMeaning = 1 / (score - byWords) - 61;
        expect(rankByMeaning).toBeCloseTo(Math.round(rankByMeaning), 6);
        expect(rankByMeaning).toBeGreaterThan(-0.5);
      }
    }
    file.close();
  });
});
