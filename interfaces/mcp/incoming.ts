/**
 * What a client sends, before the SDK sees it. The SDK drops what is no message without a word, and whoever waits for
 * the answer waits for ever: so whatever has an id gets an answer here. And clients write `null` for what they leave
 * out, which the SDK takes for a value.
 */
import { type JSONRPCMessage, parseJSONRPCMessage } from '@modelcontextprotocol/server';
import { LINE_BYTES_MAX, type Line } from './lines.ts';

export type Id = string | number;
export type Fields = Readonly<Record<string, unknown>>;

/** Messages for the SDK, and answers for the client. */
export interface Incoming {
  readonly messages: readonly JSONRPCMessage[];
  readonly answers: readonly JSONRPCMessage[];
}

const NOTHING: Incoming = { messages: [], answers: [] };
/** Messages of one batch, which the older era knows. */
export const BATCH_MAX = 100;
const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

/** What a line says. */
export function incomingIn(line: Line): Incoming {
  if (line.text === undefined) return refused(tooLong(line));
  if (line.text.trim() === '') return NOTHING;
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch {
    return refused(errorFor(idWithin(line.text), PARSE_ERROR, 'the message is no JSON'));
  }
  // An older version of the protocol sends several in one line.
  if (!Array.isArray(value)) return incomingFrom(value);
  if (value.length === 0) return refused(errorFor(undefined, INVALID_REQUEST, 'the batch is empty'));
  if (value.length > BATCH_MAX)
    return refused(errorFor(undefined, INVALID_REQUEST, `a batch has at most ${BATCH_MAX} messages`));
  const each = value.map(incomingFrom);
  return {
    messages: each.flatMap(({ messages }) => messages),
    answers: each.flatMap(({ answers }) => answers),
  };
}

function incomingFrom(value: unknown): Incoming {
  const message = asMeantByClient(value);
  try {
    return { messages: [parseJSONRPCMessage(message)], answers: [] };
  } catch {
    return refused(whatIsWrong(message));
  }
}

function refused(answer: JSONRPCMessage | undefined): Incoming {
  return answer === undefined ? NOTHING : { messages: [], answers: [answer] };
}

/** Why a message is none; nothing for a notification, which nobody waits for. */
function whatIsWrong(message: unknown): JSONRPCMessage | undefined {
  const fields = fieldsOf(message);
  if (fields === undefined) return errorFor(undefined, INVALID_REQUEST, 'a message is an object');
  const { id, method, jsonrpc, params } = fields;
  if (id === undefined && typeof method === 'string') return undefined;
  const problem =
    jsonrpc !== '2.0'
      ? 'jsonrpc must be "2.0"'
      : !isId(id)
        ? 'the id must be a text or a whole number'
        : typeof method !== 'string'
          ? 'the method is missing, or no text'
          : params !== undefined && fieldsOf(params) === undefined
            ? 'params must be an object'
            : 'it is no message of this protocol';
  return errorFor(isId(id) ? id : undefined, INVALID_REQUEST, problem);
}

/** The error for a message of more bytes than may be. */
export function tooLong({ bytes, head, tail }: Extract<Line, { bytes: number }>): JSONRPCMessage {
  const problem = `the message has ${bytes} bytes, and at most ${LINE_BYTES_MAX} are read`;
  return errorFor(idWithin(head) ?? idAtEnd(tail), INVALID_REQUEST, problem);
}

/** An error of JSON-RPC. Its id is null where nobody can tell whose it is, which the SDK's types do not foresee. */
function errorFor(id: Id | undefined, code: number, message: string): JSONRPCMessage {
  return { jsonrpc: '2.0', id: id ?? null, error: { code, message } } as unknown as JSONRPCMessage;
}

const ID = /"id"\s*:\s*("(?:[^"\\]|\\.){0,256}"|-?\d{1,15}(?![\d.]))/y;

/** The id in the beginning of an object, whatever comes behind it: only one of the object itself, not of a part of it. */
function idWithin(text: string): Id | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    else if (character === '"') {
      ID.lastIndex = at;
      const [, id] = depth === 1 ? (ID.exec(text) ?? []) : [];
      if (id !== undefined) return JSON.parse(id) as Id;
      at = endOfText(text, at);
    }
  }
  return undefined;
}

/** Where a quoted text ends that begins here. */
function endOfText(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

/** The id where it is the last of an object, as some clients write it. */
function idAtEnd(tail: string): Id | undefined {
  const [, id] =
    /,\s*"id"\s*:\s*("(?:[^"\\]|\\.){0,256}"|-?\d{1,15})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(
      tail,
    ) ?? [];
  return id === undefined ? undefined : (JSON.parse(id) as Id);
}

/** A message as its client means it: without what is null, and with arguments that were written as a text. */
export function asMeantByClient(message: unknown): unknown {
  const fields = fieldsOf(message);
  if (fields === undefined || typeof fields.method !== 'string') return message;
  const { params, ...rest } = fields;
  if (params === undefined || params === null) return rest;
  const given = fieldsOf(params);
  if (given === undefined) return message;
  const meant = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  if (fields.method === 'tools/call') meant.arguments = objectIn(meant.arguments) ?? meant.arguments ?? {};
  if (fields.method === 'prompts/get') meant.arguments = asTexts(objectIn(meant.arguments)) ?? {};
  return { ...rest, params: meant };
}

/** Arguments of prompts are texts. */
function asTexts(given: Fields | undefined): Fields | undefined {
  if (given === undefined) return undefined;
  const texts = Object.entries(given).flatMap(([name, value]) =>
    value === null ? [] : [[name, typeof value === 'number' ? String(value) : value] as const],
  );
  return Object.fromEntries(texts);
}

function objectIn(value: unknown): Fields | undefined {
  if (typeof value !== 'string') return fieldsOf(value);
  try {
    return fieldsOf(JSON.parse(value));
  } catch {
    return undefined;
  }
}

export function isId(value: unknown): value is Id {
  return typeof value === 'string' || Number.isSafeInteger(value);
}

export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
