/** The same log gives the same answers, however it arrived; and standing is what the rules say it is. */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GroupView } from '../../../actors/group-view.ts';
import type { GroupReader } from '../../../storage/port.ts';
import { statusOf } from '../../../views/claims.ts';
import { GroupFile } from '../../../views/group-file.ts';
import { embedNext, indexSlice, takeInLateTexts } from '../../../views/indexer.ts';
import { quantise } from '../../../views/meaning/vector-index.ts';
import { retrieve } from '../../../views/retrieve.ts';
import { composeSlice } from '../../../views/slice.ts';
import { threadPage } from '../../../views/threads.ts';
import { letterEmbedder, randomKnowledge, upTo } from '../../support/knowledge.ts';
import { seeded } from '../../support/seed.ts';
import { randomFrom } from '../../unit/history/histories.ts';
import { temporaryDirectory } from '../../unit/storage/temporary.ts';

const QUERIES = ['cat dog', 'проверка', '验证 bee', 'crème 🚀', 'nothing known', ''];

async function slicesOf(file: GroupFile): Promise<string[]> {
  const slices: string[] = [];
  for (const query of QUERIES) {
    const vector = quantise(await letterEmbedder.embed(query));
    for (const rankBy of ['both', 'words', 'meaning'] as const) {
      const { found } = retrieve(file, { query, vector, mask: undefined, rankBy });
      slices.push(composeSlice(file.sqlite, found, { query, topK: 10, maxTokens: 1_000 }).slice);
    }
  }
  return slices;
}

async function embedAll(file: GroupFile): Promise<void> {
  while (await embedNext(file, letterEmbedder));
}

/** Opens a view file on a reader that tests may swap. */
function openOn(dir: string, name: string, reader: GroupReader): GroupFile {
  return new GroupFile(join(dir, name), reader, (notice) => expect.fail(JSON.stringify(notice)));
}

describe('the same log', () => {
  test('gives the same slices in other batches, with restarts, late texts and vectors in between', async () => {
    const dir = temporaryDirectory();
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 20, max: 90 }), async (seed, count) => {
        const random = randomFrom(seed);
        const { store, claims } = await randomKnowledge(random, count);
        const top = store.head()!.height;

        const atOnce = openOn(dir, `${++number}-a.db`, store);
        while (indexSlice(atOnce));
        await embedAll(atOnce);
        const expected = await slicesOf(atOnce);

        // The other one gets the blocks in pieces, misses some texts at first, and is closed now and then.
        const hidden = new Set(claims.filter(() => random(5) === 0));
        const path = `${++number}-b.db`;
        for (let height = 0; height <= top; height = Math.min(top, height + 1 + random(20))) {
          const piece = upTo(store, height);
          const withHoles = Object.assign(Object.create(piece) as GroupReader, {
            artifact: (hash: string) => (hidden.has(hash) ? undefined : store.artifact(hash)),
          });
          const file = openOn(dir, path, withHoles);
          while (indexSlice(file));
          if (random(2) === 0) await embedNext(file, letterEmbedder);
          if (random(3) === 0) await slicesOf(file);
          file.close();
          if (height === top) break;
        }
        const late = openOn(dir, path, store);
        for (let after = takeInLateTexts(late, 0); after > 0; after = takeInLateTexts(late, after));
        await embedAll(late);
        expect(await slicesOf(late)).toEqual(expected);
        expect(late.checkpoint).toEqual(atOnce.checkpoint);
        atOnce.close();
        late.close();
      }),
      seeded('the same slices', 12),
    );
  });

  test('gives the standing of every claim that the rules give, after every block', async () => {
    const dir = temporaryDirectory();
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { world, store } = await randomKnowledge(randomFrom(seed), 60);
        const path = `${++number}.db`;
        const top = store.head()!.height;
        for (let height = 3; height <= top; height += 7) {
          const file = openOn(dir, path, upTo(store, height));
          while (indexSlice(file));
          expect(file.checkpoint.height).toBe(height);
          file.close();
        }
        const file = openOn(dir, path, store);
        while (indexSlice(file));
        const view = new GroupView(world.chain.state, store.head()!);
        const rows = file.sqlite.all<{ claim: string; is_in: number; retracted_by: string | null }>(
          'SELECT * FROM claim',
        );
        expect(rows.length).toBe(60);
        for (const row of rows) {
          const expected =
            view.claim(row.claim)!.retraction !== undefined
              ? 'retracted'
              : view.holds(row.claim)
                ? 'in'
                : 'out';
          expect(statusOf(row), row.claim).toBe(expected);
        }
        file.close();
      }),
      seeded('standing', 10),
    );
  });

  test('gives a thread in the same order, whatever the size of its pages', async () => {
    const { store, world } = await randomKnowledge(randomFrom(7), 80);
    const file = openOn(temporaryDirectory(), 'views.db', store);
    while (indexSlice(file));
    const view = new GroupView(world.chain.state, store.head()!);
    const roots = file.sqlite.all<{ n: number; claim: string }>(
      'SELECT n, claim FROM claim WHERE parent IS NULL',
    );
    const walk = (n: number, limit: number): string[] => {
      const seen: string[] = [];
      for (let after: number | undefined; ; ) {
        const { claims, next } = threadPage(file.sqlite, n, { after, limit });
        seen.push(...claims.map(({ claim }) => claim));
        if (next === undefined) return seen;
        after = file.sqlite.get<{ n: number }>('SELECT n FROM claim WHERE claim = ?', next)!.n;
      }
    };
    const all = new Set<string>();
    for (const { n, claim } of roots) {
      const whole = walk(n, 1_000);
      expect(whole[0]).toBe(claim);
      expect(walk(n, 3)).toEqual(whole);
      for (const [at, one] of whole.entries()) {
        const { parent } = view.claim(one)!;
        if (at > 0) expect(whole.slice(0, at)).toContain(parent);
        all.add(one);
      }
    }
    expect(all.size).toBe(80);
    file.close();
  });
});
