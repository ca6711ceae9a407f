import { createHash } from 'node:crypto';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { sha256, sha256OpenSsl, sha256Stream } from '../../../crypto/hash.ts';
import { toHex } from '../../../events/bytes.ts';

const filled = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 31) & 255);

describe('SHA-256', () => {
  it('is the same by every way and at every length around the switch', () => {
    for (const length of [0, 1, 32, 33, 64, 65, 126, 127, 128, 129, 200, 4096, 70_000]) {
      const bytes = filled(length);
      const expected = toHex(nobleSha256(bytes));
      expect(toHex(sha256(bytes))).toBe(expected);
      expect(toHex(sha256OpenSsl(bytes))).toBe(expected);
      expect(toHex(createHash('sha256').update(bytes).digest())).toBe(expected);
    }
  });

  it('hashes a view of a larger buffer, and not the buffer', () => {
    const view = filled(300).subarray(7, 72);
    expect(toHex(sha256(view))).toBe(toHex(nobleSha256(view)));
  });

  it('gives a new array each time', () => {
    const first = sha256(filled(32));
    const copy = toHex(first);
    sha256(filled(33));
    expect(toHex(first)).toBe(copy);
  });

  it('of pieces is that of the whole', () => {
    const stream = sha256Stream();
    for (const at of [0, 100, 200]) stream.update(filled(300).subarray(at, at + 100));
    expect(toHex(stream.digest())).toBe(toHex(sha256(filled(300))));
  });
});
