/** Which claims are in: always what a walk of the whole evidence says, and asked again it costs nothing. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Verdicts } from '../../../actors/verdicts.ts';
import { holds, type Standing } from '../../../machines/knowledge.ts';
import { type Table, Write, WriteSet } from '../../../machines/state.ts';
import { retractionTable } from '../../../machines/tables.ts';
import { founder } from '../../support/people.ts';
import { seeded } from '../../support/seed.ts';

/** Claims by number, and verdicts that are told what is retracted as a node tells them. */
class Claims {
  readonly evidence: string[][];
  readonly retracted = new Set<string>();
  reads = 0;
  readonly verdicts: Verdicts;

  constructor(evidence: string[][], max?: number) {
    this.evidence = evidence;
    this.verdicts = new Verdicts(this.read, max);
  }

  readonly read = (claim: string): Standing | undefined => {
    this.reads++;
    const evidence = this.evidence[Number(claim)];
    return evidence === undefined ? undefined : { evidence, isRetracted: this.retracted.has(claim) };
  };

  /** A block that retracts and reinstates. */
  turn(...claims: string[]): void {
    const writes = new WriteSet();
    for (const claim of claims) {
      const isBack = this.retracted.delete(claim);
      if (!isBack) this.retracted.add(claim);
      const record = isBack ? undefined : { by: founder.publicKey, tsMs: 1, reason: undefined };
      writes.set(new Write(retractionTable as Table<unknown>, claim, record));
    }
    this.verdicts.observe(writes);
  }
}

const chain = (length: number) => Array.from({ length }, (_, at) => (at === 0 ? [] : [String(at - 1)]));

describe('verdicts', () => {
  test('are those of the whole evidence, whatever was turned and asked in between', async () => {
    const graph = fc
      .array(fc.array(fc.nat(1_000), { maxLength: 3 }), { minLength: 1, maxLength: 12 })
      .map((list) =>
        list.map((evidence, at) => [...new Set(at === 0 ? [] : evidence.map((one) => String(one % at)))]),
      );
    const step = fc.record({ turns: fc.array(fc.nat(11), { maxLength: 4 }), asks: fc.array(fc.nat(12)) });
    await fc.assert(
      fc.asyncProperty(graph, fc.array(step), fc.nat(8), async (evidence, steps, max) => {
        const claims = new Claims(evidence, max);
        for (const { turns, asks } of steps) {
          claims.turn(...new Set(turns.map((one) => String(one % evidence.length))));
          for (const asked of asks.map(String)) {
            const isIn = holds(asked, claims.read);
            expect(claims.verdicts.now(asked)).toBe(isIn);
            expect(await claims.verdicts.inTurns(asked)).toBe(isIn);
          }
        }
      }),
      seeded('verdicts', 300),
    );
  });

  test('a chain of 50,000 is walked with others at work in between, and asked again costs one look', async () => {
    const claims = new Claims(chain(50_000));
    let turns = 0;
    let isOver = false;
    const others = (async () => {
      while (!isOver) {
        await new Promise((resolve) => setImmediate(resolve));
        turns++;
      }
    })();
    expect(await claims.verdicts.inTurns('49999')).toBe(true);
    isOver = true;
    await others;
    expect(turns).toBeGreaterThan(300);

    claims.reads = 0;
    for (const asked of ['49999', '49998', '3']) expect(claims.verdicts.now(asked)).toBe(true);
    expect(claims.reads).toBeLessThanOrEqual(3);
  });

  test('only what may follow from a claim that turned is looked at again', () => {
    const claims = new Claims([...chain(10_000), ['9000']]);
    claims.verdicts.now('9999');
    claims.turn('9998');
    claims.reads = 0;
    expect(claims.verdicts.now('9997')).toBe(true);
    expect(claims.verdicts.now('9999')).toBe(false);
    expect(claims.reads).toBeLessThan(20);
    claims.turn('9998');
    claims.turn('5');
    expect(claims.verdicts.now('10000')).toBe(false);
    expect(claims.verdicts.now('4')).toBe(true);
  });

  test('a claim that turns while its evidence is walked is not told as it was', async () => {
    const claims = new Claims(chain(5_000));
    const asked = claims.verdicts.inTurns('4999');
    await new Promise((resolve) => setImmediate(resolve));
    claims.turn('4990');
    expect(await asked).toBe(false);
    claims.turn('4990');
    expect(claims.verdicts.now('4999')).toBe(true);
  });

  test('a state that nobody told of is looked at anew', () => {
    const claims = new Claims(chain(10));
    expect(claims.verdicts.now('9')).toBe(true);
    claims.retracted.add('0');
    claims.verdicts.clear();
    expect(claims.verdicts.now('9')).toBe(false);
  });
});
