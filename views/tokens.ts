/**
 * Text to search terms, in any script, by rules of its own: a dictionary or ICU's word breaker would give other terms
 * with another version of Node, and the same log must give the same answer on every node.
 *
 * - Case and accents do not count, nor which letters somebody's keyboard has: see `letters.ts`.
 * - Scripts that write words apart give words, as they are written. What else a word is found by (its endings, the
 *   words that it is made of) is the affair of the vocabulary, when something is asked.
 * - Scripts that do not (Han, kana, Thai …), and Hangul, whose words carry their particles, give single characters
 *   and pairs of neighbours.
 * - Identifiers give their parts and themselves: `parseConfigFile` is `parse`, `config`, `file` and `parseconfigfile`,
 *   and so are `parse_config_file`, `parse-config-file` and `parse.config.file`. `sha256` is `sha`, `256` and itself.
 * - An emoji is a term; its skin tone and joiners are not.
 *
 * Whatever a query is cut into, a text that has the query in it is cut into as well.
 */
import { lowerCase, MARK, plainLetters, spelledOut } from './letters.ts';

/** A longer term is cut: nobody searches for the end of a 64 KiB word. */
const TERM_CHARACTERS_MAX = 64;
/** Words that are joined into one name at most; what is longer is a list or a path that nobody types whole. */
const JOINED_MAX = 8;
/** Letters and digits in turn, at most: what changes more often is a hash, and its pieces say nothing. */
const TURNS_MAX = 3;

const RUN = /[\p{L}\p{N}\p{M}]+|[\u{1f1e6}-\u{1f1ff}]{2}|\p{Extended_Pictographic}/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}ー]+/gu;
const HAS_UNSPACED = new RegExp(UNSPACED.source, 'u');
/** What most words are: nothing to part, and nothing to fold but case. */
const SIMPLE = /^[A-Z]?[a-z]*$/;
const IS_WORD = /^[\p{L}\p{N}]/u;
/** What holds the words of one name together: dots, hyphens, slashes, apostrophes of all kinds, a non-joiner. */
const CONNECTOR = /^[._\-/\\:@#+~'’ʼ\u00b7\u05be\u05f3\u05f4\u200c\u2010\u2011]{1,3}$/;
const IS_HYPHEN = /^[-'’\u2010\u2011]$/;
/** Where case parts a name; the plural of an abbreviation is not parted from it. */
const CASE_BREAK =
  /(?<=[\p{Ll}\p{N}]\p{M}*)(?=\p{Lu})|(?<=\p{Lu}\p{M}*)(?=\p{Lu}\p{M}*(?!s(?!\p{L}))\p{Ll})/u;
const DIGIT_BREAK = /(?<=\p{L}\p{M}*)(?=\p{N})|(?<=\p{N})(?=\p{L})/u;
/** What all parts of one word count together: less than the word. */
const PARTS_SHARE = 0.5;
/** What two hyphenated words count as one, since either spelling is as good. */
const HYPHENATED_SHARE = 0.25;
/** Joins numbers, whose digits alone would be another number. FTS5 takes it for a letter. */
const JOINER = '·';

/** How a term stands in its text: by itself, as a part of one word, or as several words in one. */
export type TermKind = 'word' | 'part' | 'whole';

export interface Term {
  readonly term: string;
  readonly kind: TermKind;
  /** The term with its marks spelled out (`muenchen`), where a letter had one that some spell so. */
  readonly spelled?: string;
  /** How much it counts where it is asked for. */
  readonly share: number;
}

/** All terms of a text in their order, with repetitions. */
export function tokenize(text: string, pairsOnly = false): Term[] {
  const plain = plainLetters(text);
  const terms: Term[] = [];
  const name: Term[] = [];
  let connectors = '';
  let end = 0;
  const endName = (): void => {
    addWhole(name, connectors, terms);
    connectors = '';
  };
  for (const { 0: run, index } of plain.matchAll(RUN)) {
    const between = plain.slice(end, index);
    if (name.length > 0 && between !== ' ' && CONNECTOR.test(between)) connectors += between;
    else endName();
    end = index + run.length;
    if (HAS_UNSPACED.test(run)) {
      endName();
      addMixed(run, terms, pairsOnly);
    } else addWord(run, terms, name);
  }
  endName();
  return terms;
}

/** The terms of a text in their order, with repetitions. */
export function termsOf(text: string): string[] {
  return tokenize(text).map(({ term }) => term);
}

/** Terms to look for: of a run of unspaced script its pairs only, which tell more than its characters. */
export function queryTermsOf(text: string): string[] {
  return tokenize(text, true).map(({ term }) => term);
}

function termOf(word: string, kind: TermKind, share: number): Term {
  const lower = lowerCase(word);
  const spelled = spelledOut(lower);
  const term = spelled === undefined ? lower : lower.replaceAll(MARK, '');
  return {
    term: term.length > TERM_CHARACTERS_MAX ? cut(term) : term,
    kind,
    share,
    ...(spelled === undefined ? {} : { spelled }),
  };
}

/** A run of letters and digits with the parts that case and digits cut it into; `name` is what it may be a part of. */
function addWord(run: string, terms: Term[], name: Term[]): void {
  if (SIMPLE.test(run) && run.length <= TERM_CHARACTERS_MAX) {
    const simple: Term = { term: run.toLowerCase(), kind: 'word', share: 1 };
    terms.push(simple);
    name.push(simple);
    return;
  }
  const word = termOf(run, 'word', 1);
  terms.push(word);
  if (!IS_WORD.test(run)) return;
  name.push(word);
  if (run.length > TERM_CHARACTERS_MAX) return;
  const parts: string[] = [];
  const pieces = run.split(CASE_BREAK);
  for (const piece of pieces) {
    if (pieces.length > 1) parts.push(piece);
    const turns = piece.split(DIGIT_BREAK);
    if (turns.length > 1 && turns.length <= TURNS_MAX) parts.push(...turns);
  }
  for (const part of parts) terms.push(termOf(part, 'part', PARTS_SHARE / parts.length));
}

/**
 * The words of a name as one, and an end to the name. Whoever types a name whole looks for it, so it counts as much
 * as its words together.
 */
function addWhole(name: Term[], connectors: string, terms: Term[]): void {
  if (name.length > 1 && name.length <= JOINED_MAX) {
    const words = name.map(({ term }) => term);
    const isNumber = words.every((word) => /^\p{N}+$/u.test(word));
    const term = words.join(isNumber ? JOINER : '');
    if (term.length <= TERM_CHARACTERS_MAX)
      terms.push({
        term,
        kind: 'whole',
        share: isNumber ? 1 : IS_HYPHEN.test(connectors) ? HYPHENATED_SHARE : name.length,
        ...(name.some(({ spelled }) => spelled !== undefined)
          ? { spelled: name.map(({ term, spelled }) => spelled ?? term).join('') }
          : {}),
      });
  }
  name.length = 0;
}

function cut(word: string): string {
  return Array.from(word.slice(0, 2 * TERM_CHARACTERS_MAX))
    .slice(0, TERM_CHARACTERS_MAX)
    .join('');
}

/** A run that has unspaced script in it, maybe with words of other scripts around it. */
function addMixed(run: string, terms: Term[], pairsOnly: boolean): void {
  let at = 0;
  for (const { 0: part, index } of run.matchAll(UNSPACED)) {
    if (index > at) addWord(run.slice(at, index), terms, []);
    addPairs(Array.from(part.replaceAll(MARK, '')), terms, pairsOnly);
    at = index + part.length;
  }
  if (at < run.length) addWord(run.slice(at), terms, []);
}

function addPairs(characters: readonly string[], terms: Term[], pairsOnly: boolean): void {
  const add = (term: string): void => void terms.push({ term, kind: 'word', share: 1 });
  for (const [at, character] of characters.entries()) {
    if (!pairsOnly || characters.length === 1) add(character);
    if (at > 0) add(characters[at - 1]! + character);
  }
}
