/**
 * The views: `compileContext` over a big group, how fast a log is indexed, what their thread holds in memory, and what
 * they cost a node that seals.
 *
 * Vectors of the big group are drawn, not made by the model, which would take half an hour for 100,000 claims; the
 * queries are real text, and are embedded as they come. The rate of the model is measured by itself.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Agent } from '../actors/agent.ts';
import { commitBatchOf, headAfter } from '../actors/chain/commit.ts';
import { sha256 } from '../crypto/hash.ts';
import { toHex } from '../events/bytes.ts';
import { encodeClaim } from '../events/claim-artifact.ts';
import type { Operation } from '../events/registry.ts';
import { BatteryNode } from '../node.ts';
import { openDirectory } from '../storage/directory.ts';
import type { CommitBatch, Head } from '../storage/port.ts';
import { openStore } from '../storage/store.ts';
import { loadEmbedder } from '../views/meaning/embedder.ts';
import { filePath } from '../views/paths.ts';
import { Sqlite } from '../views/sqlite.ts';
import { median, quantile } from './quantile.ts';
import type { Row } from './row.ts';
import { benchGenesis, buildChain } from './workload.ts';

const CLAIMS = 100_000;
const CLAIMS_PER_TRANSACTION = 100;
const QUERIES = 60;
const WORDS_PER_CLAIM = 30;
const VOCABULARY = 20_000;
const DIMENSIONS = 512;

/** Numbers from 0 to 1 that are the same in every run (a linear congruence is random enough for text). */
function drawing(): () => number {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x8000_0000;
  };
}

/** The words of this project's own pages, the most frequent first: a model splits words that are none into letters. */
function englishWords(): string[] {
  const docs = fileURLToPath(new URL('../docs/', import.meta.url));
  const pages = readdirSync(docs).filter((name) => name.endsWith('.md'));
  const counts = new Map<string, number>();
  for (const page of pages)
    for (const [word] of readFileSync(join(docs, page), 'utf8')
      .toLowerCase()
      .matchAll(/\b[a-z]{2,}\b/g))
      counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([word]) => word);
}

/** Text in which few words are common and most are rare, as in any language. */
class Prose {
  readonly #random = drawing();
  readonly #common: number[] = [];
  readonly #english = englishWords();

  constructor() {
    let sum = 0;
    for (let rank = 0; rank < VOCABULARY; rank++) {
      sum += 1 / (rank + 2);
      this.#common.push(sum);
    }
  }

  words(count: number): string {
    return Array.from({ length: count }, () => this.#word()).join(' ');
  }

  #word(): string {
    const at = this.#random() * this.#common.at(-1)!;
    let low = 0;
    let high = VOCABULARY - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#common[middle]! < at) low = middle + 1;
      else high = middle;
    }
    const word = this.#english[low];
    if (word !== undefined) return word;
    // There are more rare words than our pages have: letters only, so that stemming has its work as well.
    return Array.from(low.toString(26).padStart(3, '0'), (digit) =>
      String.fromCharCode(97 + Number.parseInt(digit, 26)),
    ).join('');
  }
}

export async function measureContext(scale: number, claims = Math.ceil(CLAIMS * scale)): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'lb-bench-'));
  const data = join(dir, 'node');
  try {
    await BatteryNode.init({ data });
    const prose = new Prose();
    const groupId = await fill(data, claims, prose);
    const indexed = await index(data, groupId);
    drawVectors(data, groupId);
    const asked = await ask(data, groupId, prose, Math.ceil(QUERIES * Math.min(1, scale * 5)));
    const number = claims.toLocaleString('en-US');
    return [
      { what: `indexing ${number} claims for words`, value: claims / indexed.seconds, unit: 'claims/s' },
      { what: `compile_context over ${number} claims, p50`, value: asked.p50, unit: 'ms', bar: '≤ 25' },
      { what: '  p95', value: asked.p95, unit: 'ms' },
      { what: '  processor time of a question, on average', value: asked.processorMs, unit: 'ms' },
      { what: '  by words alone, p50', value: asked.wordsP50, unit: 'ms' },
      { what: '  memory of the views (the process with, less without)', value: asked.mib, unit: 'MiB' },
      {
        what: 'embedding by the built-in model, sentences of 12 words',
        value: await modelRate(prose, scale),
        unit: '/s',
      },
      ...(await measureSlowdown(scale)),
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A group with `count` claims and their texts, put into the store as a follower would. */
async function fill(data: string, count: number, prose: Prose): Promise<string> {
  const store = openStore(openDirectory(data).chain, { durability: 'commit' });
  let artifacts: { hash: string; bytes: Uint8Array }[] = [];
  const nextClaim = (at: number): Operation => {
    const bytes = encodeClaim({
      text: prose.words(WORDS_PER_CLAIM),
      tags: ['bench'],
      createdMs: at,
      parent: undefined,
      evidence: [],
    });
    const artifact = toHex(sha256(bytes));
    artifacts.push({ hash: artifact, bytes });
    return { type: 'claim', artifact, parent: undefined, evidence: [], tags: ['bench'] };
  };
  let head: Head | undefined;
  const batches: CommitBatch[] = [];
  let made = 0;
  const shape = {
    transactions: Math.ceil(count / CLAIMS_PER_TRANSACTION),
    operationsPerTransaction: CLAIMS_PER_TRANSACTION,
    transactionsPerBlock: 10,
    operations: (size: number) => Array.from({ length: size }, () => nextClaim(made++)),
  };
  const groupId = buildChain(shape, (final) => {
    head = headAfter(head, final);
    batches.push({ ...commitBatchOf([final], head, []), artifacts });
    artifacts = [];
  });
  const group = await store.addGroup(groupId, benchGenesis.name, 0);
  for (const batch of batches) await group.commit(batch);
  await store.close();
  return groupId;
}

async function index(data: string, groupId: string): Promise<{ seconds: number }> {
  await using node = await BatteryNode.open({ data, embedder: { kind: 'none' } });
  const start = performance.now();
  const { height, headHeight } = await node.views.progress(groupId, { waitMs: 3_600_000 });
  if (height < headHeight) throw new Error('the log was not indexed in time');
  return { seconds: (performance.now() - start) / 1000 };
}

/** Vectors for all claims, drawn; under the name of the model, so that queries are compared with them. */
function drawVectors(data: string, groupId: string): void {
  const random = drawing();
  const sqlite = new Sqlite(filePath(openDirectory(data).views, groupId));
  sqlite.transaction(() => {
    for (const { n } of sqlite.all<{ n: number }>('SELECT n FROM claim WHERE terms IS NOT NULL')) {
      const vector = Int8Array.from({ length: DIMENSIONS }, () => Math.floor(random() * 255) - 127);
      sqlite.run('INSERT INTO vector VALUES (?, ?)', n, vector);
    }
    sqlite.run('UPDATE claim SET embedded = 1 WHERE terms IS NOT NULL');
    sqlite.run("INSERT INTO meta VALUES ('model', 'universal-sentence-encoder-en-0.2.0')");
  });
  sqlite.close();
}

async function ask(data: string, groupId: string, prose: Prose, count: number) {
  const before = process.memoryUsage.rss();
  await using node = await BatteryNode.open({ data });
  const time = async (rankBy: 'both' | 'words'): Promise<number> => {
    const query = prose.words(8);
    const start = performance.now();
    const answer = await node.views.compileContext(groupId, { query, rankBy });
    if (answer.rankedBy !== rankBy || answer.claims.length === 0)
      throw new Error(`ranked by ${answer.rankedBy}`);
    return performance.now() - start;
  };
  await time('both');
  const both: number[] = [];
  const { user, system } = process.cpuUsage();
  for (let at = 0; at < count; at++) both.push(await time('both'));
  const used = process.cpuUsage();
  const processorMs = (used.user + used.system - user - system) / 1000 / count;
  const words: number[] = [];
  for (let at = 0; at < count; at++) words.push(await time('words'));
  const mib = (process.memoryUsage.rss() - before) / 2 ** 20;
  return {
    p50: median(both),
    p95: quantile(both, 0.95),
    wordsP50: median(words),
    processorMs,
    mib,
  };
}

async function modelRate(prose: Prose, scale: number): Promise<number> {
  const embedder = (await loadEmbedder({ kind: 'builtin' }))!;
  await embedder.embed(prose.words(12));
  const count = Math.ceil(100 * scale);
  const start = performance.now();
  for (let at = 0; at < count; at++) await embedder.embed(prose.words(12));
  return (count * 1000) / (performance.now() - start);
}

/** Sealing with and without the views behind it, turn by turn, so that both meet the same weather. */
async function measureSlowdown(scale: number): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'lb-bench-'));
  try {
    const rounds: { alone: number; followed: number }[] = [];
    for (let round = 0; round < (scale < 1 ? 1 : 7); round++)
      rounds.push({
        alone: await sealRate(join(dir, `${round}-alone`), scale, false),
        followed: await sealRate(join(dir, `${round}-followed`), scale, true),
      });
    return [
      {
        what: 'claims sealed by 64 callers, nothing behind',
        value: median(rounds.map(({ alone }) => alone)),
        unit: 'tx/s',
      },
      {
        what: 'claims sealed by 64 callers, views and model behind',
        value: median(rounds.map(({ followed }) => followed)),
        unit: 'tx/s',
        against: {
          what: 'nothing behind',
          share: median(rounds.map(({ alone, followed }) => followed / alone)),
        },
        bar: '≥ 90 %',
      },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

let published = 0;
async function sealRate(data: string, scale: number, withViews: boolean): Promise<number> {
  await using node = await BatteryNode.openOrInit({ data });
  const group = await node.createGroup({ name: 'bench' });
  const me = group.as('node');
  if (withViews) {
    node.views.follow([group.groupId]);
    // The model is loaded and has something to do before anything is measured.
    await Promise.all(Array.from({ length: 64 }, () => publish(me)));
    await node.views.compileContext(group.groupId, { query: 'word', waitForMeaningMs: 1 });
  }
  const count = Math.ceil(30_000 * scale);
  let left = count;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (left-- > 0) await publish(me);
    }),
  );
  return (count * 1000) / (performance.now() - start);
}

const publish = (agent: Agent) =>
  agent.publishClaim({ text: `Claim ${++published} of the benchmark.`, tags: ['bench'] });
