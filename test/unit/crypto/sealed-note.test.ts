/** A note opens for its owner and its subject, and for nobody and nothing else. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomSeed, signerFromSeed } from '../../../crypto/identity.ts';
import { openNote, sealNote } from '../../../crypto/sealed-note.ts';
import { seeded } from '../../support/seed.ts';

const owner = signerFromSeed(randomSeed());
const stranger = signerFromSeed(randomSeed());

test('what was sealed opens again, and for no other owner or subject', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), fc.string(), (content, subject, other) => {
      const note = sealNote(owner, subject, content);
      expect(openNote(owner, subject, note)).toEqual(Buffer.from(content));
      expect(openNote(stranger, subject, note)).toBeUndefined();
      if (other !== subject) expect(openNote(owner, other, note)).toBeUndefined();
    }),
    seeded('sealed notes', 20),
  );
});

test('a note that was changed or cut anywhere does not open', () => {
  const note = sealNote(owner, 's', new TextEncoder().encode('secret'));
  for (let at = 0; at < note.length; at++) {
    expect(openNote(owner, 's', note.with(at, note[at]! ^ 1))).toBeUndefined();
    expect(openNote(owner, 's', note.subarray(0, at))).toBeUndefined();
  }
});

test('two notes of the same content have nothing in common', () => {
  const [one, other] = [1, 2].map(() =>
    Buffer.from(sealNote(owner, 's', new Uint8Array(32))).toString('hex'),
  );
  expect(one!.slice(0, 64)).not.toBe(other!.slice(0, 64));
  expect(one!.slice(160)).not.toBe(other!.slice(160));
});
