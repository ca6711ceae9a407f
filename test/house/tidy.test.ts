/** House rules that no other tool keeps. */
import { describe, expect, it } from 'vitest';
import { type SourceFile, sources, withoutComments } from './sources.ts';

const LINES_MAX = 400;
// Written in two parts, so that this file does not break its own rules.
const LATER_WORD = new RegExp(`\\b(${'TO'}DO|${'FIX'}ME|${'X'}XX)\\b(?!\\(#\\d+\\))`);
const MACHINE_PATH = new RegExp(
  `(?<![\\w.])/(${['wo', 'ro', 'ho'].map((a, at) => a + ['rk', 'ot', 'me'][at]).join('|')})/`,
);
const ANY_TYPE = /(:|\bas|<|\||,)\s*any\b(?!\s*\w)|\bany\[\]/;

const code = sources('**/*.ts');
const texts = sources('**/*.{ts,js,mjs,json,md,html,css,sh,yml,yaml}').filter(
  ({ path }) => path !== 'package-lock.json',
);

const linesThat = (files: readonly SourceFile[], breaks: RegExp, read = (text: string) => text): string[] =>
  files.flatMap(({ path, text }) =>
    read(text)
      .split('\n')
      .flatMap((line, at) => (breaks.test(line) ? [`${path}:${at + 1}: ${line.trim().slice(0, 100)}`] : [])),
  );

describe('the house is tidy', () => {
  it(`no source file is longer than ${LINES_MAX} lines`, () => {
    const long = code.filter(({ text }) => text.split('\n').length - 1 > LINES_MAX).map(({ path }) => path);
    expect(long).toEqual([]);
  });

  it('nothing is left for later without an issue', () => {
    expect(linesThat(code, LATER_WORD)).toEqual([]);
  });

  it('no type is given up', () => {
    expect(linesThat(code, ANY_TYPE, withoutComments)).toEqual([]);
  });

  it('no file knows the machine it was written on', () => {
    expect(linesThat(texts, MACHINE_PATH)).toEqual([]);
  });

  it('every test can fail: none is skipped or alone', () => {
    const tests = code.filter(({ path }) => path.endsWith('.test.ts'));
    expect(tests.length).toBeGreaterThan(20);
    expect(linesThat(tests, /\b(it|test|describe)\.(only|todo)\b/)).toEqual([]);
  });

  it('and would not be, without this test', () => {
    const bad = (text: string) => [{ path: 'a.ts', text }];
    expect(linesThat(bad(`// ${'TO'}DO: later`), LATER_WORD)).toHaveLength(1);
    expect(linesThat(bad(`// ${'TO'}DO(#12): later`), LATER_WORD)).toEqual([]);
    const type = `a${'ny'}`;
    for (const text of [`let x: ${type};`, `f<${type}>()`, `x as ${type}`, `a: ${type}[]`])
      expect(linesThat(bad(text), ANY_TYPE), text).toHaveLength(1);
    expect(linesThat(bad(`'as ${type} other'`), ANY_TYPE)).toEqual([]);
    expect(linesThat(bad(`cd /${'wo'}rk/main`), MACHINE_PATH)).toHaveLength(1);
    expect(linesThat(bad('https://example.org/home/page ../work/x'), MACHINE_PATH)).toEqual([]);
  });
});
