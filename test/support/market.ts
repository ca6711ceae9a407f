/** The market's operations and keys, all derived from names. */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { windowsOf } from '../../actors/market/market-chain.ts';
import { sha256 } from '../../crypto/hash.ts';
import { x25519 } from '../../crypto/x25519.ts';
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../../events/bytes.ts';
import type { Operation, OperationOf } from '../../events/registry.ts';
import { grantKey, keyHashOf, SEALED_KEY_NONCE } from '../../machines/sealed-key.ts';
import { policyTable } from '../../machines/tables.ts';
import { hashOf, type Person } from './people.ts';
import type { World } from './world.ts';

/** An operation that names the last offer or purchase of the script. */
type Script = (world: World) => Operation;

/** The key of every package on offer in the tests, and what offers commit to. */
export const PACKAGE_KEY = sha256(utf8('package key'));
export const KEY_HASH: Hex32 = toHex(keyHashOf(PACKAGE_KEY));

/** The secret of a buyer's one-time key. */
export const oneTimeSecret = (buyer: Person, name = ''): Uint8Array =>
  sha256(utf8(`one-time key ${buyer.name} ${name}`));
export const oneTimeKey = (buyer: Person, name = ''): Hex32 =>
  toHex(x25519.publicKey(oneTimeSecret(buyer, name)));

/** Seals `key` as a seller does, with an ephemeral key that follows from the purchase. */
export function seal(key: Uint8Array, buyerKey: Hex32, purchase: Hex32): Uint8Array {
  const ephemeral = sha256(utf8(`ephemeral ${purchase}`));
  const ephemeralPublic = x25519.publicKey(ephemeral);
  const shared = x25519.sharedSecret(ephemeral, fromHex(buyerKey))!;
  const sealing = grantKey(shared, ephemeralPublic, fromHex(buyerKey), fromHex(purchase));
  return concatBytes(ephemeralPublic, chacha20poly1305(sealing, SEALED_KEY_NONCE).encrypt(key));
}

const last = (ids: readonly Hex32[], what: string): Hex32 => {
  const id = ids.at(-1);
  if (id === undefined) throw new Error(`the script has no ${what} yet`);
  return id;
};
export const lastOffer = (world: World): Hex32 => last(world.offers, 'offer');
export const lastPurchase = (world: World): Hex32 => last(world.purchases, 'purchase');

export const offerCreate = (
  seller: Person,
  price: bigint,
  rest: Partial<Omit<OperationOf<'offer_create'>, 'type'>> = {},
): Operation => ({
  type: 'offer_create',
  packageHash: hashOf('package'),
  keyHash: KEY_HASH,
  title: 'a package',
  description: undefined,
  tags: [],
  price,
  splits: [{ to: seller.publicKey, bps: 10_000 }],
  parents: [],
  expiresMs: undefined,
  ...rest,
});

/** The windows of the policy now, as a buyer names them who has just looked. */
export const windowsIn = (world: World) => windowsOf(world.read(policyTable)!);

/** Each of these is about the last offer or purchase of the script. */
export const offerRevoke: Script = (world) => ({ type: 'offer_revoke', offer: lastOffer(world) });
export const purchase =
  (buyer: Person, amount: bigint): Script =>
  (world) => ({
    type: 'purchase',
    offer: lastOffer(world),
    amount,
    buyerKey: oneTimeKey(buyer),
    ...windowsIn(world),
  });
/** Grants the right key, or the one given. */
export const grant =
  (buyer: Person, key: Uint8Array = PACKAGE_KEY): Script =>
  (world) => ({
    type: 'grant',
    purchase: lastPurchase(world),
    sealedKey: seal(key, oneTimeKey(buyer), lastPurchase(world)),
  });
export const grantBytes =
  (sealedKey: Uint8Array): Script =>
  (world) => ({ type: 'grant', purchase: lastPurchase(world), sealedKey });
export const purchaseAccept: Script = (world) => ({
  type: 'purchase_accept',
  purchase: lastPurchase(world),
});
export const purchaseSettle: Script = (world) => ({
  type: 'purchase_settle',
  purchase: lastPurchase(world),
});
export const purchaseRefund: Script = (world) => ({
  type: 'purchase_refund',
  purchase: lastPurchase(world),
});
export const purchaseDispute =
  (secret: Uint8Array): Script =>
  (world) => ({ type: 'purchase_dispute', purchase: lastPurchase(world), oneTimeSecret: secret });
