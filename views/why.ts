/** Why a claim is in, out or retracted, as a tree over what it rests on. */
import type { Hex32 } from '../events/bytes.ts';
import { type ClaimRow, statusOf } from './claims.ts';
import type { WhyNode } from './questions.ts';
import type { Sqlite } from './sqlite.ts';
import { assertText } from './stored-text.ts';

/** Nodes of a tree; more says nothing to a reader, and evidence can go back for ever. */
const NODES_MAX = 500;
const TEXT_CHARACTERS = 200;

interface Row extends ClaimRow {
  readonly whole: string | null;
  readonly sum: number | null;
  readonly retracted_ms: number | null;
}

type Draft = { -readonly [K in keyof WhyNode]: WhyNode[K] } & { restsOn: WhyNode[] };

/** The tree of claim number `n`. What several claims rest on is explained once. */
export function explain(sqlite: Sqlite, n: number, nodesMax = NODES_MAX): WhyNode {
  const most = Math.min(nodesMax, NODES_MAX);
  const explained = new Set<number>();
  const root = nodeOf(sqlite, n);
  // Breadth first, so that a tree that is too large is cut at its far end; and a long chain needs no deep stack.
  const waiting: { n: number; node: Draft }[] = [{ n, node: root }];
  for (let at = 0; at < waiting.length; at++) {
    const { n: current, node } = waiting[at]!;
    const basis = basisOf(sqlite, current);
    node.experiences = basis.experiences;
    if (basis.claims.length === 0) continue;
    if (explained.has(current)) node.leftOut = 'explained above';
    else if (waiting.length + basis.claims.length > most) node.leftOut = 'too large';
    else
      for (const cited of basis.claims) {
        const child = nodeOf(sqlite, cited);
        node.restsOn.push(child);
        waiting.push({ n: cited, node: child });
      }
    explained.add(current);
  }
  return root;
}

function basisOf(sqlite: Sqlite, n: number): { claims: number[]; experiences: Hex32[] } {
  const rows = sqlite.all<{ reference: Hex32; cited: number | null }>(
    'SELECT reference, cited FROM evidence WHERE n = ? ORDER BY position',
    n,
  );
  return {
    claims: rows.flatMap(({ cited }) => (cited === null ? [] : [cited])),
    experiences: rows.flatMap(({ cited, reference }) => (cited === null ? [reference] : [])),
  };
}

function nodeOf(sqlite: Sqlite, n: number): Draft {
  const row = sqlite.get<Row>(
    `SELECT claim.n, claim, author, member.name, ts_ms, retracted_by, retracted_ms, reason, is_in,
      substr(text, 1, ${TEXT_CHARACTERS}) AS text, text AS whole, sum
      FROM claim LEFT JOIN claim_text USING (n) LEFT JOIN member ON member = author WHERE claim.n = ?`,
    n,
  )!;
  assertText({ n, text: row.whole, sum: row.sum });
  const { retracted_by: by, retracted_ms: tsMs, reason } = row;
  return {
    claim: row.claim,
    status: statusOf(row),
    author: row.author,
    ...(row.name === null ? {} : { authorName: row.name }),
    tsMs: row.ts_ms,
    ...(row.text === null ? {} : { text: row.text }),
    ...(by === null ? {} : { retraction: { by, tsMs: tsMs!, ...(reason === null ? {} : { reason }) } }),
    restsOn: [],
    experiences: [],
  };
}
