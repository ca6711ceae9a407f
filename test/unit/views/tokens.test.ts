/** Text to terms: any script, and nothing that is syntax. */
import { describe, expect, test } from 'vitest';
import { queryTermsOf, termsOf } from '../../../views/tokens.ts';

describe('terms', () => {
  test.each([
    ['case and accents do not count', 'Crème BRÛLÉE', ['creme', 'brule']],
    ['English endings are taken off', 'validating validated', ['valid', 'valid']],
    ['Cyrillic', 'Ёлка, Проверка!', ['елка', 'проверка']],
    ['Arabic without its vowel marks', 'مُحَمَّد', ['محمد']],
    ['Greek', 'Ὀδύσσεια', ['οδυσσεια']],
    ['Han as characters and pairs', '验证输', ['验', '证', '验证', '输', '证输']],
    ['Hangul stays in syllables', '검증', ['검', '증', '검증']],
    ['scripts side by side', 'Node验证v2', ['node', '验', '证', '验证', 'v2']],
    ['emoji, without tone and joiners', '👍🏽 👩‍🚀', ['👍', '👩', '🚀']],
    ['flags', '🇨🇭🇫🇷', ['🇨🇭', '🇫🇷']],
    ['full-width forms', 'ＡＢＣ１２３', ['abc123']],
    ['Devanagari keeps its vowels', 'हिन्दी', ['हिन्दी']],
    ['punctuation alone', '"(* ^: -', []],
  ])('%s', (_, text, terms) => {
    expect(termsOf(text)).toEqual(terms);
  });

  test('a query asks for pairs of unspaced script, and for a single character where there is only one', () => {
    expect(queryTermsOf('验证输')).toEqual(['验证', '证输']);
    expect(queryTermsOf('验')).toEqual(['验']);
  });

  test('an endless word is cut at a character', () => {
    const [term] = termsOf('𝒳'.repeat(100_000).normalize('NFC'));
    expect(term!.isWellFormed()).toBe(true);
    expect(Array.from(term!)).toHaveLength(64);
  });
});
