/**
 * The two desks of the market, as far as one node goes: making a package to sell, and opening one that was bought.
 *
 * Secrets come before money: the package's key and the buyer's one-time secret are in the wallet, on disk,
 * before the transaction that needs them is submitted, so that no crash leaves a sale that cannot be granted or
 * a purchase that cannot be opened. Packages of any size pass through as streams: a few chunks are in memory.
 */

import { sha256Stream } from '../../crypto/hash.ts';
import type { Signer } from '../../crypto/identity.ts';
import {
  createPackageKey,
  decryptPackage,
  decryptPackageStream,
  encryptPackage,
  encryptPackageStream,
  PackageError,
  packageHashOf,
} from '../../crypto/package.ts';
import { createOneTimeKey, sealPackageKey } from '../../crypto/sealed-box.ts';
import { Secret } from '../../crypto/secret.ts';
import { x25519 } from '../../crypto/x25519.ts';
import { fromHex, type Hex32, toHex } from '../../events/bytes.ts';
import { keyHashOf, openSealedKey } from '../../machines/sealed-key.ts';
import type { Store } from '../../storage/store.ts';
import type { Offer, Purchase } from '../group-view.ts';
import { keepSecret, recallSecret } from './wallet.ts';

export type Wallet = Pick<Store, 'artifacts' | 'wallet'>;

/** What a package holds: all of it, or a stream that is read once. */
export type PackageContent = Uint8Array | AsyncIterable<Uint8Array>;

/** What of an offer is needed to open what it sold. */
export type OfferedPackage = Pick<Offer, 'packageHash' | 'keyHash'>;
/** What of a purchase is needed to open what it bought. */
export type BoughtKey = Pick<Purchase, 'purchase' | 'buyerKey'>;

/** Chunks that are worked on between two turns of the event loop: some milliseconds. */
const CHUNKS_PER_TURN = 16;

/**
 * Encrypts a package and keeps its key; what an offer promises about it comes back.
 * @throws PackageError `package_too_large`, StorageError, and what a stream throws; nothing is kept then
 */
export async function preparePackage(
  wallet: Wallet,
  seller: Signer,
  content: PackageContent,
): Promise<{ packageHash: Hex32; keyHash: Hex32 }> {
  const key = createPackageKey();
  try {
    const packageHash =
      content instanceof Uint8Array
        ? await storeWhole(wallet, seller, content, key)
        : await storeStream(wallet, seller, content, key);
    return { packageHash, keyHash: toHex(keyHashOf(key.expose())) };
  } finally {
    key.wipe();
  }
}

async function storeWhole(
  { artifacts, wallet }: Wallet,
  seller: Signer,
  content: Uint8Array,
  key: Secret,
): Promise<Hex32> {
  const encrypted = encryptPackage(content, key);
  const hash = packageHashOf(encrypted);
  await keepSecret(wallet, seller, 'package', toHex(hash), key);
  await artifacts.put(hash, encrypted);
  return toHex(hash);
}

async function storeStream(
  { artifacts, wallet }: Wallet,
  seller: Signer,
  content: AsyncIterable<Uint8Array>,
  key: Secret,
): Promise<Hex32> {
  const { hash } = await artifacts.putUnnamed(encryptPackageStream(content, key));
  await keepSecret(wallet, seller, 'package', toHex(hash), key);
  return toHex(hash);
}

/** Makes the one-time key of a purchase and keeps its secret. */
export async function prepareOneTimeKey({ wallet }: Pick<Wallet, 'wallet'>, buyer: Signer): Promise<Hex32> {
  const { publicKey, secret } = createOneTimeKey();
  const buyerKey = toHex(publicKey);
  await keepSecret(wallet, buyer, 'one-time', buyerKey, secret);
  secret.wipe();
  return buyerKey;
}

/** The one-time secret of a purchase, as a dispute reveals it. */
export function revealOneTimeSecret(
  { wallet }: Pick<Wallet, 'wallet'>,
  buyer: Signer,
  buyerKey: Hex32,
): Uint8Array {
  return recallSecret(wallet, buyer, 'one-time', buyerKey).expose();
}

/**
 * Seals the package's key to the buyer of a purchase.
 * @returns nothing where the buyer's key takes no sealing: they can only be refunded
 * @throws NotFoundError when the key is not in this wallet
 */
export function sealGrant(
  { wallet }: Pick<Wallet, 'wallet'>,
  seller: Signer,
  offer: Pick<Offer, 'packageHash'>,
  purchase: BoughtKey,
): Uint8Array | undefined {
  const packageKey = recallSecret(wallet, seller, 'package', offer.packageHash);
  const buyerKey = fromHex(purchase.buyerKey);
  const sealed = sealPackageKey({ packageKey, buyerKey, purchaseId: fromHex(purchase.purchase) });
  packageKey.wipe();
  return sealed;
}

/**
 * Why a delivery is not what was promised. The first two the rules can judge, the others no rule can: the package is
 * not here, is not the one with that hash, or is and does not open with the promised key.
 */
export type DeliveryFault =
  | 'key_does_not_open'
  | 'wrong_key'
  | 'package_missing'
  | 'package_damaged'
  | 'package_unfit';
export interface BadDelivery {
  readonly status: 'bad';
  readonly because: DeliveryFault;
}
export type Delivery = { readonly status: 'opened'; readonly content: Uint8Array } | BadDelivery;

/** A delivery that was read through once and found whole; `content` reads it again, piece by piece. */
export interface CheckedDelivery {
  readonly status: 'opened';
  /** Of the content. */
  readonly bytes: number;
  content(): AsyncGenerator<Uint8Array, void, undefined>;
}

/** Opens what a grant delivered, the way the buyer checks it before accepting. */
export function openDelivery(
  wallet: Wallet,
  buyer: Signer,
  offer: OfferedPackage,
  purchase: BoughtKey,
  sealedKey: Uint8Array,
): Delivery {
  const key = openKey(wallet, buyer, offer, purchase, sealedKey);
  if (!(key instanceof Secret)) return key;
  const encrypted = wallet.artifacts.get(offer.packageHash);
  if (encrypted === undefined) return { status: 'bad', because: 'package_missing' };
  if (toHex(packageHashOf(encrypted)) !== offer.packageHash)
    return { status: 'bad', because: 'package_damaged' };
  try {
    return { status: 'opened', content: decryptPackage(encrypted, key) };
  } catch (error) {
    if (error instanceof PackageError) return { status: 'bad', because: 'package_unfit' };
    throw error;
  }
}

/** Like `openDelivery`, for packages of any size: reads it through, and keeps none of it in memory. */
export async function checkDelivery(
  wallet: Wallet,
  buyer: Signer,
  offer: OfferedPackage,
  purchase: BoughtKey,
  sealedKey: Uint8Array,
): Promise<CheckedDelivery | BadDelivery> {
  const key = openKey(wallet, buyer, offer, purchase, sealedKey);
  if (!(key instanceof Secret)) return key;
  const pieces = (): AsyncGenerator<Uint8Array> => inTurns(wallet.artifacts.stream(offer.packageHash)!);
  if (!wallet.artifacts.has(offer.packageHash)) return { status: 'bad', because: 'package_missing' };
  const hash = sha256Stream();
  for await (const piece of pieces()) hash.update(piece);
  if (toHex(hash.digest()) !== offer.packageHash) return { status: 'bad', because: 'package_damaged' };
  let bytes = 0;
  try {
    for await (const piece of decryptPackageStream(pieces(), key)) bytes += piece.length;
  } catch (error) {
    if (error instanceof PackageError) return { status: 'bad', because: 'package_unfit' };
    throw error;
  }
  return {
    status: 'opened',
    bytes,
    content: () => decryptPackageStream(pieces(), key),
  };
}

/** The package's key, opened with the purchase's one-time secret and held against the offer. */
function openKey(
  { wallet }: Pick<Wallet, 'wallet'>,
  buyer: Signer,
  offer: OfferedPackage,
  purchase: BoughtKey,
  sealedKey: Uint8Array,
): Secret | BadDelivery {
  const oneTime = recallSecret(wallet, buyer, 'one-time', purchase.buyerKey);
  const purchaseId = fromHex(purchase.purchase);
  const key = openSealedKey(x25519, { sealedKey, buyerSecret: oneTime.expose(), purchaseId });
  oneTime.wipe();
  if (key === undefined) return { status: 'bad', because: 'key_does_not_open' };
  return toHex(keyHashOf(key)) === offer.keyHash ? new Secret(key) : { status: 'bad', because: 'wrong_key' };
}

/** The chunks one after the other, with turns of the event loop for others between them. */
async function* inTurns(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let count = 0;
  for (const chunk of chunks) {
    yield chunk;
    if (++count % CHUNKS_PER_TURN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
