/**
 * The two desks of the market, as far as one node goes: selling a package and buying one.
 *
 * Secrets come before money: the package's key and the buyer's one-time secret are in the wallet, on disk,
 * before the transaction that needs them is submitted, so that no crash leaves a sale that cannot be granted or
 * a purchase that cannot be opened. What is in the wallet is sealed to the identity it belongs to, and so is
 * safe at rest whenever that identity's key is.
 */

import type { Signer } from '../crypto/identity.ts';
import {
  createPackageKey,
  decryptPackage,
  encryptPackage,
  PackageError,
  packageHashOf,
} from '../crypto/package.ts';
import { createOneTimeKey, sealPackageKey } from '../crypto/sealed-box.ts';
import { Secret } from '../crypto/secret.ts';
import { x25519 } from '../crypto/x25519.ts';
import { fromHex, type Hex32, toHex } from '../events/bytes.ts';
import { keyHashOf, openSealedKey } from '../machines/sealed-key.ts';
import type { Store } from '../storage/store.ts';
import { NotFoundError } from './errors.ts';
import type { Offer, Purchase } from './group-view.ts';

export type Wallet = Pick<Store, 'artifacts' | 'wallet'>;

/** Where a secret of an identity is kept: kind, owner, and the hash or key it belongs to. */
function walletKey(kind: 'package' | 'one-time', owner: Hex32, subject: Hex32): Uint8Array {
  return new TextEncoder().encode(`${kind}/${owner}/${subject}`);
}

async function keep(
  wallet: Wallet,
  signer: Signer,
  kind: 'package' | 'one-time',
  subject: Hex32,
  secret: Secret,
): Promise<void> {
  const own = signer.x25519Secret();
  const buyerKey = x25519.publicKey(own.expose());
  own.wipe();
  const sealed = sealPackageKey({ packageKey: secret, buyerKey, purchaseId: fromHex(subject) })!;
  await wallet.wallet.put(walletKey(kind, signer.publicKey, subject), sealed);
}

function recall(wallet: Wallet, signer: Signer, kind: 'package' | 'one-time', subject: Hex32): Secret {
  const sealedKey = wallet.wallet.get(walletKey(kind, signer.publicKey, subject));
  if (sealedKey === undefined)
    throw new NotFoundError(`the wallet holds no ${kind} key for ${subject.slice(0, 8)}`);
  const own = signer.x25519Secret();
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

/** Encrypts a package and keeps its key; what an offer promises about it comes back. */
export async function preparePackage(
  wallet: Wallet,
  seller: Signer,
  content: Uint8Array,
): Promise<{ packageHash: Hex32; keyHash: Hex32 }> {
  const key = createPackageKey();
  const encrypted = encryptPackage(content, key);
  const hash = packageHashOf(encrypted);
  const packageHash = toHex(hash);
  await keep(wallet, seller, 'package', packageHash, key);
  await wallet.artifacts.put(hash, encrypted);
  const keyHash = toHex(keyHashOf(key.expose()));
  key.wipe();
  return { packageHash, keyHash };
}

/** Makes the one-time key of a purchase and keeps its secret. */
export async function prepareOneTimeKey(wallet: Wallet, buyer: Signer): Promise<Hex32> {
  const { publicKey, secret } = createOneTimeKey();
  const buyerKey = toHex(publicKey);
  await keep(wallet, buyer, 'one-time', buyerKey, secret);
  secret.wipe();
  return buyerKey;
}

/** The one-time secret of a purchase, as a dispute reveals it. */
export function revealOneTimeSecret(wallet: Wallet, buyer: Signer, purchase: Purchase): Uint8Array {
  return recall(wallet, buyer, 'one-time', purchase.buyerKey).expose();
}

/**
 * Seals the package's key to the buyer of a purchase.
 * @returns nothing where the buyer's key takes no sealing: he can only be refunded
 */
export function sealGrant(
  wallet: Wallet,
  seller: Signer,
  offer: Offer,
  purchase: Purchase,
): Uint8Array | undefined {
  const packageKey = recall(wallet, seller, 'package', offer.packageHash);
  const buyerKey = fromHex(purchase.buyerKey);
  const sealed = sealPackageKey({ packageKey, buyerKey, purchaseId: fromHex(purchase.purchase) });
  packageKey.wipe();
  return sealed;
}

export type Delivery =
  | { readonly status: 'opened'; readonly content: Uint8Array }
  | {
      readonly status: 'bad';
      readonly because: 'key_does_not_open' | 'wrong_key' | 'package_missing' | 'package_damaged';
    };

/** Opens what a grant delivered, the way the buyer checks it before he accepts. */
export function openDelivery(
  wallet: Wallet,
  buyer: Signer,
  offer: Offer,
  purchase: Purchase,
  sealedKey: Uint8Array,
): Delivery {
  const oneTime = recall(wallet, buyer, 'one-time', purchase.buyerKey);
  const purchaseId = fromHex(purchase.purchase);
  const key = openSealedKey(x25519, { sealedKey, buyerSecret: oneTime.expose(), purchaseId });
  oneTime.wipe();
  if (key === undefined) return { status: 'bad', because: 'key_does_not_open' };
  if (toHex(keyHashOf(key)) !== offer.keyHash) return { status: 'bad', because: 'wrong_key' };
  const encrypted = wallet.artifacts.get(offer.packageHash);
  if (encrypted === undefined) return { status: 'bad', because: 'package_missing' };
  if (toHex(packageHashOf(encrypted)) !== offer.packageHash)
    return { status: 'bad', because: 'package_damaged' };
  try {
    return { status: 'opened', content: decryptPackage(encrypted, new Secret(key)) };
  } catch (error) {
    if (error instanceof PackageError) return { status: 'bad', because: 'package_damaged' };
    throw error;
  }
}
