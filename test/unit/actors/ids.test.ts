/** Short ids, and what is said of those that are none. */
import { expect, test } from 'vitest';
import { AmbiguousIdError, NotFoundError, UsageError } from '../../../actors/errors.ts';
import { resolveId } from '../../../actors/ids.ts';

const A = `${'a'.repeat(8)}${'0'.repeat(56)}`;
const B = `${'a'.repeat(9)}${'0'.repeat(55)}`;

test('an id or a prefix of it, in either case, stands for the one candidate that it begins', () => {
  expect(resolveId('claim', A, [A, B])).toBe(A);
  expect(resolveId('claim', 'AAAAAAAA0', [A, B])).toBe(A);
  expect(() => resolveId('claim', 'aaaaaaaa', [A, B])).toThrow(AmbiguousIdError);
  expect(() => resolveId('claim', 'bbbbbbbb', [A, B])).toThrow(NotFoundError);
});

test('what is no id is refused in words that read well before every noun', () => {
  const said = (what: string): string => {
    try {
      return resolveId(what, 'xyz', [A]);
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      return (error as Error).message;
    }
  };
  expect(said('offer')).toBe('"xyz" is not the id of an offer: expected 8 to 64 hex digits');
  expect(said('claim')).toBe('"xyz" is not the id of a claim: expected 8 to 64 hex digits');
});
