/**
 * Records as JSON and back, by the description of their fields: amounts are decimal texts, bytes are hex,
 * nothing is null. And the smallest and largest value of a field, for examples.
 */
import { fromHex, toHex } from '../../events/bytes.ts';
import type { Codec, FieldType } from '../../events/codec.ts';
import { MAX_TOKEN } from '../../events/fields.ts';
import { OPERATIONS, type Operation, type OperationType } from '../../events/registry.ts';
import { hashOf } from './people.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export function toJson(value: unknown): Json {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, toJson(one)]));
  return value as Json;
}

export function fromJson(type: FieldType, json: Json): unknown {
  if (type.kind === 'optional') return json === null ? undefined : fromJson(type.of, json);
  // The value of a policy change says by its own type whether it is an amount.
  if (type.kind === 'amount') return typeof json === 'boolean' ? json : BigInt(json as string);
  if (type.kind === 'bytes') return fromHex(json as string);
  if (type.kind === 'list') return (json as Json[]).map((one) => fromJson(type.of, one));
  if (type.kind !== 'record') return json;
  const record = json as { [key: string]: Json };
  return Object.fromEntries(type.fields.map(({ name, type: of }) => [name, fromJson(of, record[name]!)]));
}

export function operationFromJson(json: Json): Operation {
  const { type, ...fields } = json as { type: OperationType; [key: string]: Json };
  const { list } = OPERATIONS[type];
  const values = list.describe().map(({ name, type: of }) => [name, fromJson(of, fields[name]!)]);
  return { type, ...Object.fromEntries(values) } as Operation;
}

const accepts = (codec: Codec<unknown>, value: unknown): boolean => {
  try {
    codec.check(value, '');
    return true;
  } catch {
    return false;
  }
};

/** The value that takes the fewest bytes. `at` tells the entries of a list apart. */
function smallest(type: FieldType, at = 0): unknown {
  switch (type.kind) {
    case 'id':
      return '0'.repeat(63) + at.toString(16);
    case 'boolean':
      return false;
    case 'amount':
      return 0n;
    case 'uint':
      return 0;
    case 'text':
      return '';
    case 'bytes':
      return new Uint8Array(type.length);
    case 'enum':
      return type.values[0];
    case 'optional':
      return undefined;
    case 'list':
      return Array.from({ length: type.min }, (_, index) => smallest(type.of, index));
    case 'record':
      return Object.fromEntries(type.fields.map(({ name, type: of }) => [name, smallest(of, at)]));
  }
}

/** A value as long as its bounds allow. */
function largest(type: FieldType, at = 0): unknown {
  switch (type.kind) {
    case 'id':
      return hashOf(`largest ${at}`);
    case 'boolean':
      return true;
    case 'amount':
      return MAX_TOKEN;
    case 'uint':
      return type.max;
    case 'text': {
      const count = type.maxCharacters ?? Math.floor(type.maxBytes / 4);
      // Four bytes each, and each entry of a list another.
      return String.fromCodePoint(0x1_f600 + at).repeat(count);
    }
    case 'bytes':
      return new Uint8Array(type.length).fill(255);
    case 'enum':
      return type.values.at(-1);
    case 'optional':
      return largest(type.of, at);
    case 'list':
      return Array.from({ length: type.max }, (_, index) => largest(type.of, index));
    case 'record':
      return Object.fromEntries(type.fields.map(({ name, type: of }) => [name, largest(of, at)]));
  }
}

/** The shortest and the longest operation of a type. */
export function extremesOf(type: OperationType): { shortest: Operation; longest: Operation } {
  const { names, codecs } = OPERATIONS[type].list;
  const shortest: Record<string, unknown> = { type };
  const longest: Record<string, unknown> = { type };
  for (const [at, codec] of codecs.entries()) {
    const little = smallest(codec.describe);
    // A text that must not be empty does not say so in its description.
    shortest[names[at]!] = accepts(codec, little) ? little : 'x';
    longest[names[at]!] = largest(codec.describe);
  }
  return { shortest: shortest as Operation, longest: longest as Operation };
}
