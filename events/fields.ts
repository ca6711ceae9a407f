/**
 * The fields that records are made of: small codecs, composed into positional records.
 *
 * Each declares its bounds once, and the same declaration reads, writes, checks what the API is given, and
 * describes itself to documentation and generated schemas.
 */
import { type Hex32, isHex32 } from './bytes.ts';
import type { Codec, FieldType, Of } from './codec.ts';
import { TIME_MS_MAX } from './limits.ts';
import { MalformedError, type Reader } from './reader.ts';
import type { Writer } from './writer.ts';

export const MAX_TOKEN = 2n ** 63n - 1n;
const MAX_SAFE = Number.MAX_SAFE_INTEGER;

function reject(path: string, expected: string): never {
  throw new MalformedError(`${path}: expected ${expected}`);
}

/** A SHA-256 id or a public key: 32 bytes on the wire, 64 hex digits in memory. */
export const id: Codec<Hex32> = {
  describe: { kind: 'id' },
  write: (writer, value) => writer.binHex(value),
  read: (reader) => reader.binHex(32),
  check: (value, path) => {
    if (!isHex32(value)) reject(path, '64 lower-case hex digits');
  },
};

/** Exactly `length` bytes. */
export function bytesOf(length: number): Codec<Uint8Array> {
  return {
    describe: { kind: 'bytes', length },
    write: (writer, value) => writer.bin(value),
    read: (reader) => {
      const value = reader.bin(length);
      if (value.length !== length) reader.fail(`expected ${length} bytes`);
      return value;
    },
    check: (value, path) => {
      if (!(value instanceof Uint8Array) || value.length !== length) reject(path, `${length} bytes`);
    },
  };
}

/** Up to `maxBytes` bytes, whatever they are: a record that is decoded later, an artifact. */
export function blob(maxBytes: number): Codec<Uint8Array> {
  return {
    describe: { kind: 'blob', maxBytes },
    write: (writer, value) => writer.bin(value),
    read: (reader) => reader.bin(maxBytes),
    check: (value, path) => {
      if (!(value instanceof Uint8Array) || value.length > maxBytes) reject(path, `up to ${maxBytes} bytes`);
    },
  };
}

/** An unsigned integer up to `max` (at most 2^53−1), a `number` in memory. */
export function uint(max: number): Codec<number> {
  return {
    describe: { kind: 'uint', max },
    write: (writer, value) => writer.uint(value),
    read: (reader) => reader.uint(max),
    check: (value, path) => {
      if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > max)
        reject(path, `a whole number from 0 to ${max}`);
    },
  };
}

/** The one number that may stand here, such as a version: a decoder refuses every other. */
export function exactly(value: number): Codec<number> {
  return {
    ...uint(value),
    read: (reader) => {
      const read = reader.uint(value);
      return read === value ? read : reader.fail(`expected ${value}`);
    },
    check: (given, path) => {
      if (given !== value) reject(path, `${value}`);
    },
  };
}

/** Milliseconds: a span, or a deadline that a rule worked out from a time and a span. */
export const milliseconds = uint(MAX_SAFE);
/** A point in time that somebody names: milliseconds since 1970-01-01 UTC. */
export const timestamp = uint(TIME_MS_MAX);

/** Tokens: an unsigned integer up to 2^63−1, a `bigint` in memory. */
export const amount: Codec<bigint> = {
  describe: { kind: 'amount' },
  write: (writer, value) => writer.bigUint(value),
  read: (reader) => reader.bigUint(MAX_TOKEN),
  check: (value, path) => {
    if (typeof value !== 'bigint' || value < 0n || value > MAX_TOKEN)
      reject(path, `a whole amount from 0 to ${MAX_TOKEN}`);
  },
};

export const boolean: Codec<boolean> = {
  describe: { kind: 'boolean' },
  write: (writer, value) => writer.boolean(value),
  read: (reader) => reader.boolean(),
  check: (value, path) => {
    if (typeof value !== 'boolean') reject(path, 'true or false');
  },
};

/** Unicode code points in `value`: what a person would call characters, near enough to agree on. */
function countCharacters(value: string): number {
  let count = 0;
  for (const _ of value) count++;
  return count;
}

/**
 * Text: valid UTF-8 without NUL, from `min` to `maxCharacters` code points (so at most four times as many
 * bytes), or up to `maxBytes` bytes where the limit is one of size.
 */
export function text(limit: { maxCharacters?: number; maxBytes?: number; min?: number }): Codec<string> {
  const maxCharacters = limit.maxCharacters;
  const maxBytes = limit.maxBytes ?? (maxCharacters ?? 0) * 4;
  const min = limit.min ?? 0;
  const expected =
    maxCharacters === undefined
      ? `text of ${min} to ${maxBytes} bytes`
      : `text of ${min} to ${maxCharacters} characters`;
  // A string never has more code points than code units, so the count is taken only when it matters.
  const tooLong = (value: string) =>
    maxCharacters !== undefined && value.length > maxCharacters && countCharacters(value) > maxCharacters;
  return {
    describe: { kind: 'text', min, maxBytes, ...(maxCharacters === undefined ? {} : { maxCharacters }) },
    write: (writer, value) => writer.text(value),
    read: (reader) => {
      const value = reader.text(maxBytes);
      if (value.length < min || tooLong(value)) reader.fail(`expected ${expected}`);
      return value;
    },
    check: (value, path) => {
      if (typeof value !== 'string') return reject(path, 'text');
      if (!value.isWellFormed()) reject(path, 'valid Unicode');
      if (value.includes('\0')) reject(path, 'text without NUL');
      if (value.length < min || tooLong(value)) reject(path, expected);
      if (value.length * 3 > maxBytes && new TextEncoder().encode(value).length > maxBytes)
        reject(path, expected);
    },
  };
}

/** One of a fixed list of words, which travels as its position. Positions are never reused. */
export function oneOf<const V extends readonly string[]>(...values: V): Codec<V[number]> {
  const position = new Map(values.map((value, at) => [value as string, at]));
  return {
    describe: { kind: 'enum', values },
    write: (writer, value) => writer.uint(position.get(value)!),
    read: (reader) => values[reader.uint(values.length - 1)]!,
    check: (value, path) => {
      if (typeof value !== 'string' || !position.has(value)) reject(path, `one of ${values.join(', ')}`);
    },
  };
}

/** A value or nothing: nil on the wire, `undefined` in memory. */
export function optional<T>(inner: Codec<T>): Codec<T | undefined> {
  return {
    describe: { kind: 'optional', of: inner.describe },
    write: (writer, value) => {
      if (value === undefined) writer.nil();
      else inner.write(writer, value);
    },
    read: (reader) => (reader.takeNil() ? undefined : inner.read(reader)),
    check: (value, path) => {
      if (value !== undefined) inner.check(value, path);
    },
  };
}

/** From `min` to `max` values of one kind; with `unique`, no two the same (for values that are primitive). */
export function list<T>(
  inner: Codec<T>,
  limit: { max: number; min?: number; unique?: boolean },
): Codec<readonly T[]> {
  const { max, min = 0, unique = false } = limit;
  const expected = `${min} to ${max} entries`;
  return {
    describe: { kind: 'list', of: inner.describe, min, max, unique },
    write: (writer, values) => {
      writer.arrayHeader(values.length);
      for (const value of values) inner.write(writer, value);
    },
    read: (reader) => {
      const count = reader.arrayHeader();
      if (count < min || count > max) reader.fail(`expected ${expected}`);
      const values: T[] = [];
      for (let at = 0; at < count; at++) values.push(inner.read(reader));
      if (unique && count > 1 && new Set(values).size !== count) reader.fail('expected entries that differ');
      return values;
    },
    check: (value, path) => {
      if (!Array.isArray(value)) return reject(path, 'a list');
      if (value.length < min || value.length > max) reject(path, expected);
      for (const [at, entry] of value.entries()) inner.check(entry, `${path}[${at}]`);
      if (unique && new Set(value).size !== value.length) reject(path, 'entries that differ');
    },
  };
}

/** The object that a set of fields describes. */
export type Values<F> = { -readonly [K in keyof F]: Of<F[K]> };

/** The fields of a record in order, as parallel arrays: what the hot loops walk. */
export class FieldList {
  readonly names: readonly string[];
  readonly codecs: readonly Codec<unknown>[];

  constructor(fields: Record<string, unknown>) {
    this.names = Object.keys(fields);
    this.codecs = Object.values(fields) as Codec<unknown>[];
  }

  describe(): { name: string; type: FieldType }[] {
    return this.names.map((name, at) => ({ name, type: this.codecs[at]!.describe }));
  }

  write(writer: Writer, value: Record<string, unknown>): void {
    for (let at = 0; at < this.names.length; at++) this.codecs[at]!.write(writer, value[this.names[at]!]);
  }

  readInto(reader: Reader, value: Record<string, unknown>): void {
    for (let at = 0; at < this.names.length; at++) value[this.names[at]!] = this.codecs[at]!.read(reader);
  }

  check(value: unknown, path: string): void {
    if (typeof value !== 'object' || value === null) reject(path, 'a record');
    const given = value as Record<string, unknown>;
    for (let at = 0; at < this.names.length; at++) {
      const name = this.names[at]!;
      this.codecs[at]!.check(given[name], path === '' ? name : `${path}.${name}`);
    }
  }
}

/** A positional record: an array of exactly these fields in this order. */
export function record<F extends Record<string, unknown>>(fields: F): Codec<Values<F>> {
  const list = new FieldList(fields);
  return {
    describe: { kind: 'record', fields: list.describe() },
    write: (writer, value) => {
      writer.arrayHeader(list.names.length);
      list.write(writer, value as Record<string, unknown>);
    },
    read: (reader) => {
      reader.expectArray(list.names.length);
      const value: Record<string, unknown> = {};
      list.readInto(reader, value);
      return value as Values<F>;
    },
    check: (value, path) => list.check(value, path),
  };
}
