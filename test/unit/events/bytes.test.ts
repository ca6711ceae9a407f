import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCursor, parseCursor } from '../../../events/bus.ts';
import {
  compareUtf8,
  concatBytes,
  equalBytes,
  fromHex,
  hexAt,
  isHex32,
  toHex,
  utf8,
  ZERO_ID,
} from '../../../events/bytes.ts';
import { hashOf } from '../../support/people.ts';
import { seeded } from '../../support/seed.ts';

describe('hex', () => {
  it('there and back, at any offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(9), (bytes, offset) => {
        const hex = toHex(bytes);
        expect(hex).toBe(Buffer.from(bytes).toString('hex'));
        expect(fromHex(hex)).toEqual(bytes);
        expect(hexAt(concatBytes(new Uint8Array(offset), bytes), offset, bytes.length)).toBe(hex);
      }),
      seeded('hex', 200),
    );
  });

  it('an id is 64 lower-case digits', () => {
    expect([ZERO_ID, hashOf('x')].every(isHex32)).toBe(true);
    expect(
      [
        hashOf('x').toUpperCase(),
        'g'.repeat(64),
        '0'.repeat(63),
        '0'.repeat(65),
        `${ZERO_ID}\n`,
        0,
        undefined,
      ].some(isHex32),
    ).toBe(false);
  });
});

describe('compareUtf8', () => {
  // Of every length in UTF-8 and from both sides of the surrogates, where the two orders part.
  const units = [
    '',
    'a',
    '\u007f',
    '\u0080',
    '\u07ff',
    '\u0800',
    '\ud7ff',
    '\ue000',
    '\uefff',
    '\uf800',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
  ];

  it('orders as the bytes do, for every pair of the edges', () => {
    for (const a of units)
      for (const b of units)
        for (const [left, right] of [
          [a, b],
          [`x${a}`, `x${b}`],
          [`${a}${b}`, `${b}${a}`],
        ] as const)
          expect(Math.sign(compareUtf8(left, right)), JSON.stringify([left, right])).toBe(
            Buffer.compare(utf8(left), utf8(right)),
          );
  });

  it('orders as the bytes do, for any text', () => {
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom(...units), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })),
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(utf8(a), utf8(b)));
      }),
      seeded('compareUtf8', 500),
    );
  });
});

describe('bytes', () => {
  it('are equal when they are', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
  });
});

describe('a cursor', () => {
  it('is a text and back', () => {
    const cursor = { groupId: hashOf('g'), height: 12, index: 3 };
    expect(parseCursor(formatCursor(cursor))).toEqual(cursor);
    for (const text of [
      '',
      `${hashOf('g')}.1`,
      `${hashOf('g')}.-1.0`,
      `${hashOf('g')}.1.0 `,
      `${hashOf('g')}.1e3.0`,
    ])
      expect(parseCursor(text)).toBeUndefined();
  });
});
