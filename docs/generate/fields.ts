/** Says in words what a field takes, from the field's own description. */
import type { FieldType } from '../../events/codec.ts';
import { TIME_MS_MAX } from '../../events/limits.ts';
import { number } from './table.ts';

/** Anything that describes itself: a codec, or a part of one. */
export interface Field {
  readonly describe: FieldType;
}

function describeUint(max: number): string {
  if (max === Number.MAX_SAFE_INTEGER) return 'uint ≤ 2^53−1';
  if (max === TIME_MS_MAX) return 'time';
  return max === 0xffff_ffff ? 'uint ≤ 2^32−1' : `uint ≤ ${number(max)}`;
}

function describeText({ min, maxBytes, maxCharacters }: FieldType & { kind: 'text' }): string {
  return maxCharacters === undefined
    ? `text, ${min} to ${number(maxBytes)} bytes`
    : `text, ${min} to ${number(maxCharacters)} characters`;
}

function describeList({ min, max, unique, of }: FieldType & { kind: 'list' }): string {
  return `list of ${min} to ${number(max)}${unique ? ' that differ' : ''}, each ${describeType(of)}`;
}

function describeType(type: FieldType): string {
  switch (type.kind) {
    case 'id':
    case 'boolean':
    case 'amount':
      return type.kind;
    case 'uint':
      return describeUint(type.max);
    case 'blob':
      return `bin of up to ${type.maxBytes} bytes`;
    case 'bytes':
      return `bin, ${type.length} bytes`;
    case 'enum':
      return `one of ${type.values.map((value, at) => `${at} ${value}`).join(', ')}`;
    case 'text':
      return describeText(type);
    case 'optional':
      return type.of.kind === 'union'
        ? `${describeType(type.of)} or nil`
        : `${describeType(type.of)}, or nil`;
    case 'union':
      return type.of.map(describeType).join(', ');
    case 'list':
      return describeList(type);
    case 'record':
      return `[${type.fields.map((one) => `${one.name}: ${describeType(one.type)}`).join('; ')}]`;
  }
}

/** The type of a field and its bounds, on one line. */
export function describeField({ describe }: Field): string {
  return describeType(describe);
}

/** The fields of a record field, in order. */
export function fieldsOf({ describe }: Field): [name: string, field: Field][] {
  if (describe.kind !== 'record') throw new Error('docs: expected a record');
  return describe.fields.map(({ name, type }) => [name, { describe: type }]);
}
