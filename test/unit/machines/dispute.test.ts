/**
 * A buyer can neither lose their money nor get the package free: the rule opens the sealed key and judges.
 */
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../crypto/hash.ts';
import { createOneTimeKey, sealPackageKey } from '../../../crypto/sealed-box.ts';
import { Secret } from '../../../crypto/secret.ts';
import { concatBytes, fromHex, toHex, utf8 } from '../../../events/bytes.ts';
import { balanceTable, escrowTable, sellerTable } from '../../../machines/tables.ts';
import {
  grant,
  grantBytes,
  lastOffer,
  lastPurchase,
  offerCreate,
  oneTimeKey,
  oneTimeSecret,
  PACKAGE_KEY,
  purchase,
  purchaseAccept,
  purchaseDispute,
  seal,
} from '../../support/market.ts';
import { HOUR_MS, WINDOWS } from '../../support/operations.ts';
import { alice, bob, carol } from '../../support/people.ts';
import { by, effects, given, joined, later, opened, refused } from '../../support/rules.ts';
import type { Step, World } from '../../support/world.ts';

const bought: Step[] = [
  opened(),
  joined(alice),
  joined(bob, { balance: 10n }),
  joined(carol, { balance: 10n }),
  by(alice, offerCreate(alice, 10n)),
  by(bob, purchase(bob, 10n)),
];
const dispute = purchaseDispute(oneTimeSecret(bob));
const balance = (world: World) => world.read(balanceTable, bob.publicKey)?.amount ?? 0n;

function expectRefunded(world: World): void {
  expect(balance(world)).toBe(10n);
  expect(world.read(escrowTable, `purchase/${lastPurchase(world)}`)).toBeUndefined();
  expect(world.read(sellerTable, alice.publicKey)).toEqual({ disputesLost: 1 });
}

describe('purchase_dispute', () => {
  it('refunds the buyer and marks the seller when the key is not the one promised', () => {
    const then = given(...bought, by(alice, grant(bob, sha256(utf8('another key'))))).when(bob, dispute);
    const at = { purchase: lastPurchase(then.world) };
    then
      .thenExactly(
        effects(
          {
            kind: 'purchase.changed',
            ...at,
            offer: lastOffer(then.world),
            buyer: bob.publicKey,
            status: 'disputed',
            amount: 10n,
          },
          { kind: 'seller.marked', seller: alice.publicKey, ...at, disputesLost: 1 },
        ),
      )
      .and(expectRefunded);
  });

  it.each([
    ['zeros', new Uint8Array(80)],
    ['ones', new Uint8Array(80).fill(255)],
    ['noise', concatBytes(sha256(utf8('a')), sha256(utf8('b')), sha256(utf8('c')).subarray(16))],
  ])('refunds the buyer when what was granted is garbage: %s', (_, bytes) => {
    given(...bought, by(alice, grantBytes(bytes)))
      .when(bob, dispute)
      .thenAccepted()
      .and(expectRefunded);
  });

  // The seven encodings of points of small order that X25519 takes, RFC 7748 section 6.1.
  it.each([
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ])('refunds the buyer when the ephemeral key is a point of small order: %s', (point) => {
    const rightly: Step = (world) => {
      const sealed = seal(PACKAGE_KEY, oneTimeKey(bob), lastPurchase(world));
      by(alice, grantBytes(concatBytes(fromHex(point), sealed.subarray(32))))(world);
    };
    given(...bought, rightly)
      .when(bob, dispute)
      .thenAccepted()
      .and(expectRefunded);
  });

  it('refunds the buyer when one bit of the right grant is wrong, wherever it is', () => {
    for (const at of [0, 31, 32, 63, 64, 79]) {
      const spoilt: Step = (world) => {
        const sealed = seal(PACKAGE_KEY, oneTimeKey(bob), lastPurchase(world));
        sealed[at]! ^= 1;
        by(alice, grantBytes(sealed))(world);
      };
      given(...bought, spoilt)
        .when(bob, dispute)
        .thenAccepted()
        .and(expectRefunded);
    }
  });

  it('refunds the buyer when a grant was copied from another purchase', () => {
    const copied: Step = (world) => {
      const first = world.purchases[0]!;
      by(carol, purchase(carol, 10n))(world);
      by(alice, {
        type: 'grant',
        purchase: first,
        sealedKey: seal(PACKAGE_KEY, oneTimeKey(bob), lastPurchase(world)),
      })(world);
    };
    given(...bought, copied)
      .when(bob, (world) => ({
        type: 'purchase_dispute',
        purchase: world.purchases[0]!,
        oneTimeSecret: oneTimeSecret(bob),
      }))
      .thenAccepted();
  });

  it('is refused when the key is right, and the money stays where it was', () => {
    given(...bought, by(alice, grant(bob)))
      .when(bob, dispute)
      .thenExactly(refused('dispute_unfounded'))
      .and((world) => expect(balance(world)).toBe(0n))
      .when(bob, purchaseAccept)
      .thenAccepted();
  });

  it('is refused for what the node itself seals', () => {
    const key = createOneTimeKey();
    const node: Step = (world) => {
      by(carol, {
        type: 'purchase',
        offer: lastOffer(world),
        amount: 10n,
        buyerKey: toHex(key.publicKey),
        ...WINDOWS,
      })(world);
      const purchaseId = fromHex(lastPurchase(world));
      const packageKey = new Secret(PACKAGE_KEY.slice());
      by(alice, grantBytes(sealPackageKey({ packageKey, buyerKey: key.publicKey, purchaseId })!))(world);
    };
    given(...bought, node)
      .when(carol, purchaseDispute(key.secret.expose().slice()))
      .thenExactly(refused('dispute_unfounded'));
  });

  it('is refused with a secret that is not that of the key, to all but the buyer, and after its time', () => {
    const wronged = [...bought, by(alice, grant(bob, sha256(utf8('another key'))))];
    given(...wronged)
      .when(bob, purchaseDispute(oneTimeSecret(carol)))
      .thenExactly(refused('dispute_secret_mismatch'))
      .when(alice, dispute)
      .thenExactly(refused('not_buyer'))
      .given(later(2 * HOUR_MS))
      .when(bob, dispute)
      .thenAccepted();
    given(...wronged, later(2 * HOUR_MS + 1))
      .when(bob, dispute)
      .thenExactly(refused('dispute_window_closed'));
  });

  it('is refused before the grant and after the end', () => {
    given(...bought)
      .when(bob, dispute)
      .thenExactly(refused('purchase_state'))
      .given(by(alice, grant(bob, sha256(utf8('another key')))), by(bob, dispute))
      .when(bob, dispute)
      .thenExactly(refused('purchase_state'));
  });

  it('counts the disputes that a seller lost', () => {
    const again: Step[] = [
      by(bob, purchase(bob, 10n)),
      by(alice, grantBytes(new Uint8Array(80))),
      by(bob, dispute),
    ];
    const { world } = given(...bought, ...again.slice(1), ...again);
    expect(world.read(sellerTable, alice.publicKey)).toEqual({ disputesLost: 2 });
  });
});
