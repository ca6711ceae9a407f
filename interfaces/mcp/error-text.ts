/** Errors of the protocol, whose texts the SDK writes: they repeat whatever was sent, and here no more than a line. */
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { inOneLine } from '../operations/quote.ts';

/** A message as it is told. */
export function withShortError<T extends JSONRPCMessage>(message: T): T {
  const { error } = message as { error?: { message?: unknown } };
  if (typeof error?.message !== 'string') return message;
  return { ...message, error: { ...error, message: inOneLine(error.message) } };
}

/** Whether a text begins as an error does: what is none is not parsed for it. */
const ERROR = /^\{"jsonrpc":"2\.0",(?:"id":(?:-?\d+|null|"(?:[^"\\]|\\.)*"),)?"error":/;

/** The same for a message that is written already. */
export function withShortErrorText(text: string): string {
  return ERROR.test(text) ? JSON.stringify(withShortError(JSON.parse(text) as JSONRPCMessage)) : text;
}
