/** Search by meaning: whatever came in between, the index finds what one finds that is opened anew. */
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { quantise, VectorIndex } from '../../../views/meaning/vector-index.ts';
import { creationScript } from '../../../views/schema.ts';
import { Sqlite } from '../../../views/sqlite.ts';
import { seeded } from '../../support/seed.ts';

const DIMENSIONS = 16;

/** Vectors that depend on their number alone, and are no two alike. */
function vectorOf(n: number): Int8Array {
  const components = Array.from({ length: DIMENSIONS }, (_, at) => Math.sin((n + 1) * (at + 3) * 1.7) + 0.3);
  return quantise(components)!;
}

/** Every number once, in an order that jumps about: texts come late. */
function jumping(count: number, step: number): number[] {
  return Array.from({ length: count }, (_, at) => 1 + ((at * step) % count));
}

test('an index that was warmed in between finds what a new one finds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_025, max: 2_600 }),
      fc.constantFrom(1, 7, 1_013),
      fc.array(fc.nat(2_600), { maxLength: 12 }),
      fc.array(fc.nat(2_600), { maxLength: 3 }),
      (count, step, warmed, searched) => {
        fc.pre(count % step !== 0 || step === 1);
        const sqlite = new Sqlite(':memory:');
        sqlite.database.exec(creationScript());
        const compare = (a: number, b: number): number => a - b;
        const index = new VectorIndex(sqlite, compare);
        const ask = (which: VectorIndex) => which.search(vectorOf(0), [{ n: 3, weight: 0.5 }], 20, undefined);
        try {
          sqlite.transaction(() => {
            for (const [at, n] of jumping(count, step).entries()) {
              index.add(n, vectorOf(n));
              // A page and no more: what comes next comes in the middle.
              if (warmed.includes(at)) index.warm(0);
              if (searched.includes(at)) expect(ask(index)).toEqual(ask(new VectorIndex(sqlite, compare)));
            }
          });
          expect(index.size).toBe(count);
          expect(ask(index)).toEqual(ask(new VectorIndex(sqlite, compare)));
          expect(index.warm(0)).toBe(true);
        } finally {
          sqlite.close();
        }
      },
    ),
    seeded('vector index', 25),
  );
});

test('warming is done in pieces, and says when it is done', () => {
  const sqlite = new Sqlite(':memory:');
  onTestFinished(() => sqlite.close());
  sqlite.database.exec(creationScript());
  const first = new VectorIndex(sqlite, (a, b) => a - b);
  sqlite.transaction(() => {
    for (let n = 1; n <= 5_000; n++) first.add(n, vectorOf(n));
  });
  const opened = new VectorIndex(sqlite, (a, b) => a - b);
  expect(opened.warm(0)).toBe(false);
  let pieces = 0;
  while (!opened.warm(0)) pieces++;
  expect(pieces).toBeGreaterThan(3);
  expect(opened.search(vectorOf(0), [], 5, undefined)).toEqual(first.search(vectorOf(0), [], 5, undefined));
});
