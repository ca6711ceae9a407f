/**
 * What goes over the local socket: one JSON object per line, in both directions, one run of `lb` per connection.
 *
 *     client                        node that is up
 *     run  ───────────────────────▶
 *          ◀─────────────────────── out, err …           as they come
 *          ◀─────────────────────── ask                  a question for the person
 *     answer ─────────────────────▶
 *          ◀─────────────────────── want_input           what is piped into the client: all of it, or as it comes
 *     input … (the last: end) ────▶
 *     abort ──────────────────────▶                      Ctrl-C; closing the connection means the same
 *          ◀─────────────────────── exit                 the exit code; the connection ends
 *
 * The socket lies in the data directory with mode 0600: whoever can open it could open the directory as well, so
 * there is nothing more to prove. Frames are checked all the same, since another version may be at the other end.
 */

/** Raised when frames change their meaning. Both ends must have the same. */
export const SOCKET_PROTOCOL = 2;

/** Longer pieces are cut: a frame is in memory as a whole. */
const CHUNK_BYTES = 256 * 1024;
/** A line longer than this is no frame of ours. */
const LINE_BYTES_MAX = 4 * 1024 * 1024;

export interface RunRequest {
  readonly kind: 'run';
  readonly protocol: number;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly isOutTerminal: boolean;
  readonly isErrTerminal: boolean;
  readonly isInteractive: boolean;
  readonly columns?: number;
}

export type ClientFrame =
  | RunRequest
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'input'; readonly base64: string; readonly end: boolean }
  | { readonly kind: 'abort' };

export type NodeFrame =
  | { readonly kind: 'out'; readonly text: string }
  | { readonly kind: 'out_bytes'; readonly base64: string }
  | { readonly kind: 'err'; readonly text: string }
  | { readonly kind: 'ask'; readonly question: string; readonly isShown: boolean }
  | { readonly kind: 'want_input'; readonly asItComes: boolean }
  | { readonly kind: 'other_protocol'; readonly protocol: number }
  | { readonly kind: 'exit'; readonly code: number };

/** The other end speaks something else, or broke off. */
export class SocketProtocolError extends Error {
  override readonly name = 'SocketProtocolError';
  readonly code = 'socket_protocol';
}

/** The node ended, or was ended, before the verb had. */
export class NodeGoneError extends SocketProtocolError {
  constructor() {
    super('the node went away before the verb had ended');
  }
}

export function encodeFrame(frame: ClientFrame | NodeFrame): string {
  return `${JSON.stringify(frame)}\n`;
}

/** Bytes in pieces that fit a frame, in base64. */
export function* bytePieces(bytes: Uint8Array): Generator<string> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    yield Buffer.from(bytes.subarray(at, at + CHUNK_BYTES)).toString('base64');
}

/** A text in pieces that fit a frame, never cut within a character: its halves would arrive as two broken ones. */
export function* textPieces(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const isCut = /[\ud800-\udbff]/.test(text[at + CHUNK_BYTES - 1] ?? '');
    const end = at + CHUNK_BYTES - (isCut ? 1 : 0);
    yield text.slice(at, end);
    at = end;
  }
}

type FieldType = 'string' | 'number' | 'boolean' | 'strings' | 'record';

const RUN_FIELDS: Readonly<Record<string, FieldType>> = {
  protocol: 'number',
  args: 'strings',
  cwd: 'string',
  env: 'record',
  isOutTerminal: 'boolean',
  isErrTerminal: 'boolean',
  isInteractive: 'boolean',
};

const CLIENT_FIELDS: Readonly<Record<ClientFrame['kind'], Readonly<Record<string, FieldType>>>> = {
  run: RUN_FIELDS,
  answer: { text: 'string' },
  input: { base64: 'string', end: 'boolean' },
  abort: {},
};

const NODE_FIELDS: Readonly<Record<NodeFrame['kind'], Readonly<Record<string, FieldType>>>> = {
  out: { text: 'string' },
  out_bytes: { base64: 'string' },
  err: { text: 'string' },
  ask: { question: 'string', isShown: 'boolean' },
  want_input: { asItComes: 'boolean' },
  other_protocol: { protocol: 'number' },
  exit: { code: 'number' },
};

/** @throws SocketProtocolError */
export function decodeClientFrame(line: string): ClientFrame {
  return decodeFrame(line, CLIENT_FIELDS) as ClientFrame;
}

/** @throws SocketProtocolError */
export function decodeNodeFrame(line: string): NodeFrame {
  return decodeFrame(line, NODE_FIELDS) as NodeFrame;
}

function decodeFrame(
  line: string,
  kinds: Readonly<Record<string, Readonly<Record<string, FieldType>>>>,
): unknown {
  let frame: unknown;
  try {
    frame = JSON.parse(line);
  } catch {
    throw new SocketProtocolError('the other end of the socket sent something that is no frame');
  }
  const kind = (frame as { kind?: unknown } | null)?.kind;
  const fields = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (fields === undefined)
    throw new SocketProtocolError('the other end of the socket sent an unknown frame');
  for (const [name, type] of Object.entries(fields))
    if (!hasType((frame as Record<string, unknown>)[name], type))
      throw new SocketProtocolError(`the other end of the socket sent a ${kind} frame with a wrong ${name}`);
  return frame;
}

function hasType(value: unknown, type: FieldType): boolean {
  const isText = (one: unknown): boolean => typeof one === 'string';
  switch (type) {
    case 'strings':
      return Array.isArray(value) && value.every(isText);
    case 'record':
      return typeof value === 'object' && value !== null && Object.values(value).every(isText);
    default:
      return typeof value === type;
  }
}

/** Cuts what arrives into lines. */
export class LineReader {
  private rest = '';
  private readonly decoder = new TextDecoder();

  /**
   * The lines that `chunk` completes.
   * @throws SocketProtocolError
   */
  push(chunk: Uint8Array): string[] {
    const lines = (this.rest + this.decoder.decode(chunk, { stream: true })).split('\n');
    this.rest = lines.pop()!;
    if (this.rest.length > LINE_BYTES_MAX || lines.some((line) => line.length > LINE_BYTES_MAX))
      throw new SocketProtocolError('the other end of the socket sent a frame that is too long');
    return lines;
  }
}
