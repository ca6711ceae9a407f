/**
 * Arbitrary records, made from the description of their fields: a new operation or table is covered as soon as
 * it is declared.
 */
import fc from 'fast-check';
import { toHex } from '../../events/bytes.ts';
import type { Codec, FieldType } from '../../events/codec.ts';
import { MAX_TOKEN } from '../../events/fields.ts';
import { OPERATIONS, type Operation, type OperationType } from '../../events/registry.ts';
import type { TransactionPayload } from '../../events/transaction.ts';

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const id = bytes(32).map(toHex);

/** Well-formed text without NUL; mostly short, and now and then as long as it may be. */
function text(type: Extract<FieldType, { kind: 'text' }>): fc.Arbitrary<string> {
  const maxLength = Math.min(type.maxCharacters ?? Math.floor(type.maxBytes / 4), 400);
  const short = fc.string({ unit: 'binary', maxLength });
  const full = fc.constantFrom('a', 'é', '字', '😀').map((unit) => unit.repeat(maxLength));
  return fc
    .oneof({ weight: 9, arbitrary: short }, { weight: 1, arbitrary: full })
    .map((value) => value.replaceAll('\0', '0'));
}

/** Every boundary of MessagePack's integers, and what lies between. */
const BOUNDARIES = [
  0n,
  0x7fn,
  0x80n,
  0xffn,
  0x100n,
  0xffffn,
  0x1_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  2n ** 53n - 1n,
  2n ** 53n,
  MAX_TOKEN,
];
const integer = (max: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(fc.constantFrom(...BOUNDARIES.filter((one) => one <= max), max), fc.bigInt({ min: 0n, max }));

const record = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(fields, { noNullPrototype: true });

function arbitraryOf(type: FieldType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'id':
      return id;
    case 'boolean':
      return fc.boolean();
    case 'amount':
      return integer(MAX_TOKEN);
    case 'uint':
      return integer(BigInt(type.max)).map(Number);
    case 'text':
      return text(type);
    case 'blob':
      return fc.uint8Array({ maxLength: type.maxBytes });
    case 'bytes':
      return bytes(type.length);
    case 'enum':
      return fc.constantFrom(...type.values);
    case 'optional':
      return fc.option(arbitraryOf(type.of), { nil: undefined });
    case 'union':
      return fc.oneof(...type.of.map(arbitraryOf));
    case 'list':
      // Lists of ids and texts are often without doubles; others may have them.
      return type.of.kind === 'record'
        ? fc.array(arbitraryOf(type.of), { minLength: type.min, maxLength: type.max })
        : fc.uniqueArray(arbitraryOf(type.of), { minLength: type.min, maxLength: type.max });
    case 'record':
      return record(Object.fromEntries(type.fields.map(({ name, type: of }) => [name, arbitraryOf(of)])));
  }
}

/** Values that `codec` takes. */
export function valuesOf<T>(codec: Codec<T>): fc.Arbitrary<T> {
  return (arbitraryOf(codec.describe) as fc.Arbitrary<T>).filter((value) => {
    try {
      codec.check(value, '');
      return true;
    } catch {
      return false;
    }
  });
}

export function operationsOf(type: OperationType): fc.Arbitrary<Operation> {
  const { names, codecs } = OPERATIONS[type].list;
  const fields = Object.fromEntries(names.map((name, at) => [name, valuesOf(codecs[at]!)]));
  return record(fields).map((values) => ({ type, ...values }) as Operation);
}

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  ...(Object.keys(OPERATIONS) as OperationType[]).map(operationsOf),
);

/** Payloads that fit into a transaction. */
export const payload: fc.Arbitrary<TransactionPayload> = fc.record({
  groupId: id,
  author: id,
  nonce: bytes(16),
  tsMs: integer(8_640_000_000_000_000n).map(Number),
  replaces: fc.option(id, { nil: undefined }),
  operations: fc.array(operation, { minLength: 1, maxLength: 6 }),
});

/** A valid encoding with one thing changed: a bit, a byte more or less, a piece cut out or doubled. */
export function mutated(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(valid, fc.nat(4), fc.nat(), fc.nat(255), fc.nat(9))
    .map(([whole, how, where, byte, count]) => {
      const at = where % (whole.length + 1);
      const copy = [...whole];
      if (how === 0) copy[at] = byte;
      else if (how === 1) copy.splice(at, 0, byte);
      else if (how === 2) copy.splice(at, count + 1);
      else if (how === 3) copy.splice(at, 0, ...copy.slice(at, at + count));
      else copy.splice(at, copy.length - at);
      return Uint8Array.from(copy);
    });
}

export const anyBytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 200 });
