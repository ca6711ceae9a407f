/**
 * Sealing the key of a package for one purchase. Opening it is a rule: see `machines/sealed-key.ts`.
 *
 * This side needs randomness, and so lives here: a new X25519 key pair for each grant, forgotten at once,
 * so that not even the seller could open it again.
 */
import { randomBytes } from 'node:crypto';
import { concatBytes } from '../events/bytes.ts';
import { grantKey, PACKAGE_KEY_BYTES, SEALED_KEY_NONCE } from '../machines/sealed-key.ts';
import { aeadSeal } from './aead.ts';
import { Secret } from './secret.ts';
import { x25519 } from './x25519.ts';

/** A key pair for one purchase: the public key goes on the chain, the secret stays until it is settled. */
export interface OneTimeKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly secret: Secret;
}

/** A fresh X25519 key pair. Never use one for two purchases: a dispute publishes its secret. */
export function createOneTimeKey(): OneTimeKey {
  const secret = new Uint8Array(randomBytes(32));
  return { publicKey: x25519.publicKey(secret), secret: new Secret(secret) };
}

/**
 * Seals a package key (32 bytes) to a buyer's one-time X25519 key for one purchase (id, 32 bytes): 80 bytes.
 *
 * `undefined` when the buyer's key is a point of small order, with which nothing can be sealed: the purchase
 * is then left to be refunded. Throws `RangeError` when a length is wrong.
 */
export function sealPackageKey(grant: {
  readonly packageKey: Secret;
  readonly buyerKey: Uint8Array;
  readonly purchaseId: Uint8Array;
}): Uint8Array | undefined {
  const { packageKey, buyerKey, purchaseId } = grant;
  const lengths = [packageKey.expose().length, buyerKey.length, purchaseId.length];
  if (lengths.some((length) => length !== PACKAGE_KEY_BYTES)) {
    throw new RangeError('package key, buyer key and purchase id have 32 bytes each');
  }
  const ephemeral = createOneTimeKey();
  const shared = x25519.sharedSecret(ephemeral.secret.expose(), buyerKey);
  ephemeral.secret.wipe();
  if (shared === undefined) return undefined;
  const key = grantKey(shared, ephemeral.publicKey, buyerKey, purchaseId);
  const sealed = concatBytes(ephemeral.publicKey, aeadSeal(key, SEALED_KEY_NONCE, packageKey.expose()));
  key.fill(0);
  shared.fill(0);
  return sealed;
}
