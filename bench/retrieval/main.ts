/**
 * `npm run bench:retrieval`: how good the search is, on the Cranfield collection (or another one in its format).
 *
 *   npm run bench:retrieval -- [FOLDER]       or LB_CRANFIELD=FOLDER; ../shared/data/cranfield if not given
 *
 * Every document becomes a claim of a real node, and every query goes through `compileContext`, so what is measured is
 * what agents get, up to its depth of 200. Beside it stand baselines from well-kept libraries: MiniSearch's
 * BM25, as it comes and with the terms that claims are searched by here, and the BM25 of SQLite's FTS5. Nothing here is tuned to this collection.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import MiniSearch from 'minisearch';
import { BatteryNode } from '../../node.ts';
import { layoutOf } from '../../storage/directory.ts';
import { termsOf } from '../../views/tokens.ts';
import { readArguments } from '../arguments.ts';
import { type Collection, readCollection } from './collection.ts';
import { rankWhileReady } from './curve.ts';
import { type Quality, qualityOf } from './measures.ts';

const DEPTH = 200;
const EMBEDDING_MS_MAX = 30 * 60_000;

const HELP = `
npm run bench:retrieval -- [FOLDER] [flags]: how good the search is on a test collection.

  FOLDER         the collection; LB_CRANFIELD or ../shared/data/cranfield, if not given
  --json         the measures as data
`;
const { values, positionals } = readArguments(HELP, {
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
});
const folder = positionals[0] ?? process.env.LB_CRANFIELD ?? '../shared/data/cranfield';
const collection = readCollection(folder);
if (collection === undefined) {
  console.error(`there is no collection in ${folder}; name its folder: npm run bench:retrieval -- FOLDER`);
  process.exitCode = 3;
} else await measure(collection);

async function measure(given: Collection): Promise<void> {
  const rows: { what: string; quality: Quality }[] = [];
  const relevants = given.queries.map(({ relevant }) => relevant);
  const add = (what: string, rankings: readonly (readonly number[])[]): void => {
    const quality = qualityOf(rankings, relevants);
    rows.push({ what, quality });
    const figures = [quality.ndcg10, quality.map, quality.recall100].map((one) =>
      one.toFixed(4).padStart(10),
    );
    if (!values.json) console.log(`${what.padEnd(44)}${figures.join('')}`);
  };
  if (!values.json) {
    console.log(`${given.documents.length} documents, ${given.queries.length} queries with judgements\n`);
    console.log(
      `${''.padEnd(44)}${['nDCG@10', 'MAP', 'recall@100'].map((one) => one.padStart(10)).join('')}`,
    );
  }
  add('MiniSearch (BM25+), as it comes', miniSearch(given, undefined));
  add('MiniSearch (BM25+), with our terms', miniSearch(given, termsOf));
  add('SQLite FTS5, its bm25() and Porter stemmer', fts5(given));
  const dir = mkdtempSync(join(tmpdir(), 'lb-retrieval-'));
  try {
    const ours = await claimRankings(given, join(dir, 'node'));
    add('words', ours.words);
    add('meaning', ours.meaning);
    add('fused', ours.both);
    const texts = given.queries.map(({ text }) => text);
    const curve = rankWhileReady(layoutOf(join(dir, 'node')), join(dir, 'scratch'), texts);
    for await (const { share, seed, rankings } of curve) {
      const documents = rankings.map((ranking) => ranking.map((claim) => ours.documentOf.get(claim)!));
      const order = seed === 0 ? '' : ` (order ${seed})`;
      add(`fused, ${100 * share} % of the vectors ready${order}`, documents);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  if (values.json) console.log(JSON.stringify({ schema_version: 1, data: rows }));
}

/** SQLite's own ranking, of claims that have any of the query's words. */
function fts5({ documents, queries }: Collection): number[][] {
  const database = new DatabaseSync(':memory:');
  database.exec("CREATE VIRTUAL TABLE document USING fts5(text, tokenize = 'porter unicode61')");
  const insert = database.prepare('INSERT INTO document (rowid, text) VALUES (?, ?)');
  for (const { id, text } of documents) insert.run(id, text);
  const search = database.prepare(
    `SELECT rowid AS id FROM document WHERE document MATCH ? ORDER BY bm25(document), rowid LIMIT ${DEPTH}`,
  );
  const rankings = queries.map(({ text }) => {
    const words = text.match(/[\p{L}\p{N}]+/gu) ?? [];
    return search.all(words.map((word) => `"${word}"`).join(' OR ')).map(({ id }) => id as number);
  });
  database.close();
  return rankings;
}

function miniSearch(
  { documents, queries }: Collection,
  tokenize: ((text: string) => string[]) | undefined,
): number[][] {
  const index = new MiniSearch<{ id: number; text: string }>({
    fields: ['text'],
    ...(tokenize === undefined ? {} : { tokenize, processTerm: (term: string) => term }),
  });
  index.addAll(documents);
  return queries.map(({ text }) =>
    index
      .search(text)
      .slice(0, DEPTH)
      .map(({ id }) => id as number),
  );
}

/** The rankings of a real node, by words, by meaning and by both. */
async function claimRankings({ documents, queries }: Collection, data: string) {
  const node = await BatteryNode.openOrInit({ data, durability: 'commit' });
  try {
    const group = await node.createGroup({ name: 'collection' });
    const me = group.as('node');
    const documentOf = new Map<string, number>();
    const publish = async ({ id, text }: Collection['documents'][number]): Promise<void> => {
      documentOf.set((await me.publishClaim({ text })).claim, id);
    };
    await Promise.all(documents.map(publish));
    await embedAll(node, group.groupId);
    const rank = async (query: string, rankBy: 'both' | 'words' | 'meaning'): Promise<number[]> => {
      const question = { query, rankBy, topK: DEPTH, maxTokens: Number.MAX_SAFE_INTEGER };
      const { claims } = await node.views.compileContext(group.groupId, question);
      // The slice puts threads together; the ranking is by score, and doubles are as good as what they double.
      const ranked = claims.toSorted((a, b) => b.score - a.score || (a.claim < b.claim ? -1 : 1));
      return ranked.flatMap(({ claim, same }) => [claim, ...same].map((one) => documentOf.get(one)!));
    };
    const all = async (rankBy: 'both' | 'words' | 'meaning'): Promise<number[][]> => {
      const rankings: number[][] = [];
      for (const { text } of queries) rankings.push(await rank(text, rankBy));
      return rankings;
    };
    const [words, meaning, both] = [await all('words'), await all('meaning'), await all('both')];
    return { words, meaning, both, documentOf };
  } finally {
    await node.close();
  }
}

async function embedAll(node: BatteryNode, groupId: string): Promise<void> {
  const question = { query: 'x', topK: 1, waitForMeaningMs: EMBEDDING_MS_MAX };
  const { progress } = await node.views.compileContext(groupId, question);
  if (progress.embedded < progress.withText)
    throw new Error(
      `${progress.embedded} of ${progress.withText} claims have a vector: ${progress.meaningUnavailable}`,
    );
}
