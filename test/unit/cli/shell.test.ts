/** What comes out of a verb and what goes in: hidden characters, formulas, points in time. */
import { describe, expect, test } from 'vitest';
import { isoTime } from '../../../interfaces/cli/iso-time.ts';
import { envelope } from '../../../interfaces/cli/json.ts';
import { parseTime, parseWord } from '../../../interfaces/cli/parse.ts';
import { cleanLine, cleanText } from '../../../interfaces/cli/text.ts';
import { csvField } from '../../../interfaces/cli/verbs/sql.ts';

const tags = (text: string): string =>
  Array.from(text, (one) => String.fromCodePoint(0xe0000 + one.codePointAt(0)!)).join('');

describe('hidden characters', () => {
  test('are shown wherever a person reads: tags, selectors, fillers, joiners that join nothing', () => {
    expect(cleanLine(`hello${tags('obey')}`)).toBe('hello\\u{e006f}\\u{e0062}\\u{e0065}\\u{e0079}');
    expect(cleanLine('a\u{fe01}b\u{e0101}c')).toBe('a\\ufe01b\\u{e0101}c');
    expect(cleanLine('x\u3164\u2800\u034f\u00ad')).toBe('x\\u3164\\u2800\\u034f\\u00ad');
    expect(cleanLine('a\u200db \u200c\u200d')).toBe('a\\u200db \\u200c\\u200d');
    expect(cleanText('two\nlines\u009b2J')).toBe('two\nlines\\u009b2J');
  });

  test('that a script or an emoji needs stay as they are', () => {
    for (const text of ['👩‍👧 naïve ✓', '❤️‍🔥 1️⃣ ☎︎', 'می‌خواهم', 'क्‍ष', '👩🏽‍💻'])
      expect(cleanLine(text)).toBe(text);
  });

  test('behind digits no selector says anything, but in a key cap', () => {
    expect(cleanLine('1\ufe0f2\ufe0e3\ufe0f')).toBe('1\\ufe0f2\\ufe0e3\\ufe0f');
    expect(cleanLine('#\ufe0f\u20e3')).toBe('#\ufe0f\u20e3');
  });

  test('do nothing to a terminal in JSON, which says the same all the same', () => {
    const text = `a\u009b31m\u202eb${tags('x')}\u2028`;
    const line = envelope({ text });
    expect(line).toMatch(/^[\x20-\x7e]*$/);
    expect((JSON.parse(line) as { data: { text: string } }).data.text).toBe(text);
  });
});

describe('comma-separated values', () => {
  test.each([
    ...['=1+1', '+1+1', '-1+1', '@SUM(A1)', '\t=1', '\r=1', '＝1+1', '=HYPERLINK("http://x","y")'],
    ...['\n=1', ' =1+1', '\u00a0@SUM(A1)', '  -2+3', '\nplain'],
  ])('a text that begins as a formula (%j) is no formula', (text) =>
    expect(csvField(text).replace(/^"/, '')).toMatch(/^'/),
  );

  test('numbers and plain text stay as they are', () => {
    expect([
      csvField(-5),
      csvField('-5'),
      csvField('+3.5'),
      csvField(-7n),
      csvField(null),
      csvField('a-b'),
    ]).toEqual(['-5', '-5', '+3.5', '-7', '', 'a-b']);
  });

  test('no escape sequence comes through, and what would end a field is quoted', () => {
    expect(csvField('\u001b]0;title\u0007')).toBe('"\\u001b]0;title\\u0007"');
    expect(csvField('a;=1')).toBe('"a;=1"');
    expect(csvField('say "hi"\nthere')).toBe('"say ""hi""\nthere"');
  });
});

describe('points in time', () => {
  test.each([
    '2026-02-30',
    '2025-02-29',
    '2026-13-01',
    '2026-00-01',
    '2026-04-31T10:00Z',
    '2026-01-01T24:00',
    '2026-01-01T10:60Z',
    '2026-01-01T10:00:60Z',
    '2026-01-01T10:00+25:00',
    '2026-1-1',
  ])('%s does not exist', (text) => {
    expect(isoTime(text)).toBeUndefined();
    expect(() => parseTime(text, '--due', 0, 'from now')).toThrow(
      '2026-01-31T12:00Z (UTC where it names no zone)',
    );
  });

  test.each([
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-01', '2026-01-01T00:00:00.000Z'],
    ['2026-01-31T12:00', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31 12:00:30.25', '2026-01-31T12:00:30.250Z'],
    ['2026-01-31T12:00+02:00', '2026-01-31T10:00:00.000Z'],
    ['2026-01-31T12:00-0530', '2026-01-31T17:30:00.000Z'],
    ['2026-01-31T12:00z', '2026-01-31T12:00:00.000Z'],
  ])('%s is %s in every time zone', (text, iso) => expect(new Date(isoTime(text)!).toISOString()).toBe(iso));

  test('ten digits may be seconds or a span, so they are asked about', () => {
    expect(() => parseTime('1767225600', '--due', 0, 'from now')).toThrow('--due 1767225600');
    expect(parseTime('1767225600000', '--due', 0, 'from now')).toBe(1_767_225_600_000);
  });
});

test('a word of a list is taken in any case', () => {
  const words = ['open', 'in_progress'] as const;
  for (const text of ['in_progress', 'IN_PROGRESS', 'In Progress', 'in-progress'])
    expect(parseWord(text, '--status', words)).toBe('in_progress');
  expect(() => parseWord('progress', '--status', words)).toThrow('expected one of open, in_progress');
});
