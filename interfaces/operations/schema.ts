/**
 * JSON Schemas of what operations take and give. What goes onto the chain is bounded by its field in `events/`, and
 * the schema is made from that field, so that an interface can never promise what the rules refuse.
 */
import Type from 'typebox';
import type { Codec, FieldType } from '../../events/codec.ts';
import { TIME_MS_MAX } from '../../events/limits.ts';

type JsonSchema = Record<string, unknown>;

/** A field as JSON spells it: ids and bytes as hex, amounts as decimal texts, so that no digit is lost. */
type Wire<T> = T extends bigint
  ? string | number
  : T extends Uint8Array
    ? string
    : T extends readonly (infer E)[]
      ? Wire<E>[]
      : T;

/** What a codec carries, as a schema; a description costs every agent tokens, so most fields have none. */
export function field<T>(codec: Codec<T>, description?: string) {
  const schema = schemaOf(codec.describe);
  const said = description === undefined ? schema : { ...schema, description };
  return Type.Unsafe<Wire<NonNullable<T>>>(said);
}

/** The JSON Schema of a field's type. */
export function schemaOf(type: FieldType): JsonSchema {
  switch (type.kind) {
    case 'id':
      return { type: 'string' };
    case 'boolean':
      return { type: 'boolean' };
    case 'amount':
      return { anyOf: [{ type: 'integer' }, { type: 'string' }] };
    case 'uint':
      return { type: 'integer', minimum: 0, maximum: type.max };
    case 'text':
      return textSchema(type);
    case 'bytes':
      return { type: 'string', pattern: `^[0-9a-f]{${2 * type.length}}$` };
    case 'blob':
      return { type: 'string', pattern: '^([0-9a-f]{2})*$', maxLength: 2 * type.maxBytes };
    case 'enum':
      return { type: 'string', enum: [...type.values] };
    case 'optional':
      return schemaOf(type.of);
    case 'list':
      return {
        type: 'array',
        items: schemaOf(type.of),
        ...(type.min > 0 ? { minItems: type.min } : {}),
        maxItems: type.max,
      };
    case 'union':
      return { anyOf: type.of.map(schemaOf) };
    case 'record':
      return {
        type: 'object',
        properties: Object.fromEntries(type.fields.map((one) => [one.name, schemaOf(one.type)])),
        required: type.fields.filter((one) => one.type.kind !== 'optional').map(({ name }) => name),
      };
  }
}

function textSchema({ min, maxBytes, maxCharacters }: Extract<FieldType, { kind: 'text' }>): JsonSchema {
  // Code points are counted here and by the rules alike; where bytes are the limit, the rules count them.
  return { type: 'string', ...(min > 0 ? { minLength: min } : {}), maxLength: maxCharacters ?? maxBytes };
}

/** Words of a list. */
export function words<const V extends readonly string[]>(values: V, description?: string) {
  return Type.Unsafe<V[number]>({
    type: 'string',
    enum: [...values],
    ...(description === undefined ? {} : { description }),
  });
}

/** An object that takes nothing but what it names: a misspelt parameter must not be silently the default. */
export function input<P extends Type.TProperties>(properties: P): Type.TObject<P> {
  return Type.Object(properties, { additionalProperties: false });
}

export const output = Type.Object;
export const optional = Type.Optional;
export const list = Type.Array;
export const text = (description?: string) => Type.String(description === undefined ? {} : { description });
export const flag = (description?: string) => Type.Boolean(description === undefined ? {} : { description });

/** A text that says something. The rules count bytes; a character is at least one. */
export const textUpTo = (maxLength: number, description?: string) =>
  Type.String({ minLength: 1, maxLength, ...(description === undefined ? {} : { description }) });

/** A text that is longer than an id may be: `textProblems` holds all others to that. */
export const longText = (maxLength: number, description?: string) =>
  Type.String({ maxLength, ...(description === undefined ? {} : { description }) });

/** A whole number within bounds. */
export function integer(
  minimum: number,
  maximum: number,
  more: { default?: number; description?: string } = {},
) {
  return Type.Integer({ minimum, maximum, ...more });
}

/** What a number of milliseconds is: how long something takes, or when it is. */
export type Span =
  | { readonly kind: 'span' }
  /** @param isFromStart whether 0 means something: the beginning of everything */
  | { readonly kind: 'point'; readonly isFromStart: boolean };

/** Beside the schema, and not in what of it is sent to callers. */
const TIME = Symbol('time');

/** What a schema's number of milliseconds is; nothing where it is no time. */
export function timeIn(schema: object): Span | undefined {
  return Reflect.get(schema, TIME) as Span | undefined;
}

/** A point in time. */
export function point(description: string, more: { readonly isFromStart?: boolean } = {}) {
  const { isFromStart = false } = more;
  const schema = {
    type: 'integer',
    minimum: 0,
    maximum: TIME_MS_MAX,
    description,
    [TIME]: { kind: 'point', isFromStart },
  };
  return Type.Unsafe<number>(schema);
}

/** How long something takes, in milliseconds. */
export function span(
  minimum: number,
  maximum: number,
  more: { default?: number; description?: string } = {},
) {
  return Type.Unsafe<number>({ type: 'integer', minimum, maximum, ...more, [TIME]: { kind: 'span' } });
}

/** A whole number of a result. */
export const number = (description?: string) =>
  Type.Integer(description === undefined ? {} : { description });
/** A point in time of a result. */
export const pointOut = () => number('milliseconds since 1970');
/** An amount of a result. */
export const tokensOut = (description = 'whole tokens') => text(description);
/** An object with keys of its own. */
export const free = (description?: string) =>
  Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    ...(description === undefined ? {} : { description }),
  });

export type { Static as ValueOf, TObject as ObjectSchema } from 'typebox';
