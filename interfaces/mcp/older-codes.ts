/**
 * Codes of errors as older clients know them. The newer protocol says of a resource that is not there that the
 * parameters are invalid, and the SDK says so to everybody; clients of before look for a code of its own.
 */
import type { JSONRPCMessage } from '@modelcontextprotocol/server';

const INVALID_PARAMS = -32602;
const RESOURCE_NOT_FOUND = -32002;

/** What a client of the older era is to be told. */
export function inOlderCodes<T extends JSONRPCMessage>(message: T): T {
  const { error } = message as { error?: { code: number; data?: unknown } };
  if (error?.code !== INVALID_PARAMS) return message;
  // The SDK names what was not found, and nothing else, in this error alone.
  const data = error.data as Readonly<Record<string, unknown>> | null | undefined;
  const isNotFound =
    typeof data === 'object' &&
    data !== null &&
    Object.keys(data).join() === 'uri' &&
    typeof data.uri === 'string';
  return isNotFound ? { ...message, error: { ...error, code: RESOURCE_NOT_FOUND } } : message;
}
