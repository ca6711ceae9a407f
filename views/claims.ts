/** Claims out of the file: which ones a filter lets through, and how they are shown. */
import type { Hex32 } from '../events/bytes.ts';
import { normalForm } from '../events/normal-form.ts';
import { numbersIn } from './postings.ts';
import type { ClaimFilter, ShownClaim, TruthStatus } from './questions.ts';
import type { Sqlite, Value } from './sqlite.ts';
import { assertText, type StoredText } from './stored-text.ts';
import type { Mask } from './words.ts';

/** What the file knows of every claim, however it is shown. */
export interface ClaimRow {
  readonly n: number;
  readonly claim: Hex32;
  readonly author: Hex32;
  readonly name: string | null;
  readonly ts_ms: number;
  readonly retracted_by: Hex32 | null;
  readonly is_in: number;
  readonly reason: string | null;
  readonly text: string | null;
}

interface Row extends ClaimRow, StoredText {
  readonly height: number;
  readonly position: number;
  readonly tags: string;
  readonly parent: Hex32 | null;
  readonly root: Hex32;
  readonly depth: number;
}

const SHOWN = `SELECT claim.n, claim.claim, claim.author, member.name, claim.ts_ms, claim.height, claim.position,
    claim.tags, claim.retracted_by, claim.is_in, claim.reason, p.claim AS parent, r.claim AS root, claim.depth,
    claim_text.text, claim_text.sum
  FROM claim JOIN claim AS r ON r.n = claim.root LEFT JOIN claim AS p ON p.n = claim.parent
    LEFT JOIN claim_text ON claim_text.n = claim.n LEFT JOIN member ON member.member = claim.author`;

const STATUS: Readonly<Record<TruthStatus, string>> = {
  in: 'is_in = 1',
  out: 'is_in = 0 AND retracted_by IS NULL',
  retracted: 'retracted_by IS NOT NULL',
};

export function statusOf(row: Pick<ClaimRow, 'retracted_by' | 'is_in'>): TruthStatus {
  if (row.retracted_by !== null) return 'retracted';
  return row.is_in === 1 ? 'in' : 'out';
}

/** The number of a claim, or nothing for one that is not here. */
export function numberOf(sqlite: Sqlite, claim: Hex32): number | undefined {
  return sqlite.get<{ n: number }>('SELECT n FROM claim WHERE claim = ?', claim)?.n;
}

/** A claim by its number. */
export function shownClaim(sqlite: Sqlite, n: number): ShownClaim {
  return shown(sqlite.get<Row>(`${SHOWN} WHERE claim.n = ?`, n)!);
}

/** Claims by their numbers from `after` (exclusive), in the order of the log. */
export function claimsAfter(sqlite: Sqlite, after: number, limit: number): ShownClaim[] {
  return sqlite.all<Row>(`${SHOWN} WHERE claim.n > ? ORDER BY claim.n LIMIT ?`, after, limit).map(shown);
}

function shown(row: Row): ShownClaim {
  assertText(row);
  return {
    claim: row.claim,
    author: row.author,
    ...(row.name === null ? {} : { authorName: row.name }),
    tsMs: row.ts_ms,
    height: row.height,
    index: row.position,
    tags: JSON.parse(row.tags) as string[],
    status: statusOf(row),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.parent === null ? {} : { parent: row.parent }),
    root: row.root,
    depth: row.depth,
    ...(row.text === null ? {} : { text: row.text }),
  };
}

/** The claims that a filter lets through, as a mask; nothing where it lets all through. */
export function maskOf(sqlite: Sqlite, filter: ClaimFilter): Mask {
  const conditions: string[] = [];
  const values: Value[] = [];
  const add = (condition: string, ...more: readonly Value[]): void => {
    conditions.push(condition);
    values.push(...more);
  };
  if (filter.sinceMs !== undefined) add('ts_ms >= ?', filter.sinceMs);
  if (filter.untilMs !== undefined) add('ts_ms < ?', filter.untilMs);
  if (filter.author !== undefined) add('author = ?', filter.author);
  if (filter.status !== undefined) add(STATUS[filter.status]);
  if (filter.thread !== undefined) add('root = (SELECT root FROM claim WHERE claim = ?)', filter.thread);
  for (const tag of new Set(filter.tags))
    add('n IN (SELECT n FROM claim_tag WHERE form = ?)', normalForm(tag));
  if (conditions.length === 0) return undefined;
  const [row] = sqlite.allOnce<{ list: string | null; highest: number | null }>(
    `SELECT group_concat(n) AS list, max(n) AS highest FROM claim WHERE ${conditions.join(' AND ')}`,
    ...values,
  );
  const highest = sqlite.get<{ n: number | null }>('SELECT max(n) AS n FROM claim')!.n ?? 0;
  const mask = new Uint8Array(highest + 1);
  for (const n of numbersIn(row?.list ?? '')) mask[n] = 1;
  return mask;
}
