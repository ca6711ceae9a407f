/**
 * Text to search terms, in any script, by rules of its own: a dictionary or ICU's word breaker would give other terms
 * with another version of Node, and the same log must give the same answer on every node.
 *
 * - Case and accents do not count: compatibility forms are opened (NFKD), Latin, Greek, Cyrillic, Arabic and Hebrew
 *   marks are dropped, the rest is composed again.
 * - Scripts that write words apart give words; English endings are taken off (Porter), which touches only words of
 *   the letters a to z.
 * - Scripts that do not (Han, kana, Thai …), and Hangul, whose words carry their particles, give single characters
 *   and pairs of neighbours.
 * - An emoji is a term; its skin tone and joiners are not.
 */
import { stemmer } from 'stemmer';

/** A longer term is cut: nobody searches for the end of a 64 KiB word. */
const TERM_CHARACTERS_MAX = 64;

const DROPPED_MARKS = /[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]/g;
const RUN = /[\p{L}\p{N}\p{M}]+|[\u{1f1e6}-\u{1f1ff}]{2}|\p{Extended_Pictographic}/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}ー]+/gu;
const HAS_UNSPACED = new RegExp(UNSPACED.source, 'u');
const ENGLISH = /^[a-z]{3,}$/;

/** The same letters in one form: composed, lower case, without accents. */
export function fold(text: string): string {
  const opened = text.normalize('NFKD').replace(DROPPED_MARKS, '');
  return opened.normalize('NFC').toLowerCase();
}

/** The terms of a text in their order, with repetitions. */
export function termsOf(text: string): string[] {
  const terms: string[] = [];
  for (const [run] of fold(text).matchAll(RUN)) {
    if (HAS_UNSPACED.test(run)) addMixed(run, terms);
    else terms.push(wordTerm(run));
  }
  return terms;
}

/** Terms to look for: of a run of unspaced script its pairs only, which tell more than its characters. */
export function queryTermsOf(text: string): string[] {
  const terms: string[] = [];
  for (const [run] of fold(text).matchAll(RUN)) {
    if (HAS_UNSPACED.test(run)) addMixed(run, terms, true);
    else terms.push(wordTerm(run));
  }
  return terms;
}

function wordTerm(word: string): string {
  const term = word.length > TERM_CHARACTERS_MAX ? cut(word) : word;
  return ENGLISH.test(term) ? stemmer(term) : term;
}

function cut(word: string): string {
  return Array.from(word.slice(0, 2 * TERM_CHARACTERS_MAX))
    .slice(0, TERM_CHARACTERS_MAX)
    .join('');
}

/** A run that has unspaced script in it, maybe with words of other scripts around it. */
function addMixed(run: string, terms: string[], pairsOnly = false): void {
  let at = 0;
  for (const { 0: part, index } of run.matchAll(UNSPACED)) {
    if (index > at) terms.push(wordTerm(run.slice(at, index)));
    addPairs(Array.from(part), terms, pairsOnly);
    at = index + part.length;
  }
  if (at < run.length) terms.push(wordTerm(run.slice(at)));
}

function addPairs(characters: readonly string[], terms: string[], pairsOnly: boolean): void {
  for (const [at, character] of characters.entries()) {
    if (!pairsOnly || characters.length === 1) terms.push(character);
    if (at > 0) terms.push(characters[at - 1]! + character);
  }
}
