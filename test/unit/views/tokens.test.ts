/** Text to terms: any script, and nothing that is syntax. */
import { describe, expect, test } from 'vitest';
import { queryTermsOf, termsOf } from '../../../views/tokens.ts';

describe('terms', () => {
  test.each([
    ['case and accents do not count', 'Crème BRÛLÉE', ['creme', 'brulee']],
    ['words stay as they are written', 'validating validated', ['validating', 'validated']],
    ['Cyrillic', 'Ёлка, Проверка!', ['елка', 'проверка']],
    ['Arabic without its vowel marks', 'مُحَمَّد', ['محمد']],
    ['Greek', 'Ὀδύσσεια', ['οδυσσεια']],
    ['Han as characters and pairs', '验证输', ['验', '证', '验证', '输', '证输']],
    ['Hangul stays in syllables', '검증', ['검', '증', '검증']],
    ['scripts side by side', 'Node验证v2', ['node', '验', '证', '验证', 'v2', 'v', '2']],
    ['emoji, without tone and joiners', '👍🏽 👩‍🚀', ['👍', '👩', '🚀']],
    ['flags', '🇨🇭🇫🇷', ['🇨🇭', '🇫🇷']],
    ['full-width forms', 'ＡＢＣ１２３', ['abc123', 'abc', '123']],
    ['Devanagari keeps its vowels', 'हिन्दी', ['हिन्दी']],
    ['punctuation alone', '"(* ^: -', []],
  ])('%s', (_, text, terms) => {
    expect(termsOf(text)).toEqual(terms);
  });

  test.each([
    ['camel case', 'parseConfigFile', ['parseconfigfile', 'parse', 'config', 'file']],
    ['an abbreviation in front', 'XMLHttpRequest', ['xmlhttprequest', 'xml', 'http', 'request']],
    ['an abbreviation behind', 'fetchURL', ['fetchurl', 'fetch', 'url']],
    ['a plural of an abbreviation', 'PDFs', ['pdfs']],
    ['snake case', 'ERR_TLS_CERT', ['err', 'tls', 'cert', 'errtlscert']],
    ['kebab case', 'kebab-case-names', ['kebab', 'case', 'names', 'kebabcasenames']],
    ['dots', 'node.config.json', ['node', 'config', 'json', 'nodeconfigjson']],
    ['a path', 'src/views/tokens.ts', ['src', 'views', 'tokens', 'ts', 'srcviewstokensts']],
    ['digits', 'utf8Decoder', ['utf8decoder', 'utf8', 'utf', '8', 'decoder']],
    ['digits behind', 'sha256', ['sha256', 'sha', '256']],
    ['a digit between', 'x86_64', ['x86', 'x', '86', '64', 'x8664']],
    ['other scripts have case too', 'читатьФайл', ['читатьфаил', 'читать', 'фаил']],
    ['a number with a dot is no other number', '1.12', ['1', '12', '1·12']],
    ['a hash is not cut to pieces', '3f9c2a11b7', ['3f9c2a11b7']],
    ['an apostrophe', "don't", ['don', 't', 'dont']],
    ['the end of a sentence is no name', 'It ends. Then', ['it', 'ends', 'then']],
    ['a list is no name', 'a,b', ['a', 'b']],
  ])('an identifier gives its parts and itself: %s', (_, text, terms) => {
    expect(termsOf(text)).toEqual(terms);
    expect(queryTermsOf(text)).toEqual(terms);
  });

  test('however an identifier is written, it is one name', () => {
    const names = [
      'parseConfigFile',
      'ParseConfigFile',
      'parse_config_file',
      'parse-config-file',
      'PARSE_CONFIG_FILE',
    ];
    for (const name of names) expect(termsOf(name)).toContain('parseconfigfile');
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
