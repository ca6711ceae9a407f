/**
 * What an answer repeats of what was sent: a line at the most. Messages of errors say which id or name was meant, and
 * whoever asks may have sent anything as one.
 */
import { cleanLine, shorten } from '../cli/text.ts';

/** Of one text that was sent. */
const QUOTED_CHARACTERS_MAX = 80;
/** Of a message in all: it may name several things, each with what may be done. */
const MESSAGE_CHARACTERS_MAX = 1_000;
/** Texts of an input that are looked for. */
const TEXTS_MAX = 1_000;

/** A message on one line, and not too long. */
export function oneLine(message: string): string {
  return shorten(
    cleanLine(message.slice(0, 2 * MESSAGE_CHARACTERS_MAX).toWellFormed()),
    MESSAGE_CHARACTERS_MAX,
  );
}

/** A message in which what was sent is shortened wherever it is quoted. */
export function quoted(message: string, input: unknown): string {
  let short = message;
  for (const text of longTextsOf(input))
    if (short.includes(text)) short = short.replaceAll(text, () => shorten(text, QUOTED_CHARACTERS_MAX));
  return oneLine(short);
}

/**
 * A message of somebody who quotes as much as there is, such as a library: what has no space in it is shortened, since
 * it is no word of any sentence.
 */
export function inOneLine(message: string): string {
  const words = message
    .slice(0, 2 * MESSAGE_CHARACTERS_MAX)
    .toWellFormed()
    .split(/\s+/);
  return oneLine(words.map((word) => shorten(word, QUOTED_CHARACTERS_MAX)).join(' '));
}

function longTextsOf(input: unknown): string[] {
  const found: string[] = [];
  const rest: unknown[] = [input];
  while (rest.length > 0 && found.length < TEXTS_MAX) {
    const one = rest.pop();
    if (typeof one === 'string' && one.length > QUOTED_CHARACTERS_MAX) found.push(one);
    else if (typeof one === 'object' && one !== null)
      for (const [name, field] of Object.entries(one)) rest.push(field, name);
  }
  return found;
}
