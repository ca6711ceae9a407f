/** The parts that operations are made of: schemas from fields, pages, cursors, failures in the words of tools. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NotFoundError, RefusedError, UsageError } from '../../../../actors/errors.ts';
import type { Group } from '../../../../actors/group.ts';
import { taskOperations } from '../../../../events/operations/tasks.ts';
import { refuse } from '../../../../events/refusals.ts';
import { amountOf, pageOf } from '../../../../interfaces/operations/call.ts';
import { describeFailure } from '../../../../interfaces/operations/failure.ts';
import type { Call } from '../../../../interfaces/operations/operation.ts';
import { taker } from '../../../../interfaces/operations/operation.ts';
import { Places } from '../../../../interfaces/operations/places.ts';
import { field, input, integer, optional, text, words } from '../../../../interfaces/operations/schema.ts';
import { seeded } from '../../../support/seed.ts';

const call = {
  node: { identities: () => [{ name: 'ann', publicKey: 'a'.repeat(64) }] },
  identity: 'ann',
} as unknown as Pick<Call, 'node' | 'identity'>;

describe('a schema', () => {
  test('has the bounds of the field', () => {
    const { title, tags, dueMs, attempt } = {
      ...taskOperations.task_create.fields,
      ...taskOperations.task_start.fields,
    };
    expect(field(title)).toEqual({ type: 'string', minLength: 1, maxLength: 256 });
    expect(field(tags)).toEqual({
      type: 'array',
      items: { type: 'string', minLength: 1, maxLength: 64 },
      maxItems: 20,
    });
    expect(field(dueMs)).toMatchObject({ type: 'integer', minimum: 0 });
    expect(field(attempt, 'which')).toMatchObject({ maximum: 0xffff_ffff, description: 'which' });
  });

  test('says what is wrong with an input, each thing once', () => {
    const take = taker(
      input({ name: text(), size: optional(integer(1, 5)), kind: optional(words(['a', 'b'])) }),
    );
    expect(take({ name: 'x', size: 5, kind: 'b' })).toEqual({ input: { name: 'x', size: 5, kind: 'b' } });
    expect(take({ size: 6, kind: 'c', more: 1 }).problems).toEqual([
      'name is missing: it must be a text in quotes',
      'there is no parameter "more"; it takes name, size, kind',
      'size must be a whole number from 1 to 5; it is 6',
      'kind must be one of a, b; it is "c"',
    ]);
    expect(take('text').problems).toEqual(['the parameters must be an object; they are "text"']);
    expect(take(null).problems).toEqual(['name is missing: it must be a text in quotes']);
  });
});

describe('a page', () => {
  test('goes through a list that grows meanwhile without skipping or repeating what was there', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 30 }),
        fc.uniqueArray(fc.string({ unit: 'binary' }), { maxLength: 10 }),
        fc.integer({ min: 1, max: 7 }),
        (first, later, limit) => {
          const sorted = (keys: readonly string[]) =>
            [...new Set(keys)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
          let keys = sorted(first);
          const seen: string[] = [];
          let cursor: string | undefined;
          do {
            const { page, next } = pageOf(keys, (key) => key, { cursor, limit });
            seen.push(...page);
            cursor = next.next_cursor;
            keys = sorted([...keys, ...later]);
          } while (cursor !== undefined);
          expect(new Set(seen).size).toBe(seen.length);
          for (const key of first) expect(seen).toContain(key);
        },
      ),
      seeded('pages', 300),
    );
  });

  test('takes no cursor that it did not give', () => {
    expect(() => pageOf(['a'], (key) => key, { cursor: 'a', limit: 1 })).toThrow(UsageError);
  });
});

describe('a place in several logs', () => {
  const id = (digit: string): string => digit.repeat(64);

  test('comes back from its text as it was', () => {
    const places = Places.atHead([
      { groupId: id('a'), head: { height: 7 } },
      { groupId: id('b'), head: { height: 0 } },
    ] as unknown as Group[]);
    places.set(id('a'), { height: 12, index: 3 });
    const again = Places.fromText(places.toText());
    expect(again.get(id('a'))).toEqual({ height: 12, index: 3 });
    expect(again.get(id('b'))).toEqual({ height: 1, index: 0 });
  });

  test('begins at the beginning of a group that it does not know', () => {
    expect(Places.fromText(Places.atStart().toText()).get(id('c'))).toEqual({ height: 0, index: 0 });
  });

  test.each(['', 'e1', 'x', 'e1.!!!', `e1.${Buffer.from('a:b:c').toString('base64url')}`])(
    'is not read from %j',
    (given) => {
      expect(() => Places.fromText(given)).toThrow(UsageError);
    },
  );
});

describe('an amount', () => {
  test.each([1, '1', '9223372036854775807'])('may be %j', (given) => {
    expect(amountOf(given, 'price')).toBe(BigInt(given));
  });

  test.each([0, '0', -1, 1.5, '1.5', '9223372036854775808', 2 ** 53, 'many', ''])(
    'may not be %j',
    (given) => {
      expect(() => amountOf(given, 'price')).toThrow(/^price must be/);
    },
  );
});

describe('a failure', () => {
  test('of the rules has the code of the refusal, and names tools', () => {
    const refusal = refuse('not_task_assignee', { task: 't', assignee: 'b'.repeat(64) });
    const failure = describeFailure(new RefusedError(refusal), call);
    expect(failure).toMatchObject({ kind: 'refused', code: 'not_task_assignee', details: { task: 't' } });
    expect(failure.next).toContain('next_task');
    expect(failure.message).toContain('ann');
  });

  test('speaks of operations where the command line would speak of verbs', () => {
    const missing = new NotFoundError('there is none; see lb list-tasks; see lb list-tasks --status open');
    expect(describeFailure(missing, call).message).toBe('there is none; see list_tasks');
  });

  test('that is a bug tells nothing of what is inside', () => {
    const failure = describeFailure(new TypeError('secret of the inside'), call);
    expect(failure).toMatchObject({ kind: 'bug', code: 'bug' });
    expect(JSON.stringify(failure)).not.toContain('secret');
  });
});
