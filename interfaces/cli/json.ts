/**
 * Output for machines: one envelope with a version, keys in snake_case as on the other interfaces, amounts as
 * decimal strings (a 64-bit integer does not survive a JavaScript number), bytes as hex, absent fields left out.
 */
import { toHex } from '../../events/bytes.ts';

/** Counts up when a field changes its meaning or goes away; new fields do not count. */
export const SCHEMA_VERSION = 1;

/** A value whose keys are somebody's data and stay as they are. */
export class Verbatim {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The JSON value that stands for `value`. */
export function toWire(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof Verbatim) return value.value;
  if (Array.isArray(value)) return value.map(toWire);
  if (value instanceof Map || value instanceof Set) return toWire([...value]);
  if (typeof value !== 'object' || value === null) return value;
  const wire: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value))
    if (field !== undefined && typeof field !== 'function') wire[snakeCase(key)] = toWire(field);
  return wire;
}

/** What terminals act on, and what nobody sees: the same text, in the other way that JSON has to write it. */
const NOT_PLAIN = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{DI}]/gu;

/** JSON that does nothing to the terminal on which it is shown. */
export function jsonText(value: unknown, space?: number): string {
  return JSON.stringify(value, undefined, space).replace(NOT_PLAIN, (one) =>
    Array.from(
      { length: one.length },
      (_, at) => `\\u${one.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

/** `{"schema_version":1,"data":…}` on one line; warnings stand beside the data, where there are any. */
export function envelope(data: unknown, warnings: readonly string[] = []): string {
  const beside = warnings.length === 0 ? {} : { warnings };
  return jsonText({ schema_version: SCHEMA_VERSION, data: toWire(data), ...beside });
}
