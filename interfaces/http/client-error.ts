/** What comes in and is no request of HTTP, or none in time: answered as all other problems, on the bare connection. */
import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Problem, problemBody } from './problem.ts';

const PROBLEMS: Readonly<Record<string, Problem>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'request_timeout',
    detail: 'the request did not come in whole, and its time is over',
    next: 'send it again, at once and on a new connection',
  },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'headers_too_large',
    detail: 'the headers and the address of the request have more than 16 KiB',
    next: 'send what is long in the body, by POST',
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    code: 'too_large',
    detail: 'the chunks of the body have extensions that are too long',
    next: 'send the body without them',
  },
};

const NO_REQUEST: Problem = {
  status: 400,
  code: 'bad_request',
  detail: 'that is no request of HTTP/1.1',
  next: 'send requests as HTTP/1.1 has them, without TLS',
};

/** The other side is given so long to read the answer: what it still sends would otherwise take it away. */
const LINGER_MS = 1_000;

interface ClientErrorContext {
  /** What is being answered on the same connection. */
  readonly answering: ServerResponse | undefined;
  /** Told what was answered. */
  broken(status: number): void;
}

/** Answers an error of the parser, and ends the connection: nobody knows where the next request begins. */
export function answerClientError(
  error: Error & { readonly code?: string },
  socket: Duplex,
  { answering, broken }: ClientErrorContext,
): void {
  // An answer that has begun cannot be taken back.
  const isLost = error.code === 'ECONNRESET' || !socket.writable || answering?.headersSent === true;
  if (isLost) return void socket.destroy();
  const problem = PROBLEMS[error.code ?? ''] ?? NO_REQUEST;
  broken(problem.status);
  const id = randomUUID();
  const body = JSON.stringify(problemBody(problem, id));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${id}`,
    'cache-control: no-store',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.on('error', () => socket.destroy());
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** A request that expects what this server does not know; what it does know, 100-continue, is not seen here. */
export function answerExpectation(response: ServerResponse): void {
  const id = randomUUID();
  const detail = 'nothing is expected here but 100-continue';
  const next = 'send the request without Expect';
  const body = JSON.stringify(problemBody({ status: 417, code: 'expectation_failed', detail, next }, id));
  const headers = {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'x-request-id': id,
  };
  response.writeHead(417, headers).end(body);
}
