/**
 * Words that are made of words, as German, Dutch and the Nordic languages make them: `Datenbankverbindung` is found by
 * `Datenbank` and by `Verbindung`, `kunnskapsbase` by `kunnskap`. There is no dictionary: the words that the group
 * itself uses are looked through for the one that was asked for, and where it stands in a longer one, lengths and
 * endings judge whether it is a part of it. A part ranks well below the word itself.
 *
 * English writes its compounds apart, and its long words begin with short ones by chance (`part`, `particular`). So
 * of a text that reads as English only very long words count, both of whose parts are long.
 */

import type { Term } from './tokens.ts';

/** What the text that a word stood in reads as, the most certain last: a word keeps the highest that it met. */
export const READS_AS = { english: 1, unknown: 2, compounding: 3 } as const;
export type ReadsAs = (typeof READS_AS)[keyof typeof READS_AS];

/** Words that hardly stand in a text of another language, one or two of which any longer text has. */
const ENGLISH = new Set(
  (
    'the and that with are this from its were have you should when which then not our they their there these what ' +
    'who how can could would will be been has had does did into than but because we it or as by'
  ).split(' '),
);
const COMPOUNDING = new Set(
  (
    'der das und nicht ist ein eine einer eines einen einem dem des mit fur auf im zu zur zum von wird werden sind ' +
    'auch oder uber nach bei durch wie noch nur kein keine wenn sich het een voor niet zijn wordt worden met naar ' +
    'ook maar deze dat aan uit og ikke pa av til fra att och det som inte ett eller har er ikke kan jeg jag'
  ).split(' '),
);

/** Letters of the longest of those. */
const SMALL_MAX = 6;

/** Letters that a part has at least, in a text of a compounding language and in an English one. */
const PART_MIN = 4;
const ENGLISH_PART_MIN = 6;
const LAST_PART_MIN = 3;
/** Letters of an ending that a compound may have behind its last part: `…verbindungen`. */
const ENDING_MAX = 3;

/** A compound is at least that long. */
export const COMPOUND_MIN = PART_MIN + LAST_PART_MIN;
const ENGLISH_COMPOUND_MIN = 2 * ENGLISH_PART_MIN;

const LETTERS = /^[a-z]+$/;
/** Endings of English and Latin, of which no number makes a part: `organ|ization`, `import|antly`. */
const ENDINGS =
  /^(?:ab|abl[ey]|ability|al|ally|ance|ances|ancy|ants?|antly|ards?|ari|arian|arily|ary|aries|at|ate|ated|ately|ates|ating|ations?|ational|atives?|ators?|ed|edly|ees?|en|ences?|ency|ents?|ently|er|ers|ery|es|ful|fully|hood|ial|ians?|ibl[ey]|ibility|ic|ical|ically|icity|ied|iers?|ies|iest|if(?:y|ied|ies|ication)|ine|ings?|ions?|ional|ious|ised?|isers?|ish|ism|ists?|istic|it|ite|ities|ity|ium|ively|ives?|iz|ized?|izers?|izes|izing|izations?|izational|isations?|isational|less|ling|ly|ments?|ness|nesses|ors?|ory|ous|ously|ships?|some|ster|uals?|ually|ular|ures?|wards?|wise)+$/;
/** What stands before a word and is none itself. */
const BEGINNINGS = /^(?:trans|inter|super|hyper|counter|under|multi|anti|semi|para|poly|mono|fore|over)$/;

/** What a text reads as. */
export function readsAs(terms: readonly Term[]): ReadsAs {
  let english = 0;
  let compounding = 0;
  for (const { term } of terms) {
    if (term.length > SMALL_MAX) continue;
    if (ENGLISH.has(term)) english++;
    else if (COMPOUNDING.has(term)) compounding++;
  }
  if (english === compounding) return READS_AS.unknown;
  return english > compounding ? READS_AS.english : READS_AS.compounding;
}

/** Whether a word may be a compound, so that it is worth looking through. */
export function mayBeCompound(word: string, reads: ReadsAs): boolean {
  const least = reads === READS_AS.english ? ENGLISH_COMPOUND_MIN : COMPOUND_MIN;
  return word.length >= least && LETTERS.test(word);
}

/** Whether a word may be a part of others. */
export function mayBePart(word: string): boolean {
  return word.length >= PART_MIN && LETTERS.test(word) && !ENDINGS.test(word);
}

/** Whether `compound`, which holds `part`, is made of it and of other words. */
export function isPartOf(part: string, compound: string, reads: ReadsAs): boolean {
  for (let at = compound.indexOf(part); at >= 0; at = compound.indexOf(part, at + 1))
    if (isPart(part, compound.slice(0, at), compound.slice(at + part.length), reads)) return true;
  return false;
}

function isPart(part: string, before: string, after: string, reads: ReadsAs): boolean {
  // Behind a last part, a short ending is one of inflection.
  const isEnding = ENDINGS.test(after) && (before === '' || after.length > ENDING_MAX);
  if (BEGINNINGS.test(before) || isEnding || before + after === '') return false;
  if (reads === READS_AS.english) {
    if (part.length < ENGLISH_PART_MIN) return false;
    const rest = before + after;
    return (before === '' || after === '') && rest.length >= ENGLISH_PART_MIN;
  }
  const isBegun = before === '' || before.length >= PART_MIN - (reads === READS_AS.compounding ? 1 : 0);
  if (!isBegun) return false;
  if (after === '') return true;
  if (after.length >= PART_MIN) return true;
  // A short last part where the language makes such words, or an ending behind the last part.
  if (before === '') return reads === READS_AS.compounding && after.length >= LAST_PART_MIN;
  return after.length <= ENDING_MAX;
}
