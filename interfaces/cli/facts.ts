/** Operations and effects on one line: their fields as they are, ids shortened, names where there are some. */
import { type Hex32, isHex32 } from '../../events/bytes.ts';
import { cleanLine, shorten, shortId } from './text.ts';

/** The longest text that is shown of one field. */
const FIELD_SHOWN = 60;

/** `to: bob, amount: 100`: everything that `fact` says beside its kind or type. */
export function describeFact(fact: object, name: (key: Hex32) => string): string {
  return Object.entries(fact)
    .filter(([key, value]) => key !== 'kind' && key !== 'type' && isSaid(value))
    .map(([key, value]) => `${key}: ${describeValue(value, name)}`)
    .join(', ');
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

/** Names of members, and every other id by its first digits. */
export function nameOrShort(nameOf: (key: Hex32) => string, keys: ReadonlySet<Hex32>): (id: Hex32) => string {
  return (id) => (keys.has(id) ? nameOf(id) : shortId(id));
}
