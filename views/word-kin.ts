/**
 * Which English words are forms of one another: `flows` and `flow`, `routing` and `route`, `validation` and
 * `validate`; not `organization` and `organ`, `university` and `universe`, `news` and `new`.
 *
 * Porter's stemmer joins all of these. Here it only brings together what may be kin, and each pair is judged: two
 * words are forms of one when an ending of inflection leads both to it, and derived from one another by the endings
 * that are named, which leave the meaning. Words that look alike and are not stay apart.
 */
import { stemmer } from 'stemmer';

const ENGLISH = /^[a-z]{3,}$/;
const VOWEL = /[aeiouy]/;
/** A syllable that a `-ed` or `-ing` would have doubled the end of, were there no `e`: `rat(ed)`, `hop(ing)`. */
const SHORT = /^[^aeiou]*[aeiouy][^aeiouwxy]$/;
const DOUBLED = /([bdfgklmnprtvz])\1$/;
/** Not the plural, past or present of anything, or of something else than it seems. */
const INVARIANT = new Set(
  (
    'news lens series species means analysis basis this his has was does gas bus yes alias atlas bias always ' +
    'evening morning during nothing something anything everything ceiling herring earring inning outing canning ' +
    'wedding sibling hundred sacred naked wicked rugged united'
  ).split(' '),
);

/** Endings that are exchanged without another meaning, and how long at least what both have in common is. */
const DERIVATIONS: ReadonlyMap<string, number> = new Map([
  ['e ation', 3],
  ['ate ation', 3],
  [' ation', 4],
  ['e ion', 5],
  [' ion', 4],
  ['ize ization', 3],
  ['ise isation', 3],
  ['ate ator', 3],
  ['e er', 4],
  [' ment', 5],
  ['ent ence', 4],
  ['ant ance', 4],
  ['ent ency', 4],
  ['able ability', 3],
  ['ible ibility', 3],
  ['ive ivity', 3],
  [' able', 4],
  ['e able', 4],
  ['al ally', 4],
  ['le ly', 4],
  ['ic ical', 3],
  ['ic ically', 3],
  ['ical ically', 3],
  [' al', 6],
  [' ly', 4],
  [' ness', 5],
  [' ent', 5],
  [' ence', 5],
  ['e ic', 5],
  ['ion ive', 5],
  ['ure ural', 3],
  ['ar arity', 3],
  ['ar arize', 3],
  ['ar arization', 3],
  ['id idity', 3],
  ['ic icity', 4],
  ['ity ous', 5],
  ['le ility', 3],
  ['le ilize', 3],
  ['ility ilize', 3],
  ['ility ilization', 3],
]);
/** Pairs that those endings would join against their meaning. */
const NOT_DERIVED = new Set(['depart department', 'apart apartment', 'commune communion', 'port portable']);

/** How two words belong together. */
export type Kinship = 'form' | 'derived' | undefined;

/** What words that may be kin have in common; nothing for a word that is not English. */
export function kinKey(word: string): string | undefined {
  // Porter keeps the last letter of `try`, and not that of `tried`.
  return ENGLISH.test(word) ? stemmer(word).replace(/y$/, 'i') : undefined;
}

/** How two words of one `kinKey` belong together. */
export function kinship(one: string, other: string): Kinship {
  const bases = basesOf(one);
  const others = basesOf(other);
  if (bases.some((base) => others.includes(base))) return 'form';
  const isDerived = bases.some((base) => others.some((also) => areDerived(base, also)));
  return isDerived ? 'derived' : undefined;
}

/** What a word may be an inflection of, itself first. */
function basesOf(word: string): string[] {
  if (INVARIANT.has(word)) return [word];
  if (word.endsWith('ies')) return [word, `${word.slice(0, -3)}y`, word.slice(0, -1)];
  if (/(?:[sxzo]|[cs]h)es$/.test(word)) return [word, word.slice(0, -2), word.slice(0, -1)];
  if (/[^s]s$/.test(word)) return [word, word.slice(0, -1)];
  if (word.endsWith('ied')) return [word, `${word.slice(0, -3)}y`, word.slice(0, -1)];
  if (word.endsWith('eed')) return [word, word.slice(0, -1)];
  if (word.endsWith('ed')) return [word, ...verbsOf(word.slice(0, -2))];
  if (word.endsWith('ing')) return [word, ...verbsOf(word.slice(0, -3))];
  return [word];
}

/** The verbs that may be left of `-ed` and `-ing`. */
function verbsOf(rest: string): string[] {
  if (rest.length < 2 || !VOWEL.test(rest)) return [];
  if (SHORT.test(rest)) return [`${rest}e`];
  if (rest.length > 3 && DOUBLED.test(rest)) return [rest, rest.slice(0, -1)];
  return /[eoxwy]$/.test(rest) ? [rest] : [rest, `${rest}e`];
}

function areDerived(one: string, other: string): boolean {
  let common = 0;
  while (common < one.length && one[common] === other[common]) common++;
  // The ending may begin earlier than where they part: `ate` and `ation` have `at` in common.
  for (let at = common; at >= Math.max(3, common - 4); at--) {
    const ends = [one.slice(at), other.slice(at)];
    const least = DERIVATIONS.get(ends.join(' ')) ?? DERIVATIONS.get(ends.reverse().join(' '));
    if (least !== undefined && at >= least)
      return !NOT_DERIVED.has(`${one} ${other}`) && !NOT_DERIVED.has(`${other} ${one}`);
  }
  return false;
}
