/** How good a ranking is, averaged over queries; relevance is yes or no. */

export interface Quality {
  readonly ndcg10: number;
  readonly map: number;
  readonly recall100: number;
}

/** Quality of rankings (ids, best first) against the sets of relevant ids. */
export function qualityOf(
  rankings: readonly (readonly number[])[],
  relevants: readonly ReadonlySet<number>[],
): Quality {
  const sum = { ndcg10: 0, map: 0, recall100: 0 };
  for (const [at, ranking] of rankings.entries()) {
    const relevant = relevants[at]!;
    sum.ndcg10 += gain(ranking.map((id) => relevant.has(id))) / gain(Array(relevant.size).fill(true));
    sum.map += averagePrecision(ranking, relevant);
    sum.recall100 += ranking.slice(0, 100).filter((id) => relevant.has(id)).length / relevant.size;
  }
  const count = rankings.length;
  return { ndcg10: sum.ndcg10 / count, map: sum.map / count, recall100: sum.recall100 / count };
}

/** Discounted cumulative gain of the first ten. */
function gain(hits: readonly boolean[]): number {
  return hits.slice(0, 10).reduce((sum, hit, at) => sum + (hit ? 1 / Math.log2(at + 2) : 0), 0);
}

function averagePrecision(ranking: readonly number[], relevant: ReadonlySet<number>): number {
  let hits = 0;
  let sum = 0;
  for (const [at, id] of ranking.entries()) if (relevant.has(id)) sum += ++hits / (at + 1);
  return sum / relevant.size;
}
