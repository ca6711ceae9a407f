/** Our bytes are the ones that msgpackr writes for the same values (but see `packed`), and it reads ours. */
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../../events/bytes.ts';
import { type Codec, encode, type FieldType } from '../../../events/codec.ts';
import { OPERATIONS, type OperationType, operationCodec } from '../../../events/registry.ts';
import { TABLES } from '../../../machines/tables.ts';
import { operationsOf, valuesOf } from '../../support/arbitraries.ts';
import { seeded } from '../../support/seed.ts';

const packr = new Packr({ useRecords: false, mapsAsObjects: false, int64AsType: 'bigint' });

/** A value as the plain arrays that the protocol describes. */
function plain(type: FieldType, value: unknown): unknown {
  if (type.kind === 'optional') return value === undefined ? null : plain(type.of, value);
  if (type.kind === 'id') return Buffer.from(fromHex(value as string));
  if (type.kind === 'bytes') return Buffer.from(value as Uint8Array);
  if (type.kind === 'enum') return BigInt(type.values.indexOf(value as string));
  if (type.kind === 'amount' && typeof value === 'boolean') return value;
  if (type.kind === 'amount' || type.kind === 'uint') return BigInt(value as number | bigint);
  if (type.kind === 'list') return (value as unknown[]).map((one) => plain(type.of, one));
  if (type.kind !== 'record') return value;
  return type.fields.map(({ name, type: of }) => plain(of, (value as Record<string, unknown>)[name]));
}

/** What msgpackr gives back, with all numbers alike. */
const evened = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(evened);
  if (value instanceof Uint8Array) return toHex(value);
  return typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : value;
};

/**
 * The bytes as msgpackr writes them, save for one thing: where we write an integer of 2^32 and more as the
 * unsigned one that it is, msgpackr writes a bigint as a signed one and a number as a float.
 */
function packed(value: unknown): Uint8Array {
  if (Array.isArray(value)) {
    const nils = packr.pack(value.map(() => null));
    return concatBytes(nils.subarray(0, nils.length - value.length), ...value.map(packed));
  }
  if (typeof value !== 'bigint') return packr.pack(value);
  if (value < 2n ** 32n) return packr.pack(Number(value));
  const bytes = new Uint8Array(9).fill(0xcf);
  new DataView(bytes.buffer).setBigUint64(1, value);
  return bytes;
}

function expectAlike(bytes: Uint8Array, value: unknown): void {
  expect(toHex(bytes)).toBe(toHex(packed(value)));
  expect(evened(packr.unpack(bytes))).toEqual(evened(value));
}

describe('the bytes of msgpackr', () => {
  it.each(Object.keys(OPERATIONS) as OperationType[])('%s', (type) => {
    const { code, list } = OPERATIONS[type];
    fc.assert(
      fc.property(operationsOf(type), (one) => {
        const fields = list
          .describe()
          .map(({ name, type: of }) => plain(of, (one as Record<string, unknown>)[name]));
        expectAlike(encode(operationCodec, one), [BigInt(code), ...fields]);
      }),
      seeded(`msgpackr, ${type}`, 25),
    );
  });

  it.each(TABLES.map((table): [string, Codec<unknown>] => [table.prefix, table.codec as Codec<unknown>]))(
    'the record under %s',
    (name, codec) => {
      fc.assert(
        fc.property(valuesOf(codec), (value) =>
          expectAlike(encode(codec, value), plain(codec.describe, value)),
        ),
        seeded(`msgpackr, ${name}`, 25),
      );
    },
  );
});
