/** Operations as JSON: what `show` prints is what `submit` takes, and what is misspelt is named. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toWire } from '../../../interfaces/cli/json.ts';
import { operationsFromJson } from '../../../interfaces/cli/operation-json.ts';
import { operation } from '../../support/arbitraries.ts';
import { seeded } from '../../support/seed.ts';

describe('operations from JSON', () => {
  test('any operation comes back as it was', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 4 }), (operations) => {
        expect(operationsFromJson(JSON.stringify(toWire(operations)))).toEqual(operations);
      }),
      seeded('operations as JSON', 300),
    );
  });

  test('one operation alone is a list of one, and amounts may be numbers', () => {
    const to = 'ab'.repeat(32);
    expect(operationsFromJson(JSON.stringify({ type: 'mint', to, amount: 5 }))).toEqual([
      { type: 'mint', to, amount: 5n },
    ]);
  });

  test.each([
    ['no JSON', '{', 'not JSON'],
    ['no object', '[1]', 'operation 1: expected an object'],
    ['no operation', '[{"type":"mine"}]', 'there is no operation "mine"'],
    ['a name from the prototype', '[{"type":"toString"}]', 'there is no operation'],
    ['a field that is none', '[{"type":"mint","too":"x"}]', 'there is no field "too"; it has to, amount'],
    ['a field that is missing', '[{"type":"mint","amount":"1"}]', 'to: expected a value'],
    ['an amount with a fraction', '[{"type":"mint","to":"x","amount":1.5}]', 'amount: expected an amount'],
    ['a list that is none', '[{"type":"claim","artifact":"x","tags":"a"}]', 'tags: expected a list'],
    ['bytes that are none', '[{"type":"purchase_dispute","purchase":"x","one_time_secret":"xyz"}]', 'hex'],
  ])('%s is said', (_, text, says) => {
    expect(() => operationsFromJson(text)).toThrow(says);
  });
});
