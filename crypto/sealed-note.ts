/**
 * Notes to oneself: bytes on disk that only the holder of an identity's key can read, as safe as that key is.
 *
 *     note = sealed key (80) || ciphertext || tag (16)
 *
 * Every note has a key of its own, sealed to the X25519 key of the identity as packages are (`machines/sealed-key.ts`)
 * and bound to the subject of the note, so that no note can be put in the place of another. The subject goes through a
 * hash with a prefix of its own: no note opens as a grant, and no grant as a note.
 */
import { concatBytes, utf8 } from '../events/bytes.ts';
import { openSealedKey, SEALED_KEY_BYTES, SEALED_KEY_NONCE } from '../machines/sealed-key.ts';
import { aeadOpen, aeadSeal } from './aead.ts';
import { sha256 } from './hash.ts';
import type { Signer } from './identity.ts';
import { createPackageKey } from './package.ts';
import { sealPackageKey } from './sealed-box.ts';
import { x25519 } from './x25519.ts';

const SUBJECT_PREFIX = utf8('lb/note/1\0');

const idOf = (subject: string): Uint8Array => sha256(concatBytes(SUBJECT_PREFIX, utf8(subject)));

/** Seals `content` to the owner's own key. @param subject what the note is about; opening takes the same */
export function sealNote(owner: Signer, subject: string, content: Uint8Array): Uint8Array {
  const own = owner.x25519Secret();
  const buyerKey = x25519.publicKey(own.expose());
  own.wipe();
  const key = createPackageKey();
  const sealedKey = sealPackageKey({ packageKey: key, buyerKey, purchaseId: idOf(subject) })!;
  // A nonce of zeros: the key belongs to one note.
  const note = concatBytes(sealedKey, aeadSeal(key.expose(), SEALED_KEY_NONCE, content));
  key.wipe();
  return note;
}

/** The content of a note; `undefined` where it is of another owner or subject, or was changed. */
export function openNote(owner: Signer, subject: string, note: Uint8Array): Uint8Array | undefined {
  const own = owner.x25519Secret();
  const key = openSealedKey(x25519, {
    sealedKey: note.subarray(0, SEALED_KEY_BYTES),
    buyerSecret: own.expose(),
    purchaseId: idOf(subject),
  });
  own.wipe();
  if (key === undefined) return undefined;
  const content = aeadOpen(key, SEALED_KEY_NONCE, note.subarray(SEALED_KEY_BYTES));
  key.fill(0);
  return content;
}
