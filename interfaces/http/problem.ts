/** Errors over HTTP, as RFC 9457 has them: a code that never changes, what and why, what to do next. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { FailureKind, OperationFailure } from '../operations/failure.ts';
import { oneLine } from '../operations/quote.ts';
import { BodyError } from './json-body.ts';

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** What to do about it, with what a caller over HTTP has: no shell and no settings. */
  readonly next: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** When it is worth to try again; told by a header, which clients obey by themselves. */
  readonly retryAfterS?: number;
}

/** Until somebody may have ended what they hold. */
export const BUSY_RETRY_S = 5;

/** An answer that is a problem: thrown where it is found, sent by the error handler. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

const STATUS_OF_KIND: Readonly<Record<FailureKind, number>> = {
  ok: 200,
  bug: 500,
  usage: 400,
  notFound: 404,
  refused: 409,
  forbidden: 403,
  unreachable: 502,
  environment: 503,
  // Nobody reads it: the caller is gone.
  interrupted: 499,
};

const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  // Not done yet, and not to be asked for again: the node sends it when it can.
  pending: 202,
  // As the draft of the header has it.
  idempotency_key_reused: 422,
};

/** The problem that a failed operation is. */
export function problemOf({ kind, code, message, next, details }: OperationFailure): Problem {
  const status = STATUS_OF_CODE[code] ?? STATUS_OF_KIND[kind];
  return { status, code, detail: message, next, details };
}

/** As RFC 9110 has them, where Node has older words. */
const TITLES: Readonly<Record<number, string>> = {
  413: 'Content Too Large',
  422: 'Unprocessable Content',
};

export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const body = problemBody(problem, request.id);
  if (problem.retryAfterS !== undefined) reply.header('retry-after', problem.retryAfterS);
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(body));
}

/** A problem as it is sent. */
export function problemBody(problem: Problem, requestId: string): object {
  const { status, code, detail, next, details = {} } = problem;
  return {
    type: `urn:battery-node:problem:${code}`,
    title: TITLES[status] ?? STATUS_CODES[status] ?? 'Error',
    status,
    detail: oneLine(detail),
    code,
    next,
    ...(Object.keys(details).length === 0 ? {} : { details }),
    request_id: requestId,
  };
}

/** What an error on the way to an operation means: most are the HTTP server's own. */
export function problemOfError(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof BodyError)
    return { status: 400, code: 'bad_request', detail: error.message, next: 'see /openapi.json' };
  const { statusCode, code, message } = error as FastifyError;
  if (statusCode === undefined || statusCode >= 500 || statusCode < 400)
    return {
      status: 500,
      code: 'bug',
      detail: 'the node failed in a way that it should not',
      next: 'tell the operator of the node, whose log says more',
    };
  return {
    status: statusCode,
    code: CODES[statusCode] ?? String(code ?? 'bad_request').toLowerCase(),
    detail: message,
    next: NEXT[statusCode] ?? 'see /openapi.json',
  };
}

const NEXT: Readonly<Record<number, string>> = {
  413: 'send less at once',
  415: 'send JSON, with Content-Type: application/json',
};

const CODES: Readonly<Record<number, string>> = {
  400: 'bad_request',
  413: 'too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
};

/** The bearer of a token holds as many streams as it may: as many as are left to others. */
export function tooManyStreams(): ProblemError {
  return new ProblemError({
    status: 503,
    code: 'too_many_streams',
    detail: 'the bearer of this token follows as many streams as it may, or holds as many sessions',
    next: 'end one of them, or try again later',
    retryAfterS: BUSY_RETRY_S,
  });
}
