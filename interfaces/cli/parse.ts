/** Values as people type them: times, spans, amounts, tags, text from a flag, a file or standard input. */

import { UsageError } from '../../actors/errors.ts';
import { MAX_TOKEN } from '../../events/fields.ts';
import { TIME_MS_MAX } from '../../events/limits.ts';
import { readInput, readTextInput } from './files.ts';
import { isoTime } from './iso-time.ts';
import type { Terminal } from './terminal.ts';
import { formatSpan, formatTime } from './text.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** A span in milliseconds from `90s`, `30m`, `24h`, `7d`, `1h30m`, or a number of milliseconds. */
export function spanOf(text: string): number | undefined {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (!/^(\d{1,9}(ms|s|m|h|d|w))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d|w)/g))
    total += Number(count) * UNIT_MS[unit!]!;
  return total <= TIME_MS_MAX ? total : undefined;
}

/** A span as `spanOf` takes it, within bounds where there are some. */
export function parseSpan(text: string, flag: string, min = 0, max = TIME_MS_MAX): number {
  const span = spanOf(text);
  if (span === undefined)
    throw new UsageError(`${flag} ${text}: expected a span such as 90s, 30m, 24h or 7d`);
  if (span < min || span > max)
    throw new UsageError(`${flag} ${text}: expected a span from ${formatSpan(min)} to ${formatSpan(max)}`);
  return span;
}

/** A point in time from ISO 8601, milliseconds since 1970, or a span before (or after) now. */
export function parseTime(text: string, flag: string, nowMs: number, direction: 'ago' | 'from now'): number {
  const time = timeOf(text, nowMs, direction);
  if (time === undefined || time > TIME_MS_MAX)
    throw new UsageError(
      `${flag} ${text}: expected a time that there is, such as 2026-01-31T12:00Z (UTC where it names no zone), a span such as 24h (${direction}), or milliseconds since 1970`,
    );
  return time;
}

function timeOf(text: string, nowMs: number, direction: 'ago' | 'from now'): number | undefined {
  if (/^\d{11,15}$/.test(text)) return Number(text);
  if (/^\d{4}-\d\d/.test(text)) {
    const ms = isoTime(text);
    return ms === undefined ? undefined : Math.max(0, ms);
  }
  // Seconds since 1970, or a span of some days in milliseconds: nobody could say.
  if (/^\d{9,10}$/.test(text)) return undefined;
  const span = spanOf(text);
  if (span === undefined) return undefined;
  return Math.max(0, direction === 'ago' ? nowMs - span : nowMs + span);
}

/** A time that must still come. */
export function parseFutureTime(text: string, flag: string, nowMs: number): number {
  const time = parseTime(text, flag, nowMs, 'from now');
  if (time <= nowMs)
    throw new UsageError(`${flag} ${text}: ${formatTime(time)} is over; name a time to come, such as 24h`);
  return time;
}

/** Whole tokens. */
export function amountOf(text: string): bigint | undefined {
  const amount = /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  return amount !== undefined && amount <= MAX_TOKEN ? amount : undefined;
}

/** Whole tokens, and not none: what moves is at least one. */
export function parseAmount(text: string, flag: string): bigint {
  const amount = amountOf(text);
  if (amount === undefined || amount === 0n)
    throw new UsageError(`${flag} ${text}: expected a whole amount of tokens from 1 to ${MAX_TOKEN}`);
  return amount;
}

export function countOf(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A whole number from `min` to `max`. */
export function parseCount(text: string, flag: string, min = 1, max = 1_000_000): number {
  const count = countOf(text);
  if (count === undefined || count < min || count > max)
    throw new UsageError(`${flag} ${text}: expected a whole number from ${min} to ${max}`);
  return count;
}

export function parseHeight(text: string): number {
  return parseCount(text, '--at', 0, Number.MAX_SAFE_INTEGER);
}

/** One of a fixed list of words, in any case. */
export function parseWord<const W extends readonly string[]>(
  text: string,
  flag: string,
  words: W,
): W[number] {
  const said = text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  const word = words.find((one) => one === text) ?? words.find((one) => one.toLowerCase() === said);
  if (word === undefined) throw new UsageError(`${flag} ${text}: expected one of ${words.join(', ')}`);
  return word;
}

/** `a,b` as a list without doubles or empty entries. */
export function parseList(text: string | undefined): string[] {
  const entries = (text ?? '').split(',').map((entry) => entry.trim());
  return [...new Set(entries.filter((entry) => entry !== ''))];
}

/** A JSON object. */
export function parseObject(text: string, flag: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Said below, with what was expected.
  }
  throw new UsageError(`${flag}: expected a JSON object such as {"task":"t-1"}`);
}

/** Nothing but letters that arrived whole: a shell can pass bytes that are no text. */
export function assertArguments(args: readonly string[]): void {
  const broken = args.findIndex((arg) => arg.includes('\ufffd') || !arg.isWellFormed());
  if (broken >= 0) throw new UsageError(`argument ${broken + 1} is not valid UTF-8`);
}

/** Content from exactly one of `--text`, `--file`, or `-` for standard input, as bytes. */
export async function contentOf(
  terminal: Terminal,
  options: { text?: string; file?: string },
  dash: string | undefined,
): Promise<Uint8Array> {
  // A name that stands alone may be meant as a file's: only text, such as a claim's, may stand by itself.
  if (dash !== undefined && dash !== '-')
    throw new UsageError('text goes behind --text, in a file behind --file, or to standard input with -');
  if (options.text !== undefined && options.file === undefined && dash === undefined)
    return new TextEncoder().encode(options.text);
  return readInput(terminal, sourceOf(options, dash));
}

/** Like `contentOf`, for text, which may also be the argument itself. */
export async function textOf(
  terminal: Terminal,
  options: { text?: string; file?: string },
  given: string | undefined,
): Promise<string> {
  const isText = given !== undefined && given !== '-';
  if (isText && options.text === undefined && options.file === undefined) return given;
  if (options.text !== undefined && options.file === undefined && given === undefined) return options.text;
  return readTextInput(terminal, sourceOf(options, given));
}

/** What a text came from, for messages about it. */
export function sourceName(
  { text, file }: { text?: string; file?: string },
  given: string | undefined,
): string {
  if (given !== undefined && given !== '-') return 'the text';
  return text === undefined ? (file ?? 'standard input') : '--text';
}

function sourceOf({ text, file }: { text?: string; file?: string }, given: string | undefined): string {
  if ([text, file, given].filter((one) => one !== undefined).length !== 1)
    throw new UsageError(
      'give the text once: as an argument, with --text, with --file, or on standard input with -',
    );
  return file ?? '-';
}
