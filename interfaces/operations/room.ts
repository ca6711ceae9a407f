/**
 * How much an answer may hold. A model reads every answer whole, and a host refuses one that is too long, or cuts it
 * where no cursor tells of the rest. So a page ends where its entries are enough by count, or by size, whichever comes
 * first, and its cursor goes on behind the last entry that is in it.
 *
 * Sizes are estimated in tokens, to the high side, since every model counts in its own way: ids tell nothing and are
 * dear, quotes are written twice where a JSON stands within another, and scripts beyond ASCII take a token a character.
 */
import { cursorAfter, pageOf } from './call.ts';
import type { Call } from './operation.ts';

/** For programs, which read as much as they want to: about a mebibyte. */
const WIDE_TOKENS = 300_000;
/** For what stands around the entries: names of fields, cursor, notice. */
const AROUND_TOKENS = 500;
/** A text goes on by that much also where nothing is left: who reads on piece by piece has to come to its end. */
const TEXT_TOKENS_MIN = 100;

const HEX_RUN = /[0-9a-f]{16,}/g;
const TOKENS_OF_ASCII = 0.28;
const TOKENS_OF_HEX = 0.5;
const TOKENS_OF_ESCAPED = 0.6;

/** How many tokens a model takes for a JSON, at most. */
export function tokensIn(json: string): number {
  let tokens = 0;
  for (let at = 0; at < json.length; at++) tokens += tokensOf(json.charCodeAt(at));
  for (const [run] of json.matchAll(HEX_RUN)) tokens += run.length * (TOKENS_OF_HEX - TOKENS_OF_ASCII);
  return Math.ceil(tokens);
}

function tokensOf(unit: number): number {
  if (unit >= 0x80) return 1;
  return unit === 0x22 || unit === 0x5c ? TOKENS_OF_ESCAPED : TOKENS_OF_ASCII;
}

/** The room of one answer, which entries take up one by one. */
export class Room {
  private left: number;
  /** Whether nothing has been taken in yet. */
  isEmpty = true;

  constructor({ answerTokens = WIDE_TOKENS }: Pick<Call, 'answerTokens'>) {
    this.left = answerTokens - AROUND_TOKENS;
  }

  /** Keeps room for what stands in every answer however many entries it has, such as a cursor over many groups. */
  reserve(text: string): void {
    // A reader with too little room for both still gets an entry.
    this.left -= Math.min(tokensIn(text), this.left / 2);
  }

  hasRoomFor(entry: object): boolean {
    return tokensIn(JSON.stringify(entry)) <= this.left;
  }

  /** Takes an entry in, if there is room for it; the first always, cut where it is too large for itself. */
  take<E extends object>(entry: E): E | undefined {
    const tokens = tokensIn(JSON.stringify(entry));
    if (tokens <= this.left) {
      this.left -= tokens;
      this.isEmpty = false;
      return entry;
    }
    if (!this.isEmpty) return undefined;
    const cut = shortened(entry, this.left);
    this.left = 0;
    this.isEmpty = false;
    return cut;
  }

  /** The beginning of a text that still fits, from a place of it on, and where the rest begins. */
  takeText(text: string, from = 0): { text: string; next_offset?: number } {
    const rest = text.slice(from);
    const end = endWithin(rest, Math.max(this.left, TEXT_TOKENS_MIN));
    this.left -= tokensIn(JSON.stringify(rest.slice(0, end)));
    this.isEmpty = false;
    return end === rest.length ? { text: rest } : { text: rest.slice(0, end), next_offset: from + end };
  }
}

/** How many units of a text fit into so many tokens, without tearing a character. */
function endWithin(text: string, tokens: number): number {
  const runs = text.matchAll(HEX_RUN);
  let run = runs.next().value;
  let left = tokens;
  let end = 0;
  for (; end < text.length; end++) {
    while (run !== undefined && run.index + run[0].length <= end) run = runs.next().value;
    const unit = text.charCodeAt(end);
    // What JSON escapes takes up to six characters.
    left -= unit < 0x20 ? 6 * TOKENS_OF_ASCII : tokensOf(unit);
    // The backslash before it.
    if (unit === 0x22 || unit === 0x5c) left -= TOKENS_OF_ESCAPED;
    if (run !== undefined && run.index <= end) left -= TOKENS_OF_HEX - TOKENS_OF_ASCII;
    if (left < 0) break;
  }
  const isTorn = end < text.length && end > 0 && /[\ud800-\udbff]/.test(text[end - 1]!);
  return isTorn ? end - 1 : end;
}

/** An entry whose longest texts are cut until it fits; `is_cut` says so. */
function shortened<E extends object>(entry: E, tokens: number): E {
  const cut = { ...entry, is_cut: true } as Record<string, unknown>;
  for (;;) {
    const over = tokensIn(JSON.stringify(cut)) - tokens;
    const [longest] = Object.entries(cut)
      .flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as const] : []))
      .sort(([, one], [, other]) => other.length - one.length);
    if (over <= 0 || longest === undefined || longest[1].length < 100) return cut as E;
    const [name, text] = longest;
    const whole = tokensIn(JSON.stringify(text));
    cut[name] = `${text.slice(0, endWithin(text, Math.max(20, whole - over - 8)))}…`;
    if (cut[name] === text) return cut as E;
  }
}

interface Paging<T, E> {
  keyOf(entry: T): string;
  /** As the answer has it. */
  describe(entry: T): E;
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** A page of `entries`, as `pageOf`, that also ends where the answer is full. */
export function describedPage<T, E extends object>(
  call: Call,
  entries: readonly T[],
  { keyOf, describe, cursor, limit }: Paging<T, E>,
): { page: E[]; next: { next_cursor?: string } } {
  const { page, next } = pageOf(entries, keyOf, { cursor, limit });
  const room = new Room(call);
  const taken: E[] = [];
  for (const [at, entry] of page.entries()) {
    const fitting = room.take(describe(entry));
    if (fitting === undefined)
      return { page: taken, next: { next_cursor: cursorAfter(keyOf(page[at - 1]!)) } };
    taken.push(fitting);
  }
  return { page: taken, next };
}
