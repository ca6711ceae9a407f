/** Pages of tasks go through all of them, each once, latest first, whatever the order they are read in. */
import { ListTasksRequest, TaskState } from '@a2a-js/sdk';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pageOf } from '../../../../interfaces/a2a/list.ts';
import type { Listed } from '../../../../interfaces/a2a/task-index.ts';
import { seeded } from '../../../support/seed.ts';

const listed = fc.record({
  group: fc.constantFrom('a'.repeat(64), 'b'.repeat(64)),
  task: fc.string({ minLength: 1, maxLength: 8 }),
  owner: fc.constant('c'.repeat(64)),
  contextId: fc.constantFrom('one', 'two'),
  status: fc.constantFrom('pending', 'in_progress', 'completed'),
  updatedMs: fc.integer({ min: 0, max: 5 }),
}) satisfies fc.Arbitrary<Listed>;
const tasks = fc.uniqueArray(listed, { maxLength: 40, selector: ({ group, task }) => `${group} ${task}` });
const ask = (more: object): ListTasksRequest => ({ ...ListTasksRequest.fromJSON({}), ...more });

test('every task that fits is on one page, and the total says how many', () => {
  fc.assert(
    fc.property(tasks, fc.integer({ min: 1, max: 7 }), fc.boolean(), (all, pageSize, isFiltered) => {
      const filter = isFiltered ? { contextId: 'one', status: TaskState.TASK_STATE_WORKING } : {};
      const fitting = all.filter(
        ({ contextId, status }) => !isFiltered || (contextId === 'one' && status === 'in_progress'),
      );
      const seen: Listed[] = [];
      for (let pageToken = ''; ; ) {
        const { page, nextPageToken, totalSize } = pageOf(all, ask({ ...filter, pageSize, pageToken }));
        expect(totalSize).toBe(fitting.length);
        expect(page.length).toBeLessThanOrEqual(pageSize);
        seen.push(...page);
        pageToken = nextPageToken;
        if (pageToken === '') break;
      }
      expect(new Set(seen)).toEqual(new Set(fitting));
      expect(seen).toHaveLength(fitting.length);
      const times = seen.map(({ updatedMs }) => updatedMs);
      expect(times).toEqual(times.toSorted((one, other) => other - one));
    }),
    seeded('pages of tasks', 200),
  );
});

test('a size, a token and a time that are none are refused', () => {
  for (const wrong of [
    { pageSize: 101 },
    { pageSize: -1 },
    { pageToken: 'x' },
    { statusTimestampAfter: 'soon' },
  ])
    expect(() => pageOf([], ask(wrong))).toThrow(/pageSize|token|time/);
});
