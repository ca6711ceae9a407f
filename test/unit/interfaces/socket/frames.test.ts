/** Frames of the local socket: what is long is cut, and arrives as it was. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytePieces, encodeFrame, LineReader, textPieces } from '../../../../interfaces/socket/frames.ts';

const PIECE = 256 * 1024;

describe('a long text', () => {
  test('is never cut within a character', () => {
    for (const before of [PIECE - 2, PIECE - 1, PIECE, 2 * PIECE - 1]) {
      const text = `${'a'.repeat(before)}\u{1f600}${'b'.repeat(PIECE)}`;
      const pieces = [...textPieces(text)];
      expect(pieces.join('')).toBe(text);
      expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(PIECE);
    }
    expect([...textPieces('')]).toEqual([]);
    // A half that stands alone is nobody's to mend, and is no reason to stop.
    expect([...textPieces('\ud83d'.repeat(PIECE + 1))].join('')).toHaveLength(PIECE + 1);
  });

  test('of bytes arrives whole', () => {
    const bytes = Uint8Array.from({ length: PIECE + 7 }, (_, at) => at);
    const arrived = [...bytePieces(bytes)].map((piece) => Buffer.from(piece, 'base64'));
    expect(Buffer.concat(arrived).equals(bytes)).toBe(true);
  });
});

test('lines arrive whole, wherever the stream was cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.integer({ min: 1, max: 9 }), (texts, step) => {
      const stream = Buffer.from(texts.map((text) => encodeFrame({ kind: 'out', text })).join(''));
      const reader = new LineReader();
      const lines: string[] = [];
      for (let at = 0; at < stream.length; at += step)
        lines.push(...reader.push(stream.subarray(at, at + step)));
      expect(lines.map((line) => (JSON.parse(line) as { text: string }).text)).toEqual(texts);
    }),
  );
});
