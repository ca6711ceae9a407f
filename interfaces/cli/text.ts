/**
 * Values as people read them. What members wrote is cleaned first: a claim must not move the cursor, colour the
 * screen, or make a line look like another one.
 */
import type { Hex32 } from '../../events/bytes.ts';
import { replaceHidden } from '../../events/hidden-text.ts';

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' };

/** As a programmer writes the character: `\u202e`, `\u{e0041}`. */
function escaped(character: string): string {
  const digits = character.codePointAt(0)!.toString(16);
  return NAMED[character] ?? (digits.length > 4 ? `\\u{${digits}}` : `\\u${digits.padStart(4, '0')}`);
}

/** Text on one line, with everything that a terminal would act on and nobody would see made visible. */
export function cleanLine(text: string): string {
  return replaceHidden(text, escaped);
}

/** Text that keeps its lines and tabs. */
export function cleanText(text: string): string {
  const lines = text.replaceAll('\r\n', '\n');
  return replaceHidden(lines, (one) => (one === '\n' || one === '\t' ? one : escaped(one)));
}

/** At most `length` characters, with an ellipsis where some were left out. */
export function shorten(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

export const SHORT_ID_DIGITS = 12;

/** The first digits of an id: enough to be typed again. */
export function shortId(id: Hex32): string {
  return id.slice(0, SHORT_ID_DIGITS);
}

/** A time as ISO 8601 in UTC; the number itself for times beyond the calendar. */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

/** A time with its distance from now: `2026-01-31 12:00:00 UTC (2h ago)`. */
export function formatMoment(ms: number, nowMs: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return `${ms} ms`;
  const distance = ms <= nowMs ? `${formatSpan(nowMs - ms)} ago` : `in ${formatSpan(ms - nowMs)}`;
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC (${distance})`;
}

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** A span in its two largest units: `1d 2h`, `45s`, `120ms`. */
export function formatSpan(ms: number): string {
  const parts: string[] = [];
  let rest = Math.abs(ms);
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? `${Math.round(rest)}ms` : parts.join(' ');
}

/** `a viewer`, `an admin`. */
export function withArticle(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

/** A word of a command line that can be pasted into a shell, whatever is in it. */
export function shellWord(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `1 block`, `2 blocks`. */
export function count(number: number | bigint, noun: string, plural = `${noun}s`): string {
  return `${number} ${Number(number) === 1 ? noun : plural}`;
}
