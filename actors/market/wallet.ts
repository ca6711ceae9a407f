/**
 * What the market keeps secret on disk: the keys of packages for sale, and the one-time secrets of purchases.
 *
 * Each is sealed to the X25519 key of the identity that it belongs to, and so is safe at rest whenever that
 * identity's key is: a change of password re-encrypts the identities and leaves this as it is, and a backup that
 * holds both opens with the same password.
 *
 *   kind '/' owner '/' subject  →  the sealed secret, 80 bytes
 */
import type { Signer } from '../../crypto/identity.ts';
import { sealPackageKey } from '../../crypto/sealed-box.ts';
import { Secret } from '../../crypto/secret.ts';
import { x25519 } from '../../crypto/x25519.ts';
import { fromHex, type Hex32, utf8 } from '../../events/bytes.ts';
import { openSealedKey } from '../../machines/sealed-key.ts';
import type { OpaqueMap } from '../../storage/opaque-map.ts';
import { NotFoundError } from '../errors.ts';

/** `package`: by the package's hash. `one-time`: by the public key that stands in the purchase. */
export type SecretKind = 'package' | 'one-time';

export type SecretMap = Pick<OpaqueMap, 'get' | 'put'>;

const placeOf = (kind: SecretKind, owner: Hex32, subject: Hex32): Uint8Array =>
  utf8(`${kind}/${owner}/${subject}`);

/** Seals a secret (32 bytes) to its owner and keeps it; resolves when it is on disk. */
export async function keepSecret(
  map: SecretMap,
  owner: Signer,
  kind: SecretKind,
  subject: Hex32,
  secret: Secret,
): Promise<void> {
  const own = owner.x25519Secret();
  const buyerKey = x25519.publicKey(own.expose());
  own.wipe();
  const sealed = sealPackageKey({ packageKey: secret, buyerKey, purchaseId: fromHex(subject) })!;
  await map.put(placeOf(kind, owner.publicKey, subject), sealed);
}

/** Whether the wallet holds such a secret; whether it opens is another matter. */
export function hasSecret(map: SecretMap, owner: Hex32, kind: SecretKind, subject: Hex32): boolean {
  return map.get(placeOf(kind, owner, subject)) !== undefined;
}

/** A secret of the wallet. The caller wipes it. @throws NotFoundError */
export function recallSecret(map: SecretMap, owner: Signer, kind: SecretKind, subject: Hex32): Secret {
  const sealedKey = map.get(placeOf(kind, owner.publicKey, subject));
  if (sealedKey === undefined)
    throw new NotFoundError(`the wallet holds no ${kind} key for ${subject.slice(0, 8)}`);
  const own = owner.x25519Secret();
  const secret = openSealedKey(x25519, {
    sealedKey,
    buyerSecret: own.expose(),
    purchaseId: fromHex(subject),
  });
  own.wipe();
  if (secret === undefined)
    throw new NotFoundError(`the wallet's ${kind} key for ${subject.slice(0, 8)} does not open`);
  return new Secret(secret);
}

const manualPlace = (owner: Hex32, packageHash: Hex32): Uint8Array => utf8(`manual/${owner}/${packageHash}`);

/** Notes that the key of a package is granted by hand only. */
export function keepManual(map: SecretMap, owner: Hex32, packageHash: Hex32): Promise<void> {
  return map.put(manualPlace(owner, packageHash), Uint8Array.of(1));
}

export function isManual(map: SecretMap, owner: Hex32, packageHash: Hex32): boolean {
  return map.get(manualPlace(owner, packageHash)) !== undefined;
}
