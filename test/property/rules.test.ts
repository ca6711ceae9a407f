/** Laws of the rules, over random histories of all domains. The oracles are simpler than what they judge. */
import fc from 'fast-check';
import { unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../crypto/hash.ts';
import { fromHex, toHex, utf8 } from '../../events/bytes.ts';
import { replacedBy, replacedId } from '../../machines/spent.ts';
import { adminsTable, escrowTable, memberTable, policyTable, purchaseTable } from '../../machines/tables.ts';
import { type Played, plans, play } from '../support/intents.ts';
import { taskCancel } from '../support/operations.ts';
import { type Person, person, personOf } from '../support/people.ts';
import { seeded } from '../support/seed.ts';
import { World } from '../support/world.ts';

const HISTORY = 240;

/** Adds up the bytes of the state: every balance, every escrow, the treasury; and the supply. */
function countMoney(world: World): { held: bigint; supply: bigint; least: bigint } {
  let held = 0n;
  let supply = 0n;
  let least = 0n;
  for (const [key, value] of world.chain.dump()) {
    if (!/^(balance\/|escrow\/|treasury$|supply$)/.test(key)) continue;
    const [amount] = unpack(fromHex(value)) as [number | bigint];
    if (key === 'supply') supply += BigInt(amount);
    else held += BigInt(amount);
    if (BigInt(amount) < least) least = BigInt(amount);
  }
  return { held, supply, least };
}

/** Plays only what was accepted, block by block, at the same times. */
function playAccepted({ world, tried }: Played): World {
  const twin = new World();
  let height = 0;
  for (const { nowMs } of tried) {
    const final = world.chain.finals[height];
    // A block of which everything was refused was never sealed.
    if (final === undefined || final.header.tsMs !== nowMs) continue;
    twin.nowMs = nowMs;
    twin.seal(final.judged.accepted);
    height++;
  }
  return twin;
}

describe('over random histories', () => {
  it('money is conserved and never negative, and the supply stays under its cap', () => {
    const seen = new Map<string, number>();
    let accepted = 0;
    fc.assert(
      fc.property(plans(HISTORY), (plan) => {
        let capBefore: bigint | undefined;
        const played = play(plan, (world) => {
          const { held, supply, least } = countMoney(world);
          expect(held).toBe(supply);
          expect(least).toBe(0n);
          expect(world.read(adminsTable)?.count).toBe(adminsOf(world).length);
          const cap = world.read(policyTable)!.max_total_supply;
          if (cap !== undefined && cap === capBefore) expect(supply <= cap).toBe(true);
          capBefore = cap;
        });
        accepted += played.accepted;
        for (const [code, count] of played.refused) seen.set(code, (seen.get(code) ?? 0) + count);
      }),
      seeded('money', 12),
    );
    // The generator is worth its name only while both kinds come out of it, and many refusals.
    expect(accepted).toBeGreaterThan(500);
    expect(seen.size).toBeGreaterThan(30);
  });

  it('a refused transaction leaves no trace', () => {
    fc.assert(
      fc.property(plans(HISTORY), (plan) => {
        const played = play(plan);
        const twin = playAccepted(played);
        expect(twin.chain.blocks.map(toHex)).toEqual(played.world.chain.blocks.map(toHex));
        expect(twin.chain.dump()).toEqual(played.world.chain.dump());
      }),
      seeded('no trace', 12),
    );
  });

  it('an id is accepted once, and a replaced one never', () => {
    fc.assert(
      fc.property(plans(120), (plan) => {
        const { world, tried } = play(plan);
        const spent = new Map<string, number>();
        for (const { judged } of world.chain.finals)
          for (const transaction of judged.accepted)
            for (const id of [transaction.txId, replacedBy(transaction, sha256) ?? []].flat())
              spent.set(id, (spent.get(id) ?? 0) + 1);
        expect([...spent.values()].filter((count) => count > 1)).toEqual([]);
        for (const { transactions } of tried)
          for (const transaction of transactions.filter(
            (one) =>
              one.groupId === world.groupId &&
              (spent.has(one.txId) || spent.has(replacedId(one.author, one.txId, sha256))),
          )) {
            world.nowMs = transaction.tsMs;
            const { refusals, final } = world.seal([transaction]);
            expect(final).toBeUndefined();
            expect(refusals[0]?.code).toMatch(/^transaction_(duplicate|replaced|expired)$/);
          }
      }),
      seeded('once', 10),
    );
  });

  it('no escrow is stuck: in the end somebody concerned can empty each', () => {
    let emptied = 0;
    fc.assert(
      fc.property(plans(HISTORY), (plan) => {
        const { world } = play(plan);
        world.nowMs += 365 * 86_400_000;
        const admin = adminOf(world);
        for (const id of [...world.chain.state.ids(escrowTable, '')]) {
          const [kind, ...rest] = id.split('/');
          const name = rest.join('/');
          const purchase = world.read(purchaseTable, name);
          if (kind === 'task') expect(world.act(admin, taskCancel(name)).refusal).toBeUndefined();
          else if (purchase!.status === 'escrowed')
            expect(
              world.act(personOf(purchase!.buyer), { type: 'purchase_refund', purchase: name }).refusal,
            ).toBeUndefined();
          else
            expect(
              world.act(person('anybody'), { type: 'purchase_settle', purchase: name }).refusal,
            ).toBeUndefined();
          emptied++;
        }
        expect([...world.chain.state.ids(escrowTable, '')]).toEqual([]);
        const { held, supply } = countMoney(world);
        expect(held).toBe(supply);
      }),
      seeded('escrow', 12),
    );
    expect(emptied).toBeGreaterThan(10);
  });

  it('the effects hash is that of the writes, transaction by transaction, sorted by the bytes of their keys', () => {
    fc.assert(
      fc.property(plans(60), (plan) => {
        const { world } = play(plan);
        const twin = new World();
        for (const { header, judged } of world.chain.finals) {
          // One transaction to a block: then the block's writes are the transaction's.
          for (const transaction of judged.accepted) {
            twin.nowMs = header.tsMs;
            const { final } = twin.seal([transaction]);
            const writes = [...final!.judged.writes]
              .map(([key, { bytes }]) => ({ key: utf8(key), bytes }))
              .sort((a, b) => Buffer.compare(a.key, b.key));
            const parts = writes.map(({ key, bytes }) => [0x92, ...str(key), ...(bytes ?? [0xc0])]);
            const all = Uint8Array.from([...arrayOf(writes.length), ...parts.flat()]);
            expect(final!.header.effectsHash).toBe(toHex(sha256(all)));
          }
        }
      }),
      seeded('effects hash', 8),
    );
  });
});

/** The headers of a MessagePack string and array, written again. */
const str = (bytes: Uint8Array): number[] => {
  const size = bytes.length;
  if (size < 32) return [0xa0 | size, ...bytes];
  return size < 256 ? [0xd9, size, ...bytes] : [0xda, size >> 8, size & 255, ...bytes];
};
const arrayOf = (size: number): number[] => (size < 16 ? [0x90 | size] : [0xdc, size >> 8, size & 255]);

const adminsOf = (world: World): string[] =>
  [...world.chain.state.ids(memberTable, '')].filter((id) => world.read(memberTable, id)?.role === 'admin');

function adminOf(world: World): Person {
  const [first] = adminsOf(world);
  if (first === undefined) throw new Error('the group has no admin');
  return personOf(first);
}
