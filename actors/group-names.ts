/** Which group is meant by a name. Anybody may call a group what another one is called, or what looks the same. */
import type { Hex32 } from '../events/bytes.ts';
import { lookOf, namedSo } from '../events/normal-form.ts';
import { NotFoundError, UsageError } from './errors.ts';

const ID_DIGITS = 12;
/** Groups that are listed where a name fits several. */
const LISTED_MAX = 8;

/**
 * The only group of a name, whose form and case do not count unless they tell two groups apart. Those that look the
 * same are listed with their ids.
 * @throws NotFoundError, UsageError
 */
export function groupNamed<T extends { readonly groupId: Hex32; readonly name: string }>(
  given: string,
  groups: Iterable<T>,
): T {
  const named = namedSo(given, groups, ({ name }) => name);
  if (named.length === 1) return named[0]!;
  if (named.length === 0) throw new NotFoundError(`there is no group ${given} on this node`);
  const listed = named
    .slice(0, LISTED_MAX)
    .map(({ groupId, name }) => `${lookOf(name)} (${groupId.slice(0, ID_DIGITS)})`)
    .join(', ');
  const more = named.length > LISTED_MAX ? ', …' : '';
  throw new UsageError(`${named.length} groups are called ${given}; name one by its id: ${listed}${more}`);
}
