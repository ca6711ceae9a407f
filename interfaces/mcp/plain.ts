/**
 * Operations as methods of plain JSON-RPC 2.0, for callers that speak no MCP: a script that writes
 *
 *     {"jsonrpc":"2.0","id":1,"method":"publish_claim","params":{"text":"Said by a script."}}
 *
 * gets the result itself as `result`, without a handshake. The methods are the operations that the session is offered
 * as tools, with their parameters and scopes. What goes wrong is an error of JSON-RPC, whose `data` has the stable code
 * and the next step that a tool would tell.
 *
 * No operation goes by the name of a method of MCP, so the method says which of both a message is.
 */
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import type { FailureKind } from '../operations/failure.ts';
import type { Operation } from '../operations/operation.ts';
import { operationNamed } from '../operations/registry.ts';
import { type Fields, fieldsOf, type Id, isId } from './incoming.ts';
import { perform } from './perform.ts';
import { quickCall, type Session } from './session.ts';

export interface PlainMessage {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method: string;
  readonly params?: unknown;
}

/** No operation has a longer name. */
const NAME_CHARACTERS_MAX = 64;
/** No method of MCP looks like this, and most operations do: one that is misspelt is told so. */
const OPERATION_LIKE = /^[a-z]+(?:_[a-z]+)+$/;

/** Whether a message names an operation, or what could only be one. */
export function isPlain(message: unknown): message is PlainMessage {
  const method = fieldsOf(message)?.method;
  if (typeof method !== 'string' || method.length > NAME_CHARACTERS_MAX) return false;
  return operationNamed(method) !== undefined || OPERATION_LIKE.test(method);
}

const INVALID_REQUEST = -32600;
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;
const INTERNAL_ERROR = -32603;
/** Of those that JSON-RPC leaves to servers. `data.code` says which error it is. */
const SERVER_ERROR = -32000;

const CODE_OF_KIND: Readonly<Partial<Record<FailureKind, number>>> = {
  usage: INVALID_PARAMS,
  bug: INTERNAL_ERROR,
};

const SEE_TOOLS = 'tools/list names the methods, and what each takes';

/** Other names that callers of plain methods know parameters by. */
const OTHER_NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  complete_task: { result_hash: 'result' },
  fail_task: { error_message: 'error' },
  create_offer: { text: 'content' },
};

/** Does what a message asks for. Nothing is answered to one without an id, though it is done. */
export async function answerPlain(
  session: Session,
  message: PlainMessage,
  signal: AbortSignal,
): Promise<JSONRPCMessage | undefined> {
  const { id, method, jsonrpc, params } = message;
  if (jsonrpc !== '2.0') return failed(id, INVALID_REQUEST, { message: 'jsonrpc must be "2.0"' });
  if (id !== undefined && !isId(id))
    return failed(id, INVALID_REQUEST, { message: 'the id must be a text or a whole number' });
  const told = await answerFor(session, method, params, signal);
  if (id === undefined) return undefined;
  if (told.error === undefined) return { jsonrpc: '2.0', id, result: told.result };
  return failed(id, told.code, told.error);
}

type Told =
  | { readonly result: Record<string, unknown>; readonly error?: never }
  | { readonly code: number; readonly error: Fields };

async function answerFor(
  session: Session,
  method: string,
  params: unknown,
  signal: AbortSignal,
): Promise<Told> {
  const operation = operationNamed(method);
  if (operation === undefined || !session.toolsets.has(operation.toolset))
    return { code: METHOD_NOT_FOUND, error: { message: `there is no method ${method}`, next: SEE_TOOLS } };
  const given = fieldsOf(params ?? {});
  if (given === undefined) {
    const message = 'params must be an object that names its parameters';
    return { code: INVALID_PARAMS, error: { code: 'usage', message, next: SEE_TOOLS } };
  }
  const call = quickCall(session, signal);
  const outcome = await perform(session, operation, byOurNames(operation, given), {
    call,
    work: (input) => operation.run(call, input),
  });
  if (outcome.error === undefined) return { result: outcome.done };
  return { code: CODE_OF_KIND[outcome.kind] ?? SERVER_ERROR, error: outcome.error };
}

function byOurNames({ name }: Operation, given: Fields): Fields {
  const others = OTHER_NAMES[name];
  if (others === undefined) return given;
  return Object.fromEntries(
    Object.entries(given).map(([field, value]) => {
      const ours = Object.hasOwn(others, field) ? others[field]! : field;
      return [Object.hasOwn(given, ours) ? field : ours, value];
    }),
  );
}

/** An error of JSON-RPC. Its id is null where the caller's is none, which the SDK's types do not foresee. */
function failed(id: unknown, code: number, { message, ...data }: Fields): JSONRPCMessage {
  const error = { code, message, ...(Object.keys(data).length === 0 ? {} : { data }) };
  return { jsonrpc: '2.0', id: isId(id) ? id : null, error } as unknown as JSONRPCMessage;
}

/** Whether an operation may wait for others to do something. */
function waits({ method }: PlainMessage): boolean {
  const properties = operationNamed(method)?.input.properties ?? {};
  return Object.hasOwn(properties, 'timeout_ms') || Object.hasOwn(properties, 'wait_seconds');
}

/**
 * The plain calls of one connection. A script writes what builds on each other without reading in between, so each
 * begins when those before it are done; only what waits for others holds nobody up.
 */
export class PlainCalls {
  private readonly session: Session;
  private readonly answer: (message: JSONRPCMessage) => Promise<void>;
  private readonly ended: () => void;
  private readonly running = new Map<unknown, AbortController>();
  private last: Promise<void> = Promise.resolve();

  /** @param ended told of each call that is over, answered or not */
  constructor(session: Session, answer: (message: JSONRPCMessage) => Promise<void>, ended: () => void) {
    this.session = session;
    this.answer = answer;
    this.ended = ended;
  }

  /** Whether nothing is done or waits for its turn. */
  get isIdle(): boolean {
    return this.running.size === 0;
  }

  take(message: PlainMessage): void {
    const leaving = new AbortController();
    // A notification has no name to be taken back by.
    const name = message.id ?? leaving;
    this.running.set(name, leaving);
    const done = this.last
      .then(() => this.run(message, leaving.signal))
      .catch(this.session.report)
      .finally(() => this.forget(name, leaving));
    if (!waits(message)) this.last = done;
  }

  private async run(message: PlainMessage, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const answer = await answerPlain(this.session, message, signal);
    // What was taken back gets no answer, and who has gone hears none.
    if (answer !== undefined && !signal.aborted) await this.answer(answer).catch(() => {});
  }

  private forget(name: unknown, leaving: AbortController): void {
    if (this.running.get(name) === leaving) this.running.delete(name);
    this.ended();
  }

  /** The client takes a call back. */
  cancel(id: Id): void {
    this.running.get(id)?.abort();
  }

  /** The client has gone. */
  close(): void {
    for (const leaving of this.running.values()) leaving.abort();
  }
}
