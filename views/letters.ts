/**
 * The same letters in one form, as far as people type them for each other: `Ångström` is found by `angstrom`, `ß` by
 * `ss`, `đ` by `d`, and the other way round. It follows what search engines do: the tables of Lucene's ASCIIFolding,
 * ArabicNormalization, PersianNormalization and IndicNormalization, and DecimalDigit for digits of other scripts.
 *
 * Compatibility forms are opened (NFKD), marks of Latin, Greek, Cyrillic, Arabic and Hebrew are dropped, letters that
 * do not decompose are put into their plain ones, and the rest is composed again. No locale and no table of ICU that
 * differs from version to version is asked, so it is the same on every node.
 *
 * German and the Nordic languages also write `ae`, `oe`, `ue` and `aa` where a mark is missing. One form cannot serve
 * both spellings without joining `poet` and `pot`; so a letter of that kind is remembered (`MARK`), and `loosely`
 * gives the form that both spellings share, to be asked about where one of them had its mark.
 */

/** Stands behind a letter whose mark is also spelled with a letter, such as the `o` of `ö` and `oe`. */
export const MARK = '\u034f';
/** The same behind the `a` of `å`, which is spelled `aa`. */
const RING = MARK + MARK;

/** Characters that nobody sees and that stand inside words: not what parts them. */
const INVISIBLE =
  /[\u00ad\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff]|\u200d|\u034f|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]/gu;
/** Accents; vowel signs of Hebrew, not its hyphen and stops; vowel signs of Arabic and its tatweel; Indic nuktas. */
const MARKS =
  '\\u0300-\\u034e\\u0350-\\u036f\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20f0\\ufe20-\\ufe2f\\u0483-\\u0487' +
  '\\u0591-\\u05bd\\u05bf\\u05c1\\u05c2\\u05c4\\u05c5\\u05c7\\u0610-\\u061a\\u0640\\u064b-\\u065f\\u0670' +
  '\\u06d6-\\u06dc\\u06df-\\u06e4\\u06e7\\u06e8\\u06ea-\\u06ed\\u08d3-\\u08ff' +
  '\\u093c\\u09bc\\u0a3c\\u0abc\\u0b3c\\u0c3c\\u0cbc';
const MARKED = new RegExp(`([AOUaou]?)([${MARKS}]+)`, 'g');

/** Letters that do not decompose, with their plain ones. Capitals keep theirs, since case parts identifiers. */
const PLAIN: Readonly<Record<string, string>> = {
  ...pairs(
    'øØđĐłŁħĦŧŦŋŊıĸðÐɓƁɖƉɗƊƒƑɠƓǥǤɨƗƙƘƚȽɫⱢɲƝƞȠɵƟƥƤɍɌʂꟅƭƬʈƮʉɄʋƲⱳⱲƴƳɏɎƶƵȥȤəƏǝƎɛƐɔƆɑⱭ',
    'oOdDlLhHtTnNiqdDbBdDdDfFgGgGiIkKlLlLnNnNoOpPrRsStTtTuUvVwWyYyYzZzZaAeEeEoOaA',
  ),
  ...{ ß: 'ss', ẞ: 'SS', æ: 'ae', Æ: 'AE', œ: 'oe', Œ: 'OE', þ: 'th', Þ: 'TH' },
  // Final sigma; Ukrainian ge.
  ...pairs('ςґҐ', 'σгГ'),
  // Final letters of Hebrew.
  ...pairs('ךםןףץ', 'כמנפצ'),
  // Alef, ya and kaf in the forms of other keyboards; ta marbuta.
  ...pairs('ٱىیےکةەۀہھ', 'ايييكههههه'),
  // Candrabindu of Devanagari, which many write as the anusvara.
  ...pairs('ँ', 'ं'),
};
const TO_PLAIN = new RegExp(`[${Object.keys(PLAIN).join('')}]`, 'gu');
/** Whose mark is also spelled with a letter; the others are those with two dots, and `å`. */
const ALSO_SPELLED = new Set('øØæÆœŒ');

/** The digits of each script stand in a row, from its zero on. */
const ZEROS = [
  0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20,
  0x1040, 0x17e0, 0x1810,
];
const DIGIT = new RegExp(`[${ZEROS.map((zero) => `${unicode(zero)}-${unicode(zero + 9)}`).join('')}]`, 'g');

const IS_ASCII = /^[\0-\x7f]*$/;

/** The letters of a text in their plain form, as they were cased, with `MARK` behind those that are also spelled. */
export function plainLetters(text: string): string {
  if (IS_ASCII.test(text)) return text;
  return text
    .replace(INVISIBLE, '')
    .normalize('NFKD')
    .replace(INVISIBLE, '')
    .replace(/([lL])\u00b7(?=[lL])/g, '$1')
    .replace(MARKED, (_, letter: string, marks: string) => letter + markOf(letter, marks))
    .replace(TO_PLAIN, (letter) => PLAIN[letter]! + (ALSO_SPELLED.has(letter) ? MARK : ''))
    .replace(DIGIT, (digit) => String(digitOf(digit.codePointAt(0)!)))
    .normalize('NFC');
}

function markOf(letter: string, marks: string): string {
  if (letter === '') return '';
  if (marks.includes('\u0308')) return MARK;
  return marks.includes('\u030a') && /a/i.test(letter) ? RING : '';
}

/** A plain word in lower case with its marks spelled out, such as `muenchen`; nothing where it has none. */
export function spelledOut(word: string): string | undefined {
  if (!word.includes(MARK)) return undefined;
  return word
    .replaceAll(`a${RING}`, 'aa')
    .replace(new RegExp(`([aou])${MARK}`, 'g'), '$1e')
    .replaceAll(MARK, '');
}

function digitOf(codePoint: number): number {
  return codePoint - ZEROS.findLast((zero) => zero <= codePoint)!;
}

/** Lower case, the same in every language; a sigma is one letter wherever it stands. */
export function lowerCase(plain: string): string {
  return plain.toLowerCase().replaceAll('ς', 'σ').replaceAll('i\u0307', 'i');
}

/** The same letters in one form: plain, composed, lower case. Folding what is folded changes nothing. */
export function fold(text: string): string {
  return lowerCase(plainLetters(text).replaceAll(MARK, ''));
}

/**
 * A folded word in the form that `ä`, `ae` and `a` share: what GermanNormalization and ScandinavianFolding of Lucene
 * make of it. A `ue` after a vowel or a `q` is no `ü`.
 */
export function loosely(word: string): string {
  return word
    .replaceAll('aa', 'a')
    .replaceAll('ae', 'a')
    .replaceAll('oe', 'o')
    .replace(/(?<![aeiouq])ue/g, 'u');
}

function pairs(from: string, to: string): Record<string, string> {
  const plain = Array.from(to);
  return Object.fromEntries(Array.from(from, (letter, at) => [letter, plain[at]!]));
}

function unicode(codePoint: number): string {
  return `\\u${codePoint.toString(16).padStart(4, '0')}`;
}
