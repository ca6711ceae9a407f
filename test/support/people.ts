/** People with fixed keys: the same name is the same key pair in every test and every run. */
import { sha256 } from '../../crypto/hash.ts';
import { type Signer, signerFromSeed } from '../../crypto/identity.ts';
import { Secret } from '../../crypto/secret.ts';
import { type Hex32, toHex, utf8 } from '../../events/bytes.ts';

export interface Person extends Signer {
  readonly name: string;
}

const known = new Map<string, Person>();
const byKey = new Map<Hex32, Person>();

/** The key pair whose seed is SHA-256("battery-node/test/" + name). */
export function person(name: string): Person {
  let found = known.get(name);
  if (found === undefined) {
    const signer = signerFromSeed(new Secret(sha256(utf8(`battery-node/test/${name}`))));
    found = { ...signer, name };
    known.set(name, found);
    byKey.set(found.publicKey, found);
  }
  return found;
}

/** The person with this key, who has been asked for by name before. */
export function personOf(publicKey: Hex32): Person {
  const found = byKey.get(publicKey);
  if (found === undefined) throw new Error(`nobody in this test has the key ${publicKey}`);
  return found;
}

/** Any id or hash, fixed by a text: SHA-256 of it. */
export const hashOf = (text: string): Hex32 => toHex(sha256(utf8(text)));

/** Founds the group in `opened()`: its first admin and its sealer. */
export const founder = person('founder');
export const alice = person('alice');
export const bob = person('bob');
export const carol = person('carol');
/** Never a member of anything. */
export const stranger = person('stranger');
