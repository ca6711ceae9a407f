/** What an operation is: a code that never changes, fields in order, and one line that says what it does. */
import { amount, boolean, FieldList, id, list, oneOf, optional, text, uint, type Values } from '../fields.ts';
import { DESCRIPTION_BYTES_MAX, REASON_BYTES_MAX, TAG_CHARACTERS_MAX, TAGS_MAX } from '../limits.ts';

export interface OperationDefinition<F extends Record<string, unknown>> {
  /** The number that stands first in the operation's array. Never reused. */
  readonly code: number;
  readonly fields: F;
  readonly list: FieldList;
  /** One line for help, documentation and tools. */
  readonly meaning: string;
}

/** Declares an operation. */
export function operation<F extends Record<string, unknown>>(
  code: number,
  meaning: string,
  fields: F,
): OperationDefinition<F> {
  return { code, fields, list: new FieldList(fields), meaning };
}

/** The union of the operations that a domain declares, told apart by `type`. */
export type OperationsOf<D> = {
  [K in keyof D]: D[K] extends OperationDefinition<infer F> ? { type: K } & Values<F> : never;
}[keyof D];

/** Fields that several domains share. */
export const role = oneOf('viewer', 'member', 'admin');
export const tags = list(text({ maxCharacters: TAG_CHARACTERS_MAX, min: 1 }), {
  max: TAGS_MAX,
  unique: true,
});
export const description = text({ maxBytes: DESCRIPTION_BYTES_MAX });
export const reason = text({ maxBytes: REASON_BYTES_MAX });
export const basisPoints = uint(10_000);
export { amount, boolean, id, list, oneOf, optional, text, uint };
