/** Letters that people type for one another, in the scripts of the world. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold, loosely } from '../../../views/letters.ts';
import { queryTermsOf, termsOf } from '../../../views/tokens.ts';
import { seeded } from '../../support/seed.ts';

describe('folding', () => {
  test.each([
    ['accents', 'Crème BRÛLÉE señor façade', 'creme brulee senor facade'],
    ['Scandinavian', 'Ærø Ålesund Øre œuvre', 'aero alesund ore oeuvre'],
    ['German', 'Größe GROẞ Straße', 'grosse gross strasse'],
    ['Icelandic', 'Þór ðag', 'thor dag'],
    ['Polish, Croatian, Maltese, Sami', 'Łódź đak Ħal ŋ', 'lodz dak hal n'],
    ['Turkish', 'İstanbul ıslak Ilıca ğüşöç', 'istanbul islak ilica gusoc'],
    ['Vietnamese', 'Đặng Nguyễn phở ưu', 'dang nguyen pho uu'],
    ['Romanian with comma and cedilla', 'ș ş ț ţ', 's s t t'],
    ['Catalan', 'col·lecció intel·ligent', 'colleccio intelligent'],
    ['Azerbaijani', 'Əli', 'ali'],
    ['Greek tonos and final sigma', 'Ὀδυσσεύς ΟΔΥΣΣΕΥΣ ΐ', 'οδυσσευσ οδυσσευσ ι'],
    ['Cyrillic', 'Ёлка Йод їжак ґанок', 'елка иод іжак ганок'],
    ['Arabic alef, ya, ta marbuta, hamza', 'أإآٱ مصطفى مدرسة مؤمن شئ', 'اااا مصطفي مدرسه مومن شي'],
    ['Arabic tatweel and vowel marks', 'مـــحـمد مُحَمَّد', 'محمد محمد'],
    ['Persian kaf and ya', 'کتاب فارسی', 'كتاب فارسي'],
    ['digits of other scripts', '٢٠٢٦ ۲۰۲۶ २०२६ ๒๐๒๖', '2026 2026 2026 2026'],
    ['Hebrew final letters and niqqud', 'שָׁלוֹם ארץ', 'שלומ ארצ'],
    ['full width', 'ＡＢＣ１２３ ﾊﾞｸﾞ', 'abc123 バグ'],
    ['Devanagari nukta and candrabindu', 'क़लम हाँ', 'कलम हां'],
    ['Bengali nukta', 'বাড়ি', 'বাডি'],
    ['ligatures and letters of mathematics', 'ﬁle 𝒳 x²', 'file x x2'],
    ['what nobody sees', 'pass\u00adword ze\u200dro a\ufe0fb', 'password zero ab'],
  ])('%s', (_, text, folded) => {
    expect(fold(text)).toBe(folded);
  });

  test('keeps what makes another word', () => {
    expect(fold('हिन्दी')).toBe('हिन्दी');
    expect(fold('が')).not.toBe(fold('か'));
    expect(fold('한국')).toBe('한국');
  });

  test('a hyphen of Hebrew parts two words', () => {
    expect(termsOf('בית־ספר')).toEqual(['בית', 'ספר', 'ביתספר']);
  });

  const unicode = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));

  test('of what is folded changes nothing', () => {
    fc.assert(
      fc.property(unicode, (text) => {
        const once = fold(text);
        expect(fold(once)).toBe(once);
        expect(loosely(loosely(once)).length).toBeLessThanOrEqual(loosely(once).length);
      }),
      seeded('folding', 2_000),
    );
  });

  test('of each letter there is changes nothing the second time', () => {
    const odd: string[] = [];
    for (let point = 0; point < 0x2_0000; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const letter = String.fromCodePoint(point);
      if (fold(fold(letter)) !== fold(letter)) odd.push(point.toString(16));
    }
    expect(odd).toEqual([]);
  });

  test('what a query is cut into, a text that has it is cut into as well', () => {
    fc.assert(
      fc.property(unicode, unicode, unicode, (before, query, after) => {
        const terms = new Set(termsOf(`${before}\n${query}\n${after}`));
        expect(queryTermsOf(query).filter((term) => !terms.has(term))).toEqual([]);
      }),
      seeded('query and index', 2_000),
    );
  });
});
