/**
 * A slice of a group's knowledge as text that is ready for a prompt.
 *
 *   # 3 of 120 claims at height 42, for: input validation
 *   1. 2026-01-31T12:00:00Z ana (5f0c6a1b2d3e) #security, claim 9a8b7c6d5e4f: Always validate inputs.
 *   2. … RETRACTED (superseded) …
 *   Thread 1122334455aa of 14 claims, begun 2026-01-30T09:00:00Z by bob (…): What framework to use?
 *     3. … in reply to 1122334455aa: The one the team knows.
 *
 * Every claim is one line, whatever line ends and controls its author put into it, so that nobody can write a line
 * that looks like somebody else's. Everything in it follows from the log, so it is the same bytes on every node.
 */
import type { Hex32 } from '../events/bytes.ts';
import { replaceHidden } from '../events/hidden-text.ts';
import { shownClaim } from './claims.ts';
import { excerpt } from './excerpt.ts';
import type { ContextClaim, ContextQuestion, ShownClaim } from './questions.ts';
import type { Sqlite } from './sqlite.ts';
import type { Found } from './words.ts';

export const TOP_K_DEFAULT = 8;
export const TOKENS_DEFAULT = 2_000;
const ID_DIGITS = 12;
/** A claim is not worth a line that has room for fewer tokens of its text. */
const TEXT_TOKENS_MIN = 24;
const ROOT_TOKENS = 40;
const QUERY_CHARACTERS_SHOWN = 200;
const SAME_SHOWN = 3;

/** Text on one line, without what would move, hide or reorder it. */
function oneLine(text: string): string {
  return replaceHidden(text.replace(/\s+/g, ' '), (one) => (/\p{Cc}/u.test(one) ? ' ' : '')).trim();
}

/** An estimate that errs to the high side: four letters of English a token, other characters one each. */
export function estimateTokens(text: string): number {
  let others = 0;
  let units = 0;
  for (const character of text) {
    if (character > '\u007f') others++;
    else units++;
  }
  return Math.ceil(units / 4) + others;
}

interface Entry {
  readonly shown: ShownClaim;
  readonly score: number;
  readonly same: ShownClaim[];
}

interface Line {
  readonly entry: Entry;
  readonly text: string;
}

/** The slice and its claims. `found` is best first. */
export function composeSlice(
  sqlite: Sqlite,
  found: readonly Found[],
  question: ContextQuestion,
): { slice: string; claims: ContextClaim[]; tokens: number } {
  const { query, topK = TOP_K_DEFAULT, maxTokens = TOKENS_DEFAULT } = question;
  const entries = foldSame(sqlite, found, topK);
  const room = { tokens: maxTokens };
  const lines: Line[] = [];
  const headings = new Map<Hex32, string>();
  const perClaim = Math.max(
    TEXT_TOKENS_MIN,
    Math.floor(maxTokens / Math.min(Math.max(1, entries.length), 4)),
  );
  const header = headerOf(sqlite, query);
  room.tokens -= estimateTokens(header);
  const roots = new Set(entries.map(({ shown }) => shown.claim));
  for (const entry of entries) {
    const { root } = entry.shown;
    const heading = headings.has(root) ? undefined : headingOf(sqlite, root, !roots.has(root));
    const left = room.tokens - (heading === undefined ? 0 : estimateTokens(heading));
    const text = lineOf(entry, query, Math.min(left, perClaim));
    if (text === undefined) continue;
    if (heading !== undefined) headings.set(root, heading);
    room.tokens = left - estimateTokens(text);
    lines.push({ entry, text });
  }
  const claims: ContextClaim[] = [];
  const output = [`# ${lines.length} of ${header}`];
  for (const group of byThread(lines)) {
    const heading = headings.get(group[0]!.entry.shown.root);
    if (heading !== undefined) output.push(heading);
    for (const { entry, text } of group) {
      const number = claims.length + 1;
      output.push(`${heading === undefined ? '' : '  '}${number}. ${text}`);
      const { shown, score, same } = entry;
      claims.push({ ...shown, number, score, same: same.map(({ claim }) => claim) });
    }
  }
  const slice = `${output.join('\n')}\n`;
  return { slice, claims, tokens: estimateTokens(slice) };
}

/** The best `topK` claims; what says the same as a better one is folded into it, or it into one that is in. */
function foldSame(sqlite: Sqlite, found: readonly Found[], topK: number): Entry[] {
  const entries = new Map<string, Entry>();
  const sayings = sqlite.all<{ n: number; sameness: string | null }>(
    'SELECT n, sameness FROM json_each(?) AS wanted JOIN claim ON n = wanted.value',
    JSON.stringify(found.map(({ n }) => n)),
  );
  const sayingOf = new Map(sayings.map(({ n, sameness }) => [n, sameness]));
  for (const { n, score } of found) {
    const key = sayingOf.get(n) ?? `claim ${n}`;
    const first = entries.get(key);
    if (first === undefined && entries.size >= topK) continue;
    const shown = shownClaim(sqlite, n);
    if (first === undefined) entries.set(key, { shown, score, same: [] });
    else if (first.shown.status !== 'in' && shown.status === 'in')
      entries.set(key, { shown, score: first.score, same: [...first.same, first.shown] });
    else first.same.push(shown);
  }
  return [...entries.values()];
}

/** Claims of one thread stand together, where the best of them is; within it in the order of the log. */
function byThread(lines: readonly Line[]): Line[][] {
  const groups = new Map<Hex32, Line[]>();
  for (const line of lines) {
    const group = groups.get(line.entry.shown.root) ?? [];
    group.push(line);
    groups.set(line.entry.shown.root, group);
  }
  for (const group of groups.values())
    group.sort(
      (a, b) => a.entry.shown.height - b.entry.shown.height || a.entry.shown.index - b.entry.shown.index,
    );
  return [...groups.values()];
}

function headerOf(sqlite: Sqlite, query: string): string {
  const { claims } = sqlite.get<{ claims: number }>('SELECT count(*) AS claims FROM claim')!;
  const { height } = sqlite.get<{ height: number }>('SELECT height FROM checkpoint') ?? { height: -1 };
  const about = oneLine(query);
  const shown = Array.from(about).slice(0, QUERY_CHARACTERS_SHOWN).join('');
  const end = about === '' ? ', the latest' : `, for: ${shown}${shown === about ? '' : '…'}`;
  return `${claims} claims at height ${height}${end}`;
}

const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const shortId = (id: Hex32): string => id.slice(0, ID_DIGITS);

function authorOf({ author, authorName }: Pick<ShownClaim, 'author' | 'authorName'>): string {
  return authorName === undefined ? shortId(author) : `${oneLine(authorName)} (${shortId(author)})`;
}

/** What stands over the claims of a thread: how long it is, and how it began. Nothing over a claim by itself. */
function headingOf(sqlite: Sqlite, root: Hex32, withText: boolean): string | undefined {
  const { n, claims } = sqlite.get<{ n: number; claims: number }>(
    'SELECT r.n, count(*) AS claims FROM claim AS r JOIN claim AS c ON c.root = r.n WHERE r.claim = ?',
    root,
  )!;
  if (claims < 2) return undefined;
  const heading = `Thread ${shortId(root)} of ${claims} claims`;
  if (!withText) return `${heading}:`;
  const begun = shownClaim(sqlite, n);
  const text = excerpt(oneLine(begun.text ?? ''), '', ROOT_TOKENS, estimateTokens);
  return `${heading}, begun ${time(begun.tsMs)} by ${authorOf(begun)}: ${markOf(begun)}${text}`;
}

/** What a reader must know of a claim that is not in. */
function markOf({ status, reason }: ShownClaim): string {
  if (status === 'in') return '';
  if (status === 'out') return '[UNSUPPORTED: what it rests on was retracted] ';
  return reason === undefined ? '[RETRACTED] ' : `[RETRACTED: ${oneLine(reason).slice(0, 120)}] `;
}

/** A claim's line within `room` tokens, or nothing where there is no room for it. */
function lineOf({ shown, same }: Entry, query: string, room: number): string | undefined {
  const tags = shown.tags.map((tag) => ` #${oneLine(tag)}`).join('');
  const reply = shown.parent === undefined ? '' : `, in reply to ${shortId(shown.parent)}`;
  const head = `${time(shown.tsMs)} ${authorOf(shown)}${tags}, claim ${shortId(shown.claim)}${reply}: ${markOf(shown)}`;
  const named = same.slice(0, SAME_SHOWN).map((one) => `${authorOf(one)} ${shortId(one.claim)}`);
  const more = same.length > SAME_SHOWN ? ` and ${same.length - SAME_SHOWN} more` : '';
  const tail = same.length === 0 ? '' : ` (also said by ${named.join(', ')}${more})`;
  const left = room - estimateTokens(head) - estimateTokens(tail) - 2;
  const text = oneLine(shown.text ?? '(the text is not on this node)');
  if (left < Math.min(TEXT_TOKENS_MIN, estimateTokens(text))) return undefined;
  return head + excerpt(text, query, left, estimateTokens) + tail;
}
