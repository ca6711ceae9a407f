/** The part of a long text that a question is most about. */
import { queryTermsOf, termsOf } from './tokens.ts';
import { kinKey } from './word-kin.ts';

/**
 * `text` if it fits into `room` tokens; else the run of whole sentences that has most of the query's words, the
 * earliest of the best, cut to the room. What was left out is marked by an ellipsis.
 */
export function excerpt(
  text: string,
  query: string,
  room: number,
  tokensOf: (text: string) => number,
): string {
  if (tokensOf(text) <= room) return text;
  const sentences = text.split(/(?<=[.!?…])\s+|(?<=[。！？])/u);
  const start = bestStart(sentences, new Set(queryTermsOf(query).map(alike)), room, tokensOf);
  const rest = sentences.slice(start).join(' ');
  return `${start > 0 ? '… ' : ''}${cut(rest, room - 2, tokensOf)}`;
}

function bestStart(
  sentences: readonly string[],
  wanted: ReadonlySet<string>,
  room: number,
  tokensOf: (text: string) => number,
): number {
  if (wanted.size === 0) return 0;
  const hits = sentences.map(
    (sentence) =>
      new Set(
        termsOf(sentence)
          .map(alike)
          .filter((term) => wanted.has(term)),
      ).size,
  );
  const costs = sentences.map(tokensOf);
  let bestAt = 0;
  let most = -1;
  let end = 0;
  let cost = 0;
  let sum = 0;
  // A window that grows to the right while there is room, and loses its first sentence at each step.
  for (let at = 0; at < sentences.length; at++) {
    while (end < sentences.length && (end === at || cost + costs[end]! <= room)) {
      cost += costs[end]!;
      sum += hits[end++]!;
    }
    if (sum > most) {
      most = sum;
      bestAt = at;
    }
    cost -= costs[at]!;
    sum -= hits[at]!;
  }
  return bestAt;
}

/** Forms of one word are as good as the word here, and so are words that only look like it. */
const alike = (term: string): string => kinKey(term) ?? term;

/** The beginning of a text that fits, cut between words where there are some. */
function cut(text: string, room: number, tokensOf: (text: string) => number): string {
  if (tokensOf(text) <= room) return text;
  const characters = Array.from(text);
  let low = 0;
  let high = characters.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tokensOf(characters.slice(0, middle).join('')) <= room) low = middle;
    else high = middle - 1;
  }
  const beginning = characters.slice(0, low).join('');
  const space = beginning.lastIndexOf(' ');
  return `${space > beginning.length / 2 ? beginning.slice(0, space) : beginning}…`;
}
