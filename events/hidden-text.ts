/**
 * Characters that nobody sees: what moves the cursor, reorders a line, or stands in a text without showing. Text that a
 * person reads and an agent obeys must not differ, so whoever shows text shows these or leaves them out.
 *
 * Some have honest work: a joiner in scripts that need it and between emoji, and a selector behind the emoji that it
 * belongs to. They stay there, one at a time; anywhere else, and in a row, they are a message to somebody else.
 */

/** Letters of scripts in which joiners change nothing, so that nobody misses them there. */
const PLAIN_SCRIPTS =
  '\\p{sc=Latin}\\p{sc=Greek}\\p{sc=Cyrillic}\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Hangul}';
/** What may stand before and behind a joiner. */
const JOINED = `[[\\p{L}\\p{M}\\p{Emoji}]--[${PLAIN_SCRIPTS}\\p{DI}0-9#*]]`;
const HONEST = [
  `(?<=${JOINED}\\ufe0f?)[\\u200c\\u200d](?=${JOINED})`,
  '(?<=[\\p{Emoji}--[0-9#*]])[\\ufe0e\\ufe0f](?![\\ufe00-\\ufe0f])',
  // Digits are emoji where a key cap is drawn around them, and nowhere else.
  '(?<=[0-9#*])\\ufe0f(?=\\u20e3)',
].join('|');
const HIDDEN = new RegExp(`(${HONEST})|[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{DI}\\u2800]`, 'gv');

/** Whether anything is hidden that a cheap look cannot rule out: printable ASCII hides nothing. */
const PRINTABLE_ASCII = /^[ -~]*$/;

/** The text with each hidden character replaced by what `show` gives for it. */
export function replaceHidden(text: string, show: (character: string) => string): string {
  if (PRINTABLE_ASCII.test(text)) return text;
  return text.replace(HIDDEN, (one, honest: string | undefined) => honest ?? show(one));
}
