/**
 * Texts of an input, beyond what its schema says of them: that they are text at all, and of a length that somebody
 * could have meant. A text that has no bound of its own is an id, a name or a prefix of one; whoever looks something
 * up by it may rely on that.
 */

import { ID_CHARACTERS_MAX } from './limits.ts';

/** Nothing that an operation takes is nested as deeply; what walks through it may recurse. */
const DEPTH_MAX = 64;

type Schema = Readonly<Record<string, unknown>>;

/** What is wrong with the texts of an input that fits its schema; one line each, and no more than the first of each text. */
export function textProblems(schema: object, value: unknown): string[] {
  const problems: string[] = [];
  const walk = (one: unknown, path: string, of: Schema, depth: number): void => {
    if (typeof one === 'string') {
      const problem = problemOf(one, of);
      if (problem !== undefined) problems.push(`${path} ${problem}`);
      return;
    }
    if (typeof one !== 'object' || one === null) return;
    if (depth > DEPTH_MAX) {
      problems.push(`${path} is nested more than ${DEPTH_MAX} deep`);
      return;
    }
    const isList = Array.isArray(one);
    const { properties = {}, items = {} } = of as { properties?: Record<string, Schema>; items?: Schema };
    for (const [key, field] of Object.entries(one)) {
      const isDeclared = Object.hasOwn(properties, key);
      if (!isList && !isDeclared && !key.isWellFormed()) problems.push(`${path} has a name that is no text`);
      const inner = isList ? items : isDeclared ? properties[key]! : FREE;
      // A name that nobody declared is not repeated.
      walk(field, isDeclared ? (path === '' ? key : `${path}.${key}`) : path, inner, depth + 1);
    }
  };
  walk(value, '', schema as Schema, 0);
  return problems;
}

/** What a caller makes up: its text is bounded with the whole of it, by the rules. */
const FREE: Schema = { maxLength: Number.MAX_SAFE_INTEGER };

function problemOf(text: string, { maxLength, enum: values }: Schema): string | undefined {
  if (values !== undefined) return undefined;
  if (!text.isWellFormed()) return 'is no text: it has half of a surrogate pair';
  if (maxLength === undefined && text.length > ID_CHARACTERS_MAX)
    return `must not have more than ${ID_CHARACTERS_MAX} characters`;
  return undefined;
}
