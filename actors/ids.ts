/** Short ids: every place that takes an id takes an unambiguous prefix of at least eight digits too. */
import { type Hex32, isHex32 } from '../events/bytes.ts';
import { AmbiguousIdError, NotFoundError, UsageError } from './errors.ts';

export const PREFIX_DIGITS_MIN = 8;
/** Text that could be an id or the beginning of one. */
export const HEX_LOOKING = /^[0-9a-f]{8,64}$/i;

/**
 * The one id among `candidates` that `typed` (an id or a prefix of it) stands for.
 * @param what the kind of thing, for messages: `claim`, `member` …
 * @param typed with spaces around it, perhaps
 * @throws UsageError when it is no prefix of an id, NotFoundError, AmbiguousIdError
 */
export function resolveId(what: string, typed: string, candidates: Iterable<Hex32>): Hex32 {
  const given = typed.trim();
  if (!HEX_LOOKING.test(given))
    throw new UsageError(
      `"${given}" is not the id of ${withArticle(what)}: expected ${PREFIX_DIGITS_MIN} to 64 hex digits`,
    );
  const prefix = given.toLowerCase();
  const found: Hex32[] = [];
  for (const candidate of candidates) {
    if (candidate === prefix) return candidate;
    if (candidate.startsWith(prefix)) found.push(candidate);
  }
  if (found.length === 1) return found[0]!;
  if (found.length === 0) throw new NotFoundError(`there is no ${what} ${given}`);
  throw new AmbiguousIdError(what, given, found);
}

/** Like `resolveId`, but a whole id needs no candidate: for keys that the group has not met yet. */
export function resolveKey(given: string, candidates: Iterable<Hex32>): Hex32 {
  const key = given.trim().toLowerCase();
  return isHex32(key) ? key : resolveId('key', given, candidates);
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
}
