/** Deadlines against a plain list: the earliest first, moved and deleted ones never, and nothing lost at the bound. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deadlines } from '../../../actors/deadlines.ts';
import { seeded } from '../../support/seed.ts';

const change = fc.record({
  key: fc.integer({ min: 0, max: 20 }).map(String),
  atMs: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
});

test('they come up like in a sorted list, whatever was moved or deleted', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), fc.integer({ min: 0, max: 50 }), (changes, nowMs) => {
      const deadlines = new Deadlines(1_000);
      const model = new Map<string, number>();
      for (const { key, atMs } of changes) {
        if (atMs === undefined) {
          deadlines.delete(key);
          model.delete(key);
        } else {
          deadlines.set(key, atMs);
          model.set(key, atMs);
        }
      }
      const left = [...model.values()].sort((a, b) => a - b);
      expect(deadlines.nextMs()).toBe(left[0]);
      const due = deadlines.takeDue(nowMs);
      expect(due.map(({ atMs }) => atMs)).toEqual(left.filter((atMs) => atMs <= nowMs));
      for (const { key, atMs } of due) expect(model.get(key)).toBe(atMs);
      expect(deadlines.nextMs()).toBe(left.find((atMs) => atMs > nowMs));
      expect(deadlines.size).toBe(left.filter((atMs) => atMs > nowMs).length);
    }),
    seeded('deadlines', 300),
  );
});

test('beyond the bound everything before the horizon is held, and nothing behind it', () => {
  const times = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(times, fc.integer({ min: 2, max: 20 }), (all, max) => {
      const deadlines = new Deadlines(max);
      for (const [key, atMs] of all.entries()) deadlines.set(`${key}`, atMs);
      expect(deadlines.size).toBeLessThanOrEqual(max);
      const { horizonMs } = deadlines;
      const before = all.filter((atMs) => atMs < horizonMs).sort((a, b) => a - b);
      if (all.length > before.length) expect(horizonMs).toBeLessThanOrEqual(100);
      // Until the horizon there is something to do at each of them, and then at the horizon itself.
      expect(deadlines.nextMs()).toBe(before[0] ?? horizonMs);
      expect(deadlines.takeDue(1_000).map(({ atMs }) => atMs)).toEqual(before);
    }),
    seeded('deadlines', 300),
  );
});
