/**
 * X25519 (RFC 7748) by libsodium, some sixty times as fast as the JavaScript one, which steps in where libsodium
 * does not load. Both mask the top bit of a point, take coordinates that are not reduced, and refuse results of
 * zero; the vectors in `test/vectors/crypto` and a property test hold them against each other.
 */
import { nobleX25519, type X25519 } from '../machines/sealed-key.ts';
import { type Sodium, sodium } from './sodium.ts';

export function sodiumX25519(library: Sodium): X25519 {
  return {
    publicKey(secret) {
      const output = new Uint8Array(32);
      library.crypto_scalarmult_base(output, secret);
      return output;
    },
    sharedSecret(secret, publicKey) {
      const output = new Uint8Array(32);
      try {
        library.crypto_scalarmult(output, secret, publicKey);
      } catch {
        return undefined; // the library refuses an all-zero result, and nothing else at these lengths
      }
      return output;
    },
  };
}

/** The fastest that loads. */
export const x25519: X25519 = sodium === undefined ? nobleX25519 : sodiumX25519(sodium);
