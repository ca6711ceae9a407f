/** Slots: how many run, how many wait, and who is turned away. */
import { expect, test } from 'vitest';
import { Slots } from '../../../views/slots.ts';

test('two run, one waits, the next is turned away, and a failure frees its place', async () => {
  const slots = new Slots(2, 1);
  const started: number[] = [];
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<number>());
  const runs = gates.map(({ promise }, at) =>
    slots.run(() => {
      started.push(at);
      return promise;
    }),
  );
  expect(started).toEqual([0, 1]);
  await expect(slots.run(() => Promise.resolve(9))).rejects.toMatchObject({ code: 'views_busy' });
  gates[1]!.reject(new Error('failed'));
  await expect(runs[1]).rejects.toThrow('failed');
  await expect.poll(() => started).toEqual([0, 1, 2]);
  gates[0]!.resolve(0);
  gates[2]!.resolve(2);
  expect(await Promise.all([runs[0], runs[2]])).toEqual([0, 2]);
  // All places are free again.
  expect(await Promise.all([1, 2].map((n) => slots.run(() => Promise.resolve(n))))).toEqual([1, 2]);
});
