/**
 * Somebody whose signatures are valid and dear: a part of small order in their key, which libsodium's verification
 * refuses and ZIP 215 accepts.
 */
import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import type { BlockSigner } from '../../actors/chain/judge.ts';
import { concatBytes, toHex } from '../../events/bytes.ts';

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;
/** Of order eight. */
const TORSION = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');

const scalarOf = (...parts: Uint8Array[]): bigint => {
  const hash = createHash('sha512')
    .update(concatBytes(...parts))
    .digest();
  return BigInt(`0x${hash.reverse().toString('hex')}`) % ORDER;
};

function scalarBytes(scalar: bigint): Uint8Array {
  return Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse();
}

/** A signer whose key, and each point of whose signatures, has a part of small order; `torsion` from 0 to 7 says which. */
export function mixedSigner(name: string, torsion = 1): BlockSigner {
  const seed = createHash('sha256').update(`mixed ${name}`).digest();
  const secret = scalarOf(seed);
  const small = TORSION.multiplyUnsafe(BigInt(torsion));
  const key = Point.BASE.multiply(secret).add(small).toBytes();
  return {
    publicKey: toHex(key),
    sign(prefix: Uint8Array, payload: Uint8Array): Uint8Array {
      const once = scalarOf(seed, prefix, payload);
      const point = Point.BASE.multiply(once).add(small).toBytes();
      const challenge = scalarOf(point, key, prefix, payload);
      return concatBytes(point, scalarBytes((once + challenge * secret) % ORDER));
    },
  };
}
