/**
 * MessagePack, the strict and positional part of it that records are made of.
 *
 * The bytes are the ones that `msgpackr` writes without its record extension, save that an integer of 2^32 and
 * more stands as the unsigned one that it is (msgpackr writes a signed one or a float); a property test holds the
 * two together. The reader is our own because a general decoder is too kind for a chain: it takes extension
 * types, floats for integers, longer encodings than needed and trailing bytes, and two nodes that differ in
 * such kindness split. Here every value has exactly one encoding, the shortest, and whatever else comes in is
 * a `MalformedError` with the position.
 *
 * A `Codec<T>` writes and reads one value; records are arrays of codecs. Nothing recurses on input, so depth
 * is bounded by the schema, and size by what the caller hands in.
 */
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** How one value is written and read; `describe` says its shape to people and to generated schemas. */
export interface Codec<T> {
  readonly describe: FieldType;
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
  /** Throws `MalformedError` unless `value` may be written; `path` names the field in the message. */
  check(value: unknown, path: string): void;
}

/** The shape of a field, as data: documentation, JSON schemas and command lines are made from it. */
export type FieldType =
  | { readonly kind: 'id' | 'boolean' | 'amount' }
  | { readonly kind: 'uint'; readonly max: number }
  | {
      readonly kind: 'text';
      /** Fewest characters. */
      readonly min: number;
      readonly maxBytes: number;
      readonly maxCharacters?: number;
    }
  | { readonly kind: 'bytes'; readonly length: number }
  | { readonly kind: 'blob'; readonly maxBytes: number }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'optional'; readonly of: FieldType }
  | {
      readonly kind: 'list';
      readonly of: FieldType;
      readonly min: number;
      readonly max: number;
      /** Whether no two entries may be the same. */
      readonly unique: boolean;
    }
  /** A value of one of several kinds, which the first byte tells apart. */
  | { readonly kind: 'union'; readonly of: readonly FieldType[] }
  | {
      readonly kind: 'record';
      readonly fields: readonly { readonly name: string; readonly type: FieldType }[];
    };

/** The type a codec carries. */
export type Of<C> = C extends Codec<infer T> ? T : never;

/** Encodes one value alone. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer(256);
  codec.write(writer, value);
  return writer.finish();
}

/**
 * Decodes exactly one value from all of `bytes`.
 * @throws MalformedError when the bytes are anything but that value in its one encoding.
 */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  reader.done();
  return value;
}
