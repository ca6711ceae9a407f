/**
 * Finding the right claims: by words, by meaning, and both fused by reciprocal rank.
 *
 * A sentence encoder that has never met a field's words tells little about it from a question alone. So the claims
 * that the words found first pull the search by meaning towards them (Rocchio's feedback), each by how much of the
 * question it has: where words find nothing to the point, meaning goes by the question alone. Then a claim's place in
 * either list counts 1 / (60 + rank), as in the paper on reciprocal rank fusion, and ties break by claim id.
 *
 * Of a claim that has no vector, meaning can say nothing, neither for it nor against it. So it keeps the place that
 * words gave it. Those that have one share the other places: each by its place by words among all, and its place by
 * meaning among those that have one, which says the less the fewer they are. With
 * no vectors that is the ranking by words, with all of them the fused one, and in between no claim ever stands below
 * its place by words for the lack of a vector, whichever of the others have theirs.
 */
import type { GroupFile } from './group-file.ts';
import type { Example } from './meaning/vector-index.ts';
import { best, type Found, type Mask } from './words.ts';

/** How deep both lists go. */
export const DEPTH = 200;
const RANK_CONSTANT = 60;
/** How many of the claims that words found are examples for meaning … */
const EXAMPLES = 5;
/** … and how much all of them together weigh against the question, if each had all of its words. */
const EXAMPLES_WEIGHT = 2;

/** The vector of a query, or nothing to search by words alone. */
export type QueryVector = Int8Array | undefined;

export interface Retrieval {
  readonly found: readonly Found[];
  readonly rankedBy: 'both' | 'words' | 'meaning' | 'recent';
}

/**
 * The claims that answer a query best, at most `DEPTH`, best first.
 * @param rankBy `meaning` leaves the words out, also as examples; without a vector, words are all there is
 */
export function retrieve(
  file: GroupFile,
  {
    query,
    vector,
    mask,
    rankBy,
  }: { query: string; vector: QueryVector; mask: Mask; rankBy: 'both' | 'words' | 'meaning' },
): Retrieval {
  if (query.trim() === '') return { found: recent(file, mask), rankedBy: 'recent' };
  if (rankBy === 'meaning' && vector !== undefined)
    return { found: file.vectors.search(vector, [], DEPTH, mask), rankedBy: 'meaning' };
  const words = file.words.search(query, DEPTH, mask);
  if (rankBy === 'words' || vector === undefined) return { found: words.found, rankedBy: 'words' };
  const bare = withoutVector(file, words.found);
  const known = words.found.filter(({ n }) => !bare.has(n));
  const examples: Example[] = known.slice(0, EXAMPLES).map(({ n }) => ({
    n,
    weight: (EXAMPLES_WEIGHT * words.coverageOf(n)) / EXAMPLES,
  }));
  const meaning = file.vectors.search(vector, examples, DEPTH, mask);
  return { found: fuse(file, words.found, meaning, bare), rankedBy: 'both' };
}

/** @param bare claims that words found, and that have no vector */
function fuse(
  file: GroupFile,
  words: readonly Found[],
  meaning: readonly Found[],
  bare: ReadonlySet<number>,
): Found[] {
  const fused = byReciprocalRank(file, [words, meaning], bare);
  if (bare.size === 0) return fused;
  const places = fused.values();
  const mixed = words.map(({ n }) => (bare.has(n) ? n : places.next().value!.n));
  for (const { n } of places) mixed.push(n);
  // As if both lists had each where it stands.
  return mixed.slice(0, DEPTH).map((n, rank) => ({ n, score: 2 / (RANK_CONSTANT + rank + 1) }));
}

function byReciprocalRank(
  file: GroupFile,
  lists: readonly (readonly Found[])[],
  leftOut: ReadonlySet<number>,
): Found[] {
  const scores = new Map<number, number>();
  for (const list of lists)
    for (const [rank, { n }] of list.entries())
      if (!leftOut.has(n)) scores.set(n, (scores.get(n) ?? 0) + 1 / (RANK_CONSTANT + rank + 1));
  const better = (a: Found, b: Found): number => b.score - a.score || file.words.compareIds(a.n, b.n);
  return best(scores.keys(), (n) => scores.get(n)!, DEPTH, better);
}

/** Which of these claims have no vector: it is not made yet, or the model does not read their language. */
function withoutVector({ sqlite, words, vectors }: GroupFile, found: readonly Found[]): Set<number> {
  if (vectors.size >= words.size) return new Set();
  const rows = sqlite.all<{ n: number }>(
    'SELECT value AS n FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM vector WHERE n = value)',
    JSON.stringify(found.map(({ n }) => n)),
  );
  return new Set(rows.map(({ n }) => n));
}

/** Without a word to go by: the latest. */
function recent(file: GroupFile, mask: Mask): Found[] {
  if (mask === undefined)
    return file.sqlite
      .all<{ n: number }>('SELECT n FROM claim ORDER BY n DESC LIMIT ?', DEPTH)
      .map(({ n }) => ({ n, score: 0 }));
  const found: Found[] = [];
  for (let n = mask.length - 1; n > 0 && found.length < DEPTH; n--)
    if (mask[n] === 1) found.push({ n, score: 0 });
  return found;
}
