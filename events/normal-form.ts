/**
 * One form of a name, for comparing what people type with what is written: tags, ids of tasks, names of groups.
 *
 * It is NFKC with case folded (Unicode's NFKC_Casefold, as far as it is told apart here): composed and decomposed, full
 * width and half, capitals and small letters are one. What nobody sees is left out, and so is space at the ends.
 *
 * It is for looking up and filtering, and no rule of the chain asks it: what Unicode folds grows with its versions, and
 * two nodes must never differ about what is valid.
 */
import { replaceHidden } from './hidden-text.ts';

/** Printable ASCII, without space at its ends. */
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;

/** The name as it looks, with its case: names that differ here are told apart by whoever reads them. */
export function lookOf(name: string): string {
  if (PLAIN.test(name)) return name;
  return replaceHidden(name.normalize('NFKC'), () => '')
    .replace(/\s+/g, ' ')
    .trim()
    .normalize('NFC');
}

/** The form in which names are compared. */
export function normalForm(name: string): string {
  if (PLAIN.test(name)) return name.toLowerCase();
  // Upper case first opens what lower case leaves, such as the sharp s; a Turkish letter without a dot keeps its own.
  const folded = lookOf(name)
    .replace(/[^ı]+/g, (letters) => letters.toLowerCase().toUpperCase().toLowerCase())
    .replaceAll('ς', 'σ');
  return folded.normalize('NFKC');
}

/** Whether two names are one, but for form and case. */
export function isSameName(one: string, other: string): boolean {
  return one === other || normalForm(one) === normalForm(other);
}

/**
 * What is meant by a name among those of one normal form: the only one, or the only one that looks as typed. More than
 * one where nobody could tell them apart by looking, or where none looks as typed.
 */
export function namedSo<T>(given: string, all: Iterable<T>, nameOf: (one: T) => string): T[] {
  const form = normalForm(given);
  const alike = Array.from(all).filter((one) => normalForm(nameOf(one)) === form);
  if (alike.length < 2) return alike;
  const look = lookOf(given);
  const looking = alike.filter((one) => lookOf(nameOf(one)) === look);
  return looking.length > 0 ? looking : alike;
}
