/** Arguments as hosts send them: what can mean one thing is taken as that, what could mean two is refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OPERATIONS, operationNamed } from '../../../../interfaces/operations/registry.ts';
import { seeded } from '../../../support/seed.ts';

const DUE_MS = 1_790_000_000_000;

function taken(name: string, given: unknown): unknown {
  return operationNamed(name)!.take(given);
}

function problemsOf(name: string, given: unknown): string {
  return operationNamed(name)!.take(given).problems?.join('; ') ?? 'none';
}

describe('what can mean one thing only is taken as that', () => {
  test.each<[string, unknown, unknown]>([
    ['list_tasks', null, {}],
    ['list_tasks', undefined, {}],
    ['list_tasks', '{"limit":5}', { limit: 5 }],
    ['list_tasks', { group_id: null, status: null, tags: null, limit: null, cursor: null }, {}],
    ['list_tasks', { group_id: '', status: '', limit: '', assignee: '', cursor: '' }, {}],
    ['list_tasks', { limit: ' 20 ', status: 'OPEN' }, { limit: 20, status: 'open' }],
    ['list_tasks', { limit: '20.0', tags: '["a","b"]' }, { limit: 20, tags: ['a', 'b'] }],
    ['list_tasks', { limit: 'null', tags: 'null' }, {}],
    ['list_tasks', { tags: 'a, b,' }, { tags: ['a', 'b'] }],
    ['list_tasks', { tags: '[wip]' }, { tags: ['[wip]'] }],
    ['list_tasks', { tags: [2026, 'x'] }, { tags: ['2026', 'x'] }],
    ['list_tasks', { tags: 7 }, { tags: ['7'] }],
    ['list_events', { kinds: 'Claim.Published' }, { kinds: ['claim.published'] }],
    ['get_task', { task_id: 42 }, { task_id: '42' }],
    ['get_claim', { claim_id: ' 0A1B2C3D\n' }, { claim_id: '0A1B2C3D' }],
    [
      'publish_claim',
      { text: ' kept ', evidence: '[" 0a1b2c3d "]' },
      { text: ' kept ', evidence: ['0a1b2c3d'] },
    ],
    ['list_tasks', { group_id: ' g ', status: 'In Progress' }, { group_id: 'g', status: 'in_progress' }],
    ['list_tasks', { status: 'IN-PROGRESS' }, { status: 'in_progress' }],
    ['list_tasks', { status: 'null' }, {}],
    ['list_events', { kinds: ['TASK.CHANGED'] }, { kinds: ['task.changed'] }],
    ['create_task', { title: 'x', reward: 'null' }, { title: 'x' }],
    ['create_task', { title: 'x', reward: '+250.00' }, { title: 'x', reward: '250' }],
    ['get_task', { task_id: '42' }, { task_id: '42' }],
    ['create_task', { title: 'x', reward: ' 5 ' }, { title: 'x', reward: '5' }],
    ['create_task', { title: 'x', due_ms: String(DUE_MS) }, { title: 'x', due_ms: DUE_MS }],
    ['create_task', { title: 'x', due_ms: '2026-09-21T14:13:20Z' }, { title: 'x', due_ms: DUE_MS }],
    ['create_task', { title: 'x', due_ms: '2026-09-21T16:13:20+02:00' }, { title: 'x', due_ms: DUE_MS }],
    ['get_recent_claims', { since_ms: 0 }, { since_ms: 0 }],
    [
      'update_presence',
      { status: 'Busy', metadata: '{"task":"t"}' },
      { status: 'busy', metadata: { task: 't' } },
    ],
    ['buy_offer', { offer_id: 'x', again: 'True' }, { offer_id: 'x', again: true }],
    // Within an object whose keys are the caller's own, null is a value.
    ['update_policy', { changes: { max_total_supply: null } }, { changes: { max_total_supply: null } }],
    ['update_policy', { changes: '{"a":null}' }, { changes: { a: null } }],
  ])('%s %j', (name, given, input) => {
    expect(taken(name, given)).toEqual({ input });
  });
});

describe('what is no value, or could be two, is refused with the right form', () => {
  test.each<[string, unknown, RegExp]>([
    [
      'create_task',
      { title: 'x', due_ms: 1_790_000_000 },
      /^due_ms is 1790000000, which is in 1970: .*1790000000000/,
    ],
    ['create_task', { title: 'x', due_ms: '1790000000' }, /^due_ms is 1790000000, which is in 1970/],
    [
      'create_task',
      { title: 'x', due_ms: DUE_MS * 1_000 },
      /beyond the year 5000: .*milliseconds since 1970/,
    ],
    ['create_task', { title: 'x', due_ms: 0 }, /^due_ms is 0/],
    ['create_offer', { title: 'x', content: 'c', price: 1, expires_ms: 1_790_000_000 }, /^expires_ms is/],
    ['compile_context', { query: '', since_ms: 1_790_000_000 }, /^since_ms is/],
    // Whose ten o'clock?
    ['create_task', { title: 'x', due_ms: '2026-09-21T10:00:00' }, /^due_ms must be .*with its zone/],
    ['create_task', { title: 'x', due_ms: '2026-09-21' }, /^due_ms must be .*with its zone/],
    ['create_task', { title: 'x', due_ms: '2026-02-30T10:00:00Z' }, /^due_ms must be/],
    [
      'create_task',
      { title: 'x', lease_ms: '30s' },
      /^lease_ms must be milliseconds from 1000 to \d+; it is "30s"/,
    ],
    ['create_task', { title: null }, /^title is missing: it must be a text of 1 to 256 characters/],
    ['create_task', { title: ['x'] }, /^title must be a text .*; it is a list of 1/],
    ['create_task', { title: { a: 1 } }, /^title must be a text .*; it is an object/],
    ['get_task', { task_id: 2 ** 60 }, /^task_id must be a text in quotes/],
    ['get_task', { task_id: 1.5 }, /^task_id must be a text in quotes; it is 1.5/],
    ['list_tasks', { limit: 'many' }, /^limit must be a whole number from 1 to 200; it is "many"/],
    ['list_tasks', { limit: '1,000' }, /^limit must be a whole number from 1 to 200/],
    ['list_tasks', { limit: 2.5 }, /^limit must be a whole number/],
    [
      'list_tasks',
      { tags: ['a', null] },
      /^tags must be a list of up to 20 texts, such as \["a", "b"\]; number 2 is null/,
    ],
    ['list_tasks', { status: 'done' }, /^status must be one of open, pending, .*; it is "done"/],
    [
      'list_tasks',
      { taskStatus: 'open' },
      /^there is no parameter "taskStatus".*it takes group_id, query, status/,
    ],
    ['list_tasks', { groupId: 'x' }, /^there is no parameter "groupId" \(did you mean group_id\?\)/],
    ['buy_offer', { offer_id: 'x', again: 'yes' }, /^again must be true or false; it is "yes"/],
    ['update_presence', { status: 'busy', metadata: '[1]' }, /^metadata must be an object/],
    ['transfer', { to: 'x', amount: 1.5 }, /^amount must be a whole amount, such as 250/],
    ['node_info', { x: 1 }, /^there is no parameter "x"; it takes none/],
    ['list_tasks', [1], /^the parameters must be an object; they are a list of 1/],
    ['list_tasks', 'open', /^the parameters must be an object; they are "open"/],
  ])('%s %j', (name, given, expected) => {
    expect(problemsOf(name, given)).toMatch(expected);
  });

  test('whatever was sent, a line names little of it', () => {
    const problems = problemsOf('list_tasks', { limit: 'x'.repeat(1_000_000), ['y'.repeat(1_000_000)]: 1 });
    expect(problems.length).toBeLessThan(500);
  });
});

describe('every parameter of every operation', () => {
  const parameters = OPERATIONS.flatMap(({ name, input }) =>
    Object.entries(input.properties).map(([key, schema]) => [name, key, schema as Schema] as const),
  );

  interface Schema {
    readonly type?: string;
    readonly description?: string;
    readonly enum?: readonly string[];
  }

  test.each(parameters)('%s: %s says its unit, and what it is the id of', (_, key, { description = '' }) => {
    if (/_ms$/.test(key)) expect(description).toMatch(/(point in time|span).*milliseconds/);
    if (/_seconds$/.test(key)) expect(description).toMatch(/span in seconds/);
    if (/_id$|^claim$|^artifact$|^result$|^parent_hash$/.test(key)) expect(description).toMatch(/\bid\b/);
    if (/^(amount|price|reward)$/.test(key)) expect(description).toMatch(/whole tokens/);
    if (/^(amount|price|reward)$/.test(key)) expect(description).toMatch(/you|made anew|treasury/);
    if (/^(member|assignee|to)$/.test(key)) expect(description).toMatch(/member: identity/);
  });

  test('may be null where it is optional', () => {
    for (const { name, take, input } of OPERATIONS) {
      const required = (input as { required?: readonly string[] }).required ?? [];
      const nothing = Object.fromEntries(Object.keys(input.properties).map((key) => [key, null]));
      const { problems = [] } = take(nothing);
      expect(
        problems.map((line) => line.split(' ')[0]),
        name,
      ).toEqual(required.slice(0, 5));
    }
  });
});

test('whatever a host sends, it is an input or there are problems, and never an exception', () => {
  fc.assert(
    fc.property(fc.constantFrom(...OPERATIONS), fc.jsonValue(), (operation, value) => {
      const { input, problems } = operation.take(value);
      expect((input === undefined) !== (problems === undefined)).toBe(true);
      if (input !== undefined) expect(operation.take(input)).toEqual({ input });
    }),
    seeded('whatever hosts send', 2_000),
  );
});
