/** One form of a name: what is one name, what is not, and which is meant where names look alike. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSameName, namedSo, normalForm } from '../../../events/normal-form.ts';
import { seeded } from '../../support/seed.ts';

describe('the normal form of a name', () => {
  test.each([
    ['case', 'Deploy', 'dEPLOY'],
    ['composed and decomposed', 'caf\u00e9', 'cafe\u0301'],
    ['full width', 'ＴＡＳＫ－１', 'task-1'],
    ['ligatures', 'ﬁx', 'FIX'],
    ['sharp s', 'STRASSE', 'straße'],
    ['sigma', 'ΟΔΟΣ', 'οδος'],
    ['capital sharp s', 'GROẞ', 'groß'],
    ['what nobody sees', 'team\u200b', 'team'],
    ['kinds of space', ' my\u00a0team ', 'my team'],
    ['Cyrillic', 'ПЛАН', 'план'],
  ])('is one whatever the %s', (_, one, other) => {
    expect(isSameName(one, other)).toBe(true);
  });

  test.each([
    ['marks', 'café', 'cafe'],
    ['letters of other scripts', 'team', 'tеam'],
    ['letters that look alike', 'l', '1'],
    ['a Turkish letter without a dot', 'ırmak', 'irmak'],
    ['space within', 'a b', 'ab'],
  ])('keeps apart: %s', (_, one, other) => {
    expect(isSameName(one, other)).toBe(false);
  });

  test('of a normal form is itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const form = normalForm(text);
        expect(normalForm(form)).toBe(form);
      }),
      seeded('normal form', 3_000),
    );
  });
});

describe('of names that are one', () => {
  const named = (given: string, ...all: string[]): string[] => namedSo(given, all, (one) => one);

  test('the only one is meant', () => {
    expect(named('team', 'Team', 'other')).toEqual(['Team']);
  });

  test('case tells two apart', () => {
    expect(named('team', 'Team', 'team')).toEqual(['team']);
    expect(named('TEAM', 'Team', 'team')).toEqual(['Team', 'team']);
  });

  test('what looks the same is told apart by nobody', () => {
    expect(named('caf\u00e9', 'caf\u00e9', 'cafe\u0301')).toHaveLength(2);
    expect(named('team', 'team', 'team\u200b')).toHaveLength(2);
  });
});
