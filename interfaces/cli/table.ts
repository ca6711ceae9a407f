/**
 * Tables and records. On a terminal a table fits the width: flexible columns share what the others leave, and
 * where even that is too narrow each row becomes a small record. In a pipe a table is tab-separated, with one
 * line of headers and ids in full.
 */
import Table from 'cli-table3';
import type { Output, Style } from './output.ts';
import { cleanLine, cleanText } from './text.ts';

export interface Column<R> {
  readonly header: string;
  /** The cell for people. */
  value(row: R): string;
  /** The cell in a pipe, where it differs: an id in full. */
  plain?(row: R): string;
  readonly align?: 'left' | 'right';
  /** Gives way when the width is short, and wraps. */
  readonly isFlexible?: boolean;
  /** What the table is read for: it gives way too, but never so far that it cannot be read as text. */
  readonly isText?: boolean;
}

/** The least that a flexible column may shrink to. */
const FLEXIBLE_MIN = 10;
/** The same of a column of text: some five words a line. Where that does not fit, each row becomes a record. */
const TEXT_MIN = 30;
/** Columns are told apart by space alone: lines would take width from the text. */
const GAP = '  ';
const NONE = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
};
const BARE = { ...NONE, middle: GAP };

/** Prints rows as a table. */
export function printTable<R>(
  out: Output,
  columns: readonly Column<R>[],
  rows: readonly R[],
  empty = 'nothing yet',
): void {
  if (!out.isTerminal) {
    out.line(columns.map(({ header }) => header).join('\t'));
    for (const row of rows) out.line(columns.map((column) => plainCell(column, row)).join('\t'));
    return;
  }
  if (rows.length === 0) for (const line of wrapWords(empty, out.width)) out.line(out.style('dim', line));
  else
    for (const line of renderTable(columns, rows, out.width, (text) => out.style('bold', text)))
      out.line(line);
}

function plainCell<R>(column: Column<R>, row: R): string {
  return cleanLine((column.plain ?? column.value)(row));
}

/** The lines of a table that is at most `width` columns wide. */
export function renderTable<R>(
  columns: readonly Column<R>[],
  rows: readonly R[],
  width: number,
  heading: (text: string) => string = (text) => text,
): string[] {
  const cells = rows.map((row) => columns.map((column) => cleanLine(column.value(row))));
  const natural = columns.map((column, at) =>
    Math.max(displayWidth(column.header), ...cells.map((row) => displayWidth(row[at]!))),
  );
  const widths = fitWidths(columns, natural, width);
  if (widths === undefined) return renderBlocks(columns, cells, width, heading);
  const column = (text: string, at: number): string[] => wrap(text, widths[at]!);
  const table = new Table({
    head: columns.map(({ header }, at) => column(header, at).map(heading).join('\n')),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: BARE,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...cells.map((row) => row.map((text, at) => column(text, at).join('\n'))));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** Widths of the columns' contents, or nothing where they cannot fit. */
function fitWidths<R>(
  columns: readonly Column<R>[],
  natural: readonly number[],
  width: number,
): number[] | undefined {
  const available = width - (columns.length - 1) * GAP.length;
  const widths = [...natural];
  let excess = widths.reduce((sum, one) => sum + one, 0) - available;
  while (excess > 0) {
    // The widest flexible column gives first, so that a long text leaves a short one alone.
    let widest = -1;
    for (const [at, one] of widths.entries())
      if (one > leastWidth(columns[at]!) && (widest < 0 || one > widths[widest]!)) widest = at;
    if (widest < 0) return undefined;
    widths[widest]!--;
    excess--;
  }
  return widths;
}

function leastWidth<R>({ isFlexible, isText }: Column<R>): number {
  if (isText) return TEXT_MIN;
  return isFlexible ? FLEXIBLE_MIN : Number.POSITIVE_INFINITY;
}

function renderBlocks<R>(
  columns: readonly Column<R>[],
  cells: readonly string[][],
  width: number,
  heading: (text: string) => string,
): string[] {
  return cells.flatMap((row, at) => [
    ...(at === 0 ? [] : ['']),
    ...columns.flatMap(({ header }, column) =>
      row[column] === '' ? [] : wrapField(header, row[column]!, width, heading),
    ),
  ]);
}

/** `header: text`, wrapped with an indent. */
function wrapField(header: string, text: string, width: number, heading: (text: string) => string): string[] {
  const [first = '', ...rest] = wrap(`${header}: ${text}`, width, '  ');
  return [`${heading(first.slice(0, header.length))}${first.slice(header.length)}`, ...rest];
}

/** Lines of at most `width` columns, broken at spaces where there are some. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  let lineWidth = 0;
  let lastSpace = -1;
  for (const character of text) {
    const characterWidth = displayWidth(character);
    if (lineWidth + characterWidth > width) {
      const isAtSpace = lastSpace > indent.length;
      const rest = isAtSpace ? line.slice(lastSpace + 1) : '';
      lines.push(isAtSpace ? line.slice(0, lastSpace) : line);
      line = indent + rest;
      lineWidth = displayWidth(line);
      lastSpace = -1;
    }
    if (character === ' ') lastSpace = line.length;
    line += character;
    lineWidth += characterWidth;
  }
  return [...lines, line];
}

/**
 * Lines broken at spaces only. A word that is longer than a line stays whole: it is an id or a path, which a terminal
 * shows over two lines and still copies as one.
 */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  let line: string | undefined;
  for (const word of text.split(' '))
    if (line === undefined) line = word;
    else if (line.trim() === '' || displayWidth(line) + 1 + displayWidth(word) <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  return [...lines, line ?? ''];
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const ZERO_WIDTH = /\p{Mn}|\p{Me}|\p{Cf}/u;

/** Columns that a terminal takes for a text. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += ZERO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** The least width of a text, however wide is what stands before it. */
const VALUE_MIN = 10;

/** Lines that fit a terminal; in a pipe they stay as they are. */
function fitLines(out: Output, text: string, width: number): string[] {
  const lines = text.split('\n');
  return out.isTerminal ? lines.flatMap((line) => wrapWords(line, Math.max(VALUE_MIN, width))) : lines;
}

/** Prints what was done. */
export function printSentence(out: Output, sentence: string): void {
  for (const line of fitLines(out, cleanLine(sentence), out.width)) out.line(out.style('green', line));
}

/** Prints what somebody wrote, line by line behind a margin. */
export function printText(out: Output, text: string, margin: string, style?: Style): void {
  for (const line of fitLines(out, cleanText(text), out.width - margin.length))
    out.line(margin + (style === undefined ? line : out.style(style, line)));
}

export type Field = readonly [label: string, value: string | undefined];

/** A time in full, which is not to be broken off for the sake of a label. */
const VALUE_BESIDE_MIN = 24;

/** Prints fields one below the other, their values in a column that fits a terminal; absent ones are left out. */
export function printFields(out: Output, fields: readonly Field[], indent = ''): void {
  const shown = fields.filter((field): field is [string, string] => field[1] !== undefined);
  const labelWidth = Math.max(0, ...shown.map(([label]) => label.length));
  const beside = indent + ' '.repeat(labelWidth + 2);
  // On a narrow terminal values stand below their labels.
  const isBelow = out.isTerminal && out.width - beside.length < VALUE_BESIDE_MIN;
  const hanging = isBelow ? `${indent}  ` : beside;
  for (const [label, value] of shown) {
    const lines = fitLines(out, cleanText(value), out.width - hanging.length);
    const title = indent + out.style('dim', isBelow ? label : label.padEnd(labelWidth));
    out.line(isBelow ? title : `${title}  ${lines[0]}`);
    for (const line of lines.slice(isBelow ? 0 : 1)) out.line(hanging + line);
  }
}
