/**
 * What may be logged of a value. Everything that goes to the log passes through here, whatever logs it.
 *
 * The rule is what is let through, not what is held back: numbers, short texts, plain objects and arrays of them,
 * and errors by their type, code and message. Bytes are only counted, since keys are bytes; an object of a class
 * is only named, since a key store is one. What is left is a text under a telling name, and a join code in a
 * sentence; both are replaced. A secret in hex under an innocent name cannot be told from an id: nothing here
 * excuses logging one.
 */

import { Secret } from '../../crypto/secret.ts';
import { cleanLine, cleanText as visible } from '../cli/text.ts';

const REDACTED = '[redacted]';
/** Names of fields that hold a secret; public keys are none. */
const TELLING_NAME =
  /secret|pass(word|phrase)|private|seed|mnemonic|credential|authorization|cookie|(^|_)token$|[a-z]Token$|(?<!public_?)key$|join_?code|invite_?code/i;
/** A join code or an access token, wherever it stands: whoever has it may come in. */
const BEARER_CODE = /(?:lbi1|lbt1)[\w-]{16,}/g;
const TEXT_MAX = 4096;
const ENTRIES_MAX = 64;
const DEPTH_MAX = 6;

/**
 * A text without join codes and tokens, and not too long. What others wrote does nothing to the terminal on which a log
 * is read, hides nothing in it, and is one line: with a second one it could say what this node never said.
 */
export function cleanText(text: string): string {
  return bounded(text, cleanLine);
}

function bounded(text: string, show: (text: string) => string): string {
  const clean = show(text.slice(0, 2 * TEXT_MAX)).replace(BEARER_CODE, REDACTED);
  return clean.length <= TEXT_MAX && text.length <= 2 * TEXT_MAX
    ? clean
    : `${clean.slice(0, TEXT_MAX)}… (${text.length} characters)`;
}

/** A value that JSON can hold and that tells no secret. */
export function clean(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return cleanText(value);
    case 'bigint':
      return value.toString();
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'object':
      return value === null ? null : cleanObject(value, depth);
    default:
      return `[${typeof value}]`;
  }
}

function cleanObject(value: object, depth: number): unknown {
  if (value instanceof Secret) return REDACTED;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (depth >= DEPTH_MAX) return '[…]';
  if (value instanceof Error) return cleanError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString();
  if (Array.isArray(value)) return cleanArray(value, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `[${value.constructor?.name ?? 'object'}]`;
  return cleanFields(value, depth);
}

function cleanArray(values: readonly unknown[], depth: number): unknown[] {
  const shown = values.slice(0, ENTRIES_MAX).map((one) => clean(one, depth + 1));
  return values.length > ENTRIES_MAX ? [...shown, `… (${values.length} in all)`] : shown;
}

function cleanFields(value: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(value).slice(0, ENTRIES_MAX);
  return Object.fromEntries(
    entries.map(([name, field]) => [
      name,
      TELLING_NAME.test(name) && typeof field !== 'boolean' ? REDACTED : clean(field, depth + 1),
    ]),
  );
}

/** The fields of an error are not its message: a password, a path or a whole request may hang there. */
function cleanError(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    type: name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    message: cleanText(message),
    ...(stack === undefined ? {} : { stack: bounded(stack, visible) }),
    ...(cause === undefined ? {} : { cause: clean(cause, depth + 1) }),
  };
}
