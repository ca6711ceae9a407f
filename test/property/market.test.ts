/**
 * Laws of the market over whole random histories: purchases, grants right and wrong, accepts, settlements, disputes,
 * refunds, expiries, offers revoked, members removed, policies changed, in any order and at any time.
 *
 * The oracle keeps its own books from what was accepted and knows what was really granted; it shares nothing with the
 * rules but the operations.
 */
import fc from 'fast-check';
import { unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../crypto/hash.ts';
import { fromHex, type Hex32, utf8 } from '../../events/bytes.ts';
import type { Effect } from '../../events/effects.ts';
import type { Operation } from '../../events/registry.ts';
import { balanceTable, escrowTable, offerTable, purchaseTable } from '../../machines/tables.ts';
import { offerCreate, oneTimeKey, oneTimeSecret, PACKAGE_KEY, seal, windowsIn } from '../support/market.ts';
import {
  DAY_MS,
  genesis,
  memberAdd,
  memberRemove,
  mint,
  policyUpdate,
  transfer,
} from '../support/operations.ts';
import { founder, type Person, person, personOf } from '../support/people.ts';
import { seeded } from '../support/seed.ts';
import { World } from '../support/world.ts';

const PEOPLE = ['ann', 'ben', 'cat', 'dan'].map(person);
/** Never a member; has money all the same. */
const GUEST = person('guest of the market');
const BUYERS = [...PEOPLE, GUEST];
const WINDOW_MS = 60_000;

type Grant = 'right' | 'wrong' | 'noise';
const KINDS = [
  ...[
    'offer',
    'buy',
    'buy',
    'buy',
    'grant',
    'grant',
    'grant',
    'accept',
    'accept',
    'settle',
    'refund',
    'dispute',
  ],
  ...['dispute', 'revoke', 'remove', 'add', 'policy', 'mint', 'transfer', 'wait', 'wait', 'wait long'],
] as const;
interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly who: number;
  readonly pick: number;
  readonly how: number;
}
const steps = (count: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      kind: fc.constantFrom(...KINDS),
      who: fc.nat(1_000),
      pick: fc.nat(1_000),
      how: fc.nat(1_000),
    }),
    { minLength: count / 2, maxLength: count },
  );

/** What the oracle knows of a purchase: from the operations, not from the state. */
interface Known {
  readonly buyer: Hex32;
  readonly price: bigint;
  readonly secret: Uint8Array;
  grant?: Grant;
  /** What has left the escrow, and to whom it came back. */
  paidOut: bigint;
  back: bigint;
  ends: number;
  /** A dispute by the right secret in time was refused though the key was wrong, or accepted though it was right. */
  misjudged: boolean;
}

class Market {
  readonly world = new World();
  readonly known = new Map<Hex32, Known>();
  readonly counts = new Map<string, number>();
  private keys = 0;

  constructor() {
    this.must(founder, genesis({ grant_window_ms: WINDOW_MS, dispute_window_ms: WINDOW_MS }));
    for (const who of PEOPLE) this.must(founder, memberAdd(who));
    for (const who of BUYERS) this.must(founder, mint(who, 500n));
  }

  private must(author: Person, operation: Operation): void {
    expect(this.world.act(author, operation).refusal).toBeUndefined();
  }

  private pickOf<T>(list: readonly T[], pick: number): T | undefined {
    return list[pick % Math.max(1, list.length)];
  }

  private purchaseAt(pick: number, ...states: readonly string[]): Hex32 | undefined {
    const { purchases } = this.world;
    const fitting = purchases.filter((id) => states.includes(this.world.read(purchaseTable, id)!.status));
    // Now and then one that does not fit.
    return this.pickOf(pick % 9 === 0 || fitting.length === 0 ? purchases : fitting, pick);
  }

  play({ kind, who, pick, how }: Step): void {
    const { world } = this;
    const buyer = this.pickOf(BUYERS, who)!;
    const member = this.pickOf(PEOPLE, who)!;
    switch (kind) {
      case 'wait':
        world.nowMs += how * 40;
        break;
      case 'wait long':
        world.nowMs += WINDOW_MS + how;
        break;
      case 'offer': {
        const parent = how % 3 === 0 ? this.pickOf(world.offers, pick) : undefined;
        const rest = {
          parents: parent === undefined ? [] : [{ offer: parent, bps: 1_000 + how }],
          splits: [
            { to: member.publicKey, bps: 10_000 - how },
            { to: PEOPLE[pick % 4]!.publicKey, bps: how },
          ].filter(({ bps, to }, at) => bps > 0 && (at === 0 || to !== member.publicKey)),
          expiresMs: how % 4 === 0 ? world.nowMs + 1 + how * 100 : undefined,
        };
        const sum = rest.splits.reduce((all, { bps }) => all + bps, 0);
        rest.splits[0]!.bps += 10_000 - sum;
        this.act(member, offerCreate(member, 1n + BigInt(pick % 90), rest));
        break;
      }
      case 'revoke': {
        const offer = this.pickOf(world.offers, pick);
        if (offer === undefined) return;
        this.act(personOf(world.read(offerTable, offer)!.seller), { type: 'offer_revoke', offer });
        break;
      }
      case 'remove':
        this.act(founder, memberRemove(member));
        break;
      case 'add':
        this.act(founder, memberAdd(member, how % 2 === 0 ? 'member' : 'viewer'));
        break;
      case 'mint':
        this.act(founder, mint(buyer, BigInt(how)));
        break;
      case 'transfer':
        this.act(buyer, transfer(PEOPLE[pick % 4]!, BigInt(1 + (how % 50))));
        break;
      case 'policy':
        this.act(founder, policyUpdate(this.policyOf(pick, how)));
        break;
      case 'buy':
        this.buy(buyer, pick);
        break;
      default:
        this.proceed(kind, pick, how);
        break;
    }
  }

  private policyOf(pick: number, how: number): [key: string, value: bigint | undefined] {
    const changes: [string, bigint | undefined][] = [
      ['grant_window_ms', 1_000n + BigInt(how) * 100n],
      ['dispute_window_ms', 1_000n + BigInt(how) * 100n],
      ['transfer_fee_bps', BigInt(how)],
      ['max_account_balance', how % 3 === 0 ? undefined : 200n + BigInt(how)],
    ];
    return changes[pick % changes.length]!;
  }

  private buy(buyer: Person, pick: number): void {
    const { world } = this;
    const offer = this.pickOf(world.offers, pick);
    if (offer === undefined) return;
    const { price } = world.read(offerTable, offer)!;
    const name = `${this.keys++}`;
    const operation: Operation = {
      type: 'purchase',
      offer,
      amount: price,
      buyerKey: oneTimeKey(buyer, name),
      ...windowsIn(world),
    };
    const before = world.purchases.length;
    this.act(buyer, operation);
    const made = world.purchases[before];
    if (made === undefined) return;
    const secret = oneTimeSecret(buyer, name);
    const books = { paidOut: 0n, back: 0n, ends: 0, misjudged: false };
    this.known.set(made, { buyer: buyer.publicKey, price, secret, ...books });
  }

  private proceed(
    kind: 'grant' | 'accept' | 'settle' | 'refund' | 'dispute',
    pick: number,
    how: number,
  ): void {
    const { world } = this;
    const states = {
      grant: 'escrowed',
      refund: 'escrowed',
      accept: 'granted',
      settle: 'granted',
      dispute: 'granted',
    };
    const purchase = this.purchaseAt(pick, states[kind]);
    if (purchase === undefined) return;
    const record = world.read(purchaseTable, purchase)!;
    const books = this.known.get(purchase)!;
    const buyer = personOf(books.buyer);
    const seller = personOf(world.read(offerTable, record.offer)!.seller);
    if (kind === 'grant') {
      const grant = (['right', 'right', 'wrong', 'noise'] as const)[how % 4]!;
      const key = grant === 'right' ? PACKAGE_KEY : sha256(utf8('another key'));
      const sealedKey =
        grant === 'noise' ? new Uint8Array(80).fill(how) : seal(key, record.buyerKey, purchase);
      this.act(seller, { type: 'grant', purchase, sealedKey });
      if (record.status === 'escrowed' && world.read(purchaseTable, purchase)!.status === 'granted')
        books.grant = grant;
      return;
    }
    if (kind !== 'dispute') {
      this.act(kind === 'settle' ? GUEST : buyer, { type: `purchase_${kind}`, purchase });
      return;
    }
    const isRightSecret = how % 5 > 0;
    const oneTime = isRightSecret ? books.secret : sha256(utf8('no secret of mine'));
    const isOpen = record.status === 'granted' && world.nowMs <= record.disputeUntilMs!;
    this.act(buyer, { type: 'purchase_dispute', purchase, oneTimeSecret: oneTime });
    const isBack = world.read(purchaseTable, purchase)!.status === 'disputed' && record.status === 'granted';
    // The buyer's right: a wrong key, shown in time by the right secret, is money back; anything else is not.
    const isOwed = isOpen && isRightSecret && books.grant !== 'right';
    if (isBack !== isOwed) books.misjudged = true;
  }

  private act(author: Person, operation: Operation): void {
    const outcome = this.world.act(author, operation);
    const name =
      outcome.refusal === undefined ? operation.type : `${operation.type}: ${outcome.refusal.code}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    for (const effect of outcome.effects ?? []) this.book(effect);
  }

  private book(effect: Effect): void {
    if (effect.kind === 'payout.made' || effect.kind === 'payout.to_treasury')
      this.known.get(effect.purchase)!.paidOut += effect.amount;
    if (effect.kind !== 'purchase.changed' || effect.status === 'escrowed' || effect.status === 'granted')
      return;
    const books = this.known.get(effect.purchase)!;
    books.ends++;
    if (effect.status !== 'settled') books.back += effect.amount;
  }

  /** Everything that holds after every step. */
  check(): void {
    const { world } = this;
    let held = 0n;
    let supply = 0n;
    for (const [key, value] of world.chain.dump()) {
      if (!/^(balance\/|escrow\/|treasury$|supply$)/.test(key)) continue;
      const [amount] = unpack(fromHex(value)) as [number | bigint];
      expect(BigInt(amount) >= 0n).toBe(true);
      if (key === 'supply') supply = BigInt(amount);
      else held += BigInt(amount);
    }
    expect(held).toBe(supply);
    const open = new Set<string>();
    for (const [id, books] of this.known) {
      const { status, buyer, offer } = world.read(purchaseTable, id)!;
      const isOpen = status === 'escrowed' || status === 'granted';
      // Paid once, into an escrow of its own; and out of it once, whole, either to the sellers or back.
      expect(world.read(escrowTable, `purchase/${id}`)?.amount).toBe(isOpen ? books.price : undefined);
      expect(books.ends).toBe(isOpen ? 0 : 1);
      expect(books.paidOut).toBe(status === 'settled' ? books.price : 0n);
      expect(books.back).toBe(status === 'refunded' || status === 'disputed' ? books.price : 0n);
      // Who has the key that was promised has paid or will have; who has not was never granted it.
      if (status === 'refunded') expect(books.grant).toBeUndefined();
      if (status === 'disputed') expect(books.grant).not.toBe('right');
      expect(books.misjudged).toBe(false);
      if (!isOpen) continue;
      expect(open.has(`${buyer}/${offer}`)).toBe(false);
      open.add(`${buyer}/${offer}`);
    }
  }

  /** Everybody claims what is theirs, long after: no escrow is left. */
  finish(): void {
    const { world } = this;
    world.nowMs += 91 * DAY_MS;
    for (const [id, books] of this.known) {
      const { status } = world.read(purchaseTable, id)!;
      if (status === 'escrowed') this.act(personOf(books.buyer), { type: 'purchase_refund', purchase: id });
      if (status === 'granted') this.act(GUEST, { type: 'purchase_settle', purchase: id });
    }
    this.check();
    expect([...world.chain.state.ids(escrowTable, '')]).toEqual([]);
    for (const [id, { grant }] of this.known) {
      const { status } = world.read(purchaseTable, id)!;
      if (grant === 'right') expect(status).toBe('settled');
    }
  }
}

describe('over whole histories of a market', () => {
  it('money is conserved, nobody pays twice, no escrow is stuck, and no right delivery stays unpaid', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(steps(160), (plan) => {
        const market = new Market();
        for (const step of plan) {
          market.play(step);
          market.check();
        }
        market.finish();
        for (const [name, count] of market.counts) seen.set(name, (seen.get(name) ?? 0) + count);
      }),
      seeded('market', 60),
    );
    // The generator is worth its name only while every end comes out of it, and the refusals in between.
    const ends = [
      'purchase_accept',
      'purchase_settle',
      'purchase_refund',
      'purchase_dispute',
      'offer_revoke',
    ];
    const refusals = [
      'purchase: purchase_open',
      'purchase: offer_revoked',
      'purchase_refund: grant_window_open',
      'purchase_settle: dispute_window_open',
      'purchase_dispute: dispute_unfounded',
    ];
    expect([...ends, ...refusals].filter((name) => !seen.has(name))).toEqual([]);
  });

  it('and the books would show it if anything were paid twice', () => {
    const market = new Market();
    market.play({ kind: 'offer', who: 0, pick: 1, how: 1 });
    market.play({ kind: 'buy', who: 1, pick: 0, how: 0 });
    const { world } = market;
    const [id] = [...market.known.keys()];
    expect(id).toBeDefined();
    market.check();
    const balance = world.read(balanceTable, PEOPLE[1]!.publicKey)!;
    expect(balance.amount).toBe(500n - market.known.get(id!)!.price);
    market.known.get(id!)!.paidOut += 1n;
    expect(() => market.check()).toThrow();
  });
});
