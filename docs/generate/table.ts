/** Markdown tables. */

/** A table of these columns; a bar inside a cell is escaped. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

const KIB = 1024;
const SECOND_MS = 1000;
const UNITS = [
  [24 * 3600 * SECOND_MS, 'd'],
  [3600 * SECOND_MS, 'h'],
  [60 * SECOND_MS, 'min'],
  [SECOND_MS, 's'],
] as const;

/** A whole number with separators. */
export function number(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A number of bytes, also in KiB or MiB where that is exact. */
export function bytes(value: number): string {
  if (value >= KIB * KIB && value % (KIB * KIB) === 0)
    return `${number(value)} bytes (${value / KIB / KIB} MiB)`;
  if (value >= KIB && value % KIB === 0) return `${number(value)} bytes (${value / KIB} KiB)`;
  return `${number(value)} bytes`;
}

/** A span in milliseconds, also in the largest unit in which it is whole. */
export function span(value: number): string {
  const unit = UNITS.find(([ms]) => value >= ms && value % ms === 0);
  return unit === undefined ? `${number(value)} ms` : `${number(value)} ms (${value / unit[0]} ${unit[1]})`;
}
