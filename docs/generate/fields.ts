/** Says in words what a field takes. What its description leaves out is found by asking its own check. */
import type { Codec, FieldType } from '../../events/codec.ts';
import { TIME_MS_MAX } from '../../events/limits.ts';
import { number } from './table.ts';

/** A field: what it says of itself, and what it takes. */
export type Field = Pick<Codec<unknown>, 'describe' | 'check'>;

function accepts(field: Field, value: unknown): boolean {
  try {
    field.check(value, '');
    return true;
  } catch {
    return false;
  }
}

/** A value that a field of this type takes. */
function sample(type: FieldType): unknown {
  switch (type.kind) {
    case 'id':
      return '0'.repeat(64);
    case 'boolean':
      return false;
    case 'amount':
      return 0n;
    case 'uint':
      return 0;
    case 'text':
      return 'a';
    case 'bytes':
      return new Uint8Array(type.length);
    case 'enum':
      return type.values[0];
    case 'optional':
      return undefined;
    case 'list':
      return Array.from({ length: type.min }, () => sample(type.of));
    case 'record':
      return Object.fromEntries(type.fields.map((field) => [field.name, sample(field.type)]));
  }
}

/** The entries of a list field, as a field. */
function entriesOf(list: Field, type: FieldType): Field {
  return { describe: type, check: (value) => list.check([value], '') };
}

/** One field of a record field, as a field. */
function fieldOf(record: Field, name: string, type: FieldType): Field {
  const others = sample(record.describe) as Record<string, unknown>;
  return { describe: type, check: (value) => record.check({ ...others, [name]: value }, '') };
}

function describeUint(max: number): string {
  if (max === Number.MAX_SAFE_INTEGER) return 'uint ≤ 2^53−1';
  if (max === TIME_MS_MAX) return 'time';
  return max === 0xffff_ffff ? 'uint ≤ 2^32−1' : `uint ≤ ${number(max)}`;
}

function describeText(type: FieldType & { kind: 'text' }, field: Field): string {
  const least = accepts(field, '') ? 0 : 1;
  return type.maxCharacters === undefined
    ? `text, ${least} to ${number(type.maxBytes)} bytes`
    : `text, ${least} to ${number(type.maxCharacters)} characters`;
}

function describeList(type: FieldType & { kind: 'list' }, field: Field): string {
  const one = sample(type.of);
  const differ = accepts(field, [one]) && !accepts(field, [one, one]);
  const entries = describeField(entriesOf(field, type.of));
  return `list of ${type.min} to ${number(type.max)}${differ ? ' that differ' : ''}, each ${entries}`;
}

/** The type of a field and its bounds, on one line. */
export function describeField(field: Field): string {
  const type = field.describe;
  switch (type.kind) {
    case 'id':
    case 'boolean':
    case 'amount':
      return type.kind;
    case 'uint':
      return describeUint(type.max);
    case 'bytes':
      return `bin, ${type.length} bytes`;
    case 'enum':
      return `one of ${type.values.map((value, at) => `${at} ${value}`).join(', ')}`;
    case 'text':
      return describeText(type, field);
    case 'optional': {
      const inner = describeField({ ...field, describe: type.of });
      return type.of.kind === 'amount' && accepts(field, true)
        ? `${inner}, boolean or nil`
        : `${inner}, or nil`;
    }
    case 'list':
      return describeList(type, field);
    case 'record':
      return `[${fieldsOf(field)
        .map(([name, one]) => `${name}: ${describeField(one)}`)
        .join('; ')}]`;
  }
}

/** The fields of a record field, in order. */
export function fieldsOf(record: Field): [name: string, field: Field][] {
  const type = record.describe;
  if (type.kind !== 'record') throw new Error('docs: expected a record');
  return type.fields.map((one) => [one.name, fieldOf(record, one.name, one.type)]);
}
