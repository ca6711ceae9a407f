/**
 * Operations from JSON, as `lb show` prints them: keys in snake_case, amounts as decimal texts, bytes as hex, absent
 * fields left out. What is misspelt is refused by name, since a field that is quietly left out changes what is signed.
 */
import { UsageError } from '../../actors/errors.ts';
import { fromHex } from '../../events/bytes.ts';
import type { FieldType } from '../../events/codec.ts';
import { OPERATIONS, type Operation, type OperationType } from '../../events/registry.ts';

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

type Fields = readonly { readonly name: string; readonly type: FieldType }[];

/** @throws UsageError for anything but a list of operations; bounds are left to whoever signs */
export function operationsFromJson(text: string): Operation[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`the operations are not JSON: ${(error as Error).message}`);
  }
  return (Array.isArray(json) ? json : [json]).map((one, at) =>
    operationFromJson(one, `operation ${at + 1}`),
  );
}

function operationFromJson(json: unknown, path: string): Operation {
  const { type, ...fields } = objectOf(json, path);
  if (typeof type !== 'string' || !Object.hasOwn(OPERATIONS, type))
    throw new UsageError(`${path}: there is no operation ${JSON.stringify(type)}; see docs/PROTOCOL.md`);
  const list = OPERATIONS[type as OperationType].list.describe();
  return { type, ...recordFromJson(list, fields, `${path}, ${type}`) } as Operation;
}

function recordFromJson(fields: Fields, json: unknown, path: string): Record<string, unknown> {
  const given = objectOf(json, path);
  const known = new Map(fields.map((field) => [snakeCase(field.name), field]));
  const unknown = Object.keys(given).find((key) => !known.has(key));
  if (unknown !== undefined)
    throw new UsageError(`${path}: there is no field "${unknown}"; it has ${[...known.keys()].join(', ')}`);
  return Object.fromEntries(
    Array.from(known, ([key, { name, type }]) => [name, valueFromJson(type, given[key], `${path}, ${key}`)]),
  );
}

function valueFromJson(type: FieldType, json: unknown, path: string): unknown {
  switch (type.kind) {
    case 'optional':
      return json === undefined || json === null ? undefined : valueFromJson(type.of, json, path);
    case 'list':
      // A list that is left out is an empty one.
      return (json === undefined ? [] : listOf(json, path)).map((one, at) =>
        valueFromJson(type.of, one, `${path} ${at + 1}`),
      );
    case 'record':
      return recordFromJson(type.fields, json, path);
    case 'amount':
      return amountFromJson(json, path);
    case 'bytes':
      if (typeof json !== 'string' || !/^([0-9a-f]{2})*$/.test(json)) throw expected(path, 'bytes in hex');
      return fromHex(json);
    case 'union':
      return typeof json === 'boolean' ? json : amountFromJson(json, path);
    default:
      if (json === undefined || json === null) throw expected(path, 'a value');
      return json;
  }
}

function amountFromJson(json: unknown, path: string): bigint {
  const isText = typeof json === 'string' && /^\d{1,19}$/.test(json);
  const isNumber = typeof json === 'number' && Number.isSafeInteger(json) && json >= 0;
  if (!isText && !isNumber) throw expected(path, 'an amount such as "250"');
  return BigInt(json as string | number);
}

function objectOf(json: unknown, path: string): Record<string, unknown> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json))
    return json as Record<string, unknown>;
  throw expected(path, 'an object');
}

function listOf(json: unknown, path: string): unknown[] {
  if (Array.isArray(json)) return json;
  throw expected(path, 'a list');
}

function expected(path: string, what: string): UsageError {
  return new UsageError(`${path}: expected ${what}`);
}
