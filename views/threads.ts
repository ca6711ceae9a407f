/**
 * Conversations as trees, what is new, and what somebody has not read.
 *
 * A thread is walked in the order in which a reader sees it: a claim, then its replies, oldest first, each with its
 * own. The walk goes on from any claim of it by three look-ups in an index (first reply, next sibling, parent), so a
 * page costs the same wherever it is and however long the thread.
 */
import type { Hex32 } from '../events/bytes.ts';
import { shownClaim } from './claims.ts';
import type { ShownClaim } from './questions.ts';
import type { Sqlite } from './sqlite.ts';

/** Threads that an unread count names. */
const THREADS_SHOWN = 20;

/** The claims of the thread of claim number `n`, from its root or after claim number `after`. */
export function threadPage(
  sqlite: Sqlite,
  n: number,
  { after, limit }: { after: number | undefined; limit: number },
): { claims: ShownClaim[]; next: Hex32 | undefined } {
  const root = rootOf(sqlite, n);
  const claims: ShownClaim[] = [];
  let at = after === undefined ? root : follower(sqlite, after);
  for (; at !== undefined && claims.length < limit; at = follower(sqlite, at))
    claims.push(shownClaim(sqlite, at));
  return { claims, next: at === undefined ? undefined : claims.at(-1)?.claim };
}

/** The number of the claim that the thread of claim number `n` began with. */
export function rootOf(sqlite: Sqlite, n: number): number {
  return sqlite.get<{ root: number }>('SELECT root FROM claim WHERE n = ?', n)!.root;
}

/** What a reader sees after claim number `n`. */
function follower(sqlite: Sqlite, n: number): number | undefined {
  const reply = firstReply(sqlite, n, 0);
  if (reply !== undefined) return reply;
  let current = n;
  for (;;) {
    const { parent } = sqlite.get<{ parent: number | null }>(
      'SELECT parent FROM claim WHERE n = ?',
      current,
    )!;
    if (parent === null) return undefined;
    const sibling = firstReply(sqlite, parent, current);
    if (sibling !== undefined) return sibling;
    current = parent;
  }
}

function firstReply(sqlite: Sqlite, parent: number, after: number): number | undefined {
  const row = sqlite.get<{ n: number | null }>(
    'SELECT min(n) AS n FROM claim WHERE parent = ? AND n > ?',
    parent,
    after,
  );
  return row?.n ?? undefined;
}

/** A place in the log. */
export interface Place {
  readonly height: number;
  readonly index: number;
}

/** The number of the last claim at or before a place; 0 when there is none. */
export function numberAt(sqlite: Sqlite, { height, index }: Place): number {
  const row = sqlite.get<{ n: number }>(
    `SELECT n FROM claim WHERE (height, position) <= (?, ?) ORDER BY height DESC, position DESC LIMIT 1`,
    height,
    index,
  );
  return row?.n ?? 0;
}

/** Claims of others after claim number `after`, in all and by thread. */
export function unreadAfter(
  sqlite: Sqlite,
  reader: Hex32,
  after: number,
): { unread: number; threads: { root: Hex32; unread: number }[] } {
  const { unread } = sqlite.get<{ unread: number }>(
    'SELECT count(*) AS unread FROM claim WHERE n > ? AND author <> ?',
    after,
    reader,
  )!;
  const threads = sqlite.all<{ root: Hex32; unread: number }>(
    `SELECT r.claim AS root, count(*) AS unread FROM claim JOIN claim AS r ON r.n = claim.root
      WHERE claim.n > ? AND claim.author <> ? GROUP BY claim.root ORDER BY unread DESC, r.n LIMIT ${THREADS_SHOWN}`,
    after,
    reader,
  );
  return { unread, threads };
}
