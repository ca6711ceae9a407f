/**
 * How good the fused ranking is while vectors are on their way: at shares from none to all, for claims that got theirs
 * in a drawn order, several times. The vectors are made once; for each share those that are not there yet are taken
 * out of a copy of the file. Beside it stands the ranking by words, which needs none.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openStoreReader } from '../../storage/store.ts';
import { GroupFile } from '../../views/group-file.ts';
import { loadEmbedder } from '../../views/meaning/embedder.ts';
import { quantise } from '../../views/meaning/vector-index.ts';
import { retrieve } from '../../views/retrieve.ts';
import { Sqlite } from '../../views/sqlite.ts';

const SHARES = [0, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1];
const SEEDS = [1, 2, 3];

/** The rankings at one share, in one order: for each query the claims by their ids, best first. */
export interface PartlyReady {
  readonly share: number;
  readonly seed: number;
  readonly rankings: readonly (readonly string[])[];
}

/** Ranks all queries at every share, from the files of a node that is closed and has all its vectors. */
export async function* rankWhileReady(
  { chain, views }: { readonly chain: string; readonly views: string },
  scratch: string,
  queries: readonly string[],
): AsyncGenerator<PartlyReady> {
  const embedder = (await loadEmbedder({ kind: 'builtin' }))!;
  const asked: { query: string; vector: Int8Array | undefined }[] = [];
  for (const query of queries) asked.push({ query, vector: quantise(await embedder.embed(query)) });
  const store = openStoreReader(chain, { durability: 'commit' });
  const name = readdirSync(views).find((one) => one.endsWith('.db'))!;
  mkdirSync(scratch);
  for (const share of SHARES)
    for (const seed of share === 0 || share === 1 ? [0] : SEEDS) {
      const path = join(scratch, `${share}-${seed}.db`);
      copyFileSync(join(views, name), path);
      leaveVectors(path, share, seed);
      const file = new GroupFile(path, store.group(name.slice(0, 64)), ({ kind }) => {
        throw new Error(`the copy of the views cannot be used: ${kind}`);
      });
      const idOf = new Map(
        file.sqlite
          .all<{ n: number; claim: string }>('SELECT n, claim FROM claim')
          .map((row) => [row.n, row.claim]),
      );
      const rankings = asked.map(({ query, vector }) =>
        retrieve(file, { query, vector, mask: undefined, rankBy: 'both' }).found.map(({ n }) => idOf.get(n)!),
      );
      file.close();
      yield { share, seed, rankings };
    }
  await store.close();
}

/** Takes the vectors of all but a share of the claims away, as if they had not been made yet. */
function leaveVectors(path: string, share: number, seed: number): void {
  const sqlite = new Sqlite(path);
  const placeOf = (n: number): string => createHash('sha256').update(`${seed} ${n}`).digest('hex');
  const drawn = sqlite
    .all<{ n: number }>('SELECT n FROM vector')
    .map(({ n }) => ({ n, place: placeOf(n) }))
    .sort((one, other) => (one.place < other.place ? -1 : 1));
  sqlite.transaction(() => {
    for (const { n } of drawn.slice(Math.round(share * drawn.length))) {
      sqlite.run('DELETE FROM vector WHERE n = ?', n);
      sqlite.run('UPDATE claim SET embedded = 0 WHERE n = ?', n);
    }
  });
  sqlite.close();
}
