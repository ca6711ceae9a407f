/**
 * The codec: everything survives the way there and back, and nothing has two encodings. Whatever decodes
 * encodes to the same bytes again, so that two nodes never see one thing in two forms.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBlock, decodeHeader, encodeBlock, encodeHeader } from '../../../events/block.ts';
import { toHex } from '../../../events/bytes.ts';
import { type Codec, decode, encode } from '../../../events/codec.ts';
import { MalformedError } from '../../../events/reader.ts';
import { checkOperations, OPERATIONS, type OperationType, operationCodec } from '../../../events/registry.ts';
import { decodeTransaction, encodePayload, encodeTransaction } from '../../../events/transaction.ts';
import { TABLES } from '../../../machines/tables.ts';
import { anyBytes, mutated, operation, operationsOf, payload, valuesOf } from '../../support/arbitraries.ts';
import { forgeBlock } from '../../support/blocks.ts';
import { given, opened } from '../../support/rules.ts';
import { seeded } from '../../support/seed.ts';

/** The value that bytes stand for, or nothing when they are malformed. Any other error is a bug. */
function tryDecode<T>(decodeOne: (bytes: Uint8Array) => T, bytes: Uint8Array): T | undefined {
  try {
    return decodeOne(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

const CODECS: [string, Codec<unknown>][] = [
  ...TABLES.map((table): [string, Codec<unknown>] => [
    `the record under ${table.prefix}`,
    table.codec as Codec<unknown>,
  ]),
];

describe('there and back', () => {
  it.each(Object.keys(OPERATIONS) as OperationType[])('%s', (type) => {
    fc.assert(
      fc.property(operationsOf(type), (one) => {
        checkOperations([one]);
        const bytes = encode(operationCodec, one);
        const back = decode(operationCodec, bytes);
        expect(back).toEqual(one);
        expect(encode(operationCodec, back)).toEqual(bytes);
      }),
      seeded(type, 40),
    );
  });

  it.each(CODECS)('%s', (name, codec) => {
    fc.assert(
      fc.property(valuesOf(codec), (value) => {
        expect(decode(codec, encode(codec, value))).toEqual(value);
      }),
      seeded(name, 40),
    );
  });

  it('a transaction, verbatim', () => {
    fc.assert(
      fc.property(payload, fc.uint8Array({ minLength: 64, maxLength: 64 }), (one, signature) => {
        const bytes = encodeTransaction(encodePayload(one), signature);
        const back = decodeTransaction(bytes);
        expect(back).toMatchObject(one);
        expect(encodeTransaction(encodePayload(back), back.signature)).toEqual(bytes);
        expect(back.bytes).toBe(bytes);
      }),
      seeded('transaction', 100),
    );
  });
});

describe('noise', () => {
  const valid = operation.map((one) => encode(operationCodec, one));
  const transactions = payload.map((one) => encodeTransaction(encodePayload(one), new Uint8Array(64)));
  const { world } = given(opened());
  const block = forgeBlock(world);

  it('as an operation is malformed, or is exactly what it decodes to', () => {
    let decoded = 0;
    fc.assert(
      fc.property(fc.oneof(anyBytes, mutated(valid)), (bytes) => {
        const one = tryDecode((input) => decode(operationCodec, input), bytes);
        if (one === undefined) return;
        decoded++;
        expect(toHex(encode(operationCodec, one))).toBe(toHex(bytes));
        checkOperations([one]);
      }),
      seeded('noise as operation', 1_500),
    );
    expect(decoded).toBeGreaterThan(20);
  });

  it.each(CODECS)('as %s', (name, codec) => {
    fc.assert(
      fc.property(
        fc.oneof(anyBytes, mutated(valuesOf(codec).map((value) => encode(codec, value)))),
        (bytes) => {
          const value = tryDecode((input) => decode(codec, input), bytes);
          if (value !== undefined) expect(toHex(encode(codec, value))).toBe(toHex(bytes));
        },
      ),
      seeded(`noise as ${name}`, 60),
    );
  });

  it('as a transaction', () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, mutated(transactions)), (bytes) => {
        const one = tryDecode(decodeTransaction, bytes);
        if (one !== undefined)
          expect(toHex(encodeTransaction(encodePayload(one), one.signature))).toBe(toHex(bytes));
      }),
      seeded('noise as transaction', 500),
    );
  });

  it('as a block', () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, mutated(fc.constant(block))), (bytes) => {
        const one = tryDecode(decodeBlock, bytes);
        if (one === undefined) return;
        expect(toHex(encodeHeader(decodeHeader(one.headerBytes)))).toBe(toHex(one.headerBytes));
        expect(toHex(encodeBlock(one.headerBytes, one.signature, one.transactions))).toBe(toHex(bytes));
      }),
      seeded('noise as block', 500),
    );
  });
});
