/** Operations and effects on one line: their fields in words, times as dates, names where there are some. */
import { type Hex32, isHex32 } from '../../events/bytes.ts';
import { cleanLine, formatSpan, formatTime, shorten } from './text.ts';

/** The longest text that is shown of one field. */
const FIELD_SHOWN = 60;

/** `to: bob, amount: 100`: everything that `fact` says beside its kind or type. */
export function describeFact(fact: object, name: (key: Hex32) => string): string {
  return Object.entries(fact)
    .filter(([key, value]) => key !== 'kind' && key !== 'type' && isSaid(value))
    .map(([key, value]) => `${label(key)}: ${describeField(key, value, name)}`)
    .join(', ');
}

/** `leaseUntilMs` is the `lease until`. */
function label(key: string): string {
  const words = key.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words === 'ts' ? 'time' : words;
}

/** Later than this, a number of milliseconds is a point in time; up to it, a span. No span is 30 years long. */
const SPAN_MS_MAX = 1e12;

function describeField(key: string, value: unknown, name: (key: Hex32) => string): string {
  if (!/(Ms|_ms)$/.test(key) || typeof value !== 'number') return describeValue(value, name);
  return value > SPAN_MS_MAX ? formatTime(value) : formatSpan(value);
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0);
}

function describeValue(value: unknown, name: (key: Hex32) => string): string {
  if (isHex32(value)) return name(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `[${value.map((one) => describeValue(one, name)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return `{${describeFact(value, name)}}`;
  return shorten(cleanLine(String(value)), FIELD_SHOWN);
}

/** Names of members, and every other id as `id` shows it. */
export function nameOrId(
  nameOf: (key: Hex32) => string,
  keys: ReadonlySet<Hex32>,
  id: (id: Hex32) => string,
): (id: Hex32) => string {
  return (one) => (keys.has(one) ? nameOf(one) : id(one));
}
