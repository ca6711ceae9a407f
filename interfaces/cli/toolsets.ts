/** Toolsets as they are named in flags and settings. */
import { UsageError } from '../../actors/errors.ts';
import { TOOLSETS, type Toolset } from '../operations/toolset.ts';
import { parseList } from './parse.ts';

const NAMES = Object.keys(TOOLSETS) as readonly Toolset[];
/** What \`all\` stands for: the fixtures are no operations. */
const ALL = NAMES.filter((name) => name !== 'conformance');

/** What may be named, for help. */
export const SELECTABLE = [...ALL, 'all'].join(', ');

/** The toolsets that a text names; the default one, if there is no text. @throws UsageError */
export function parseToolsets(text: string | undefined, flag: string): ReadonlySet<Toolset> {
  if (text === undefined) return new Set(['default']);
  const chosen = parseList(text).flatMap((given) => {
    const said = given.toLowerCase();
    if (said === 'all') return ALL;
    const name = NAMES.find((one) => one === said);
    if (name === undefined) throw new UsageError(`${flag} ${given}: there are ${SELECTABLE}`);
    return [name];
  });
  return new Set(chosen);
}
