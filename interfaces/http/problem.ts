/** Errors over HTTP, as RFC 9457 has them: a code that never changes, what and why, what to do next. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { FailureKind, OperationFailure } from '../operations/failure.ts';

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly next?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>>;
}

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

/** The problem that a failed operation is. */
export function problemOf({ kind, code, message, next, details }: OperationFailure): Problem {
  // Not done yet, and not to be asked for again: the node sends it when it can.
  const status = code === 'pending' ? 202 : STATUS_OF_KIND[kind];
  return { status, code, detail: message, next, details };
}

const TITLES: Readonly<Record<number, string>> = {
  202: 'Accepted',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, code, detail, next, details = {} } = problem;
  const body = {
    type: `urn:battery-node:problem:${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail,
    code,
    ...(next === undefined ? {} : { next }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
    request_id: request.id,
  };
  return reply.code(status).type('application/problem+json').send(JSON.stringify(body));
}

/** What an error on the way to an operation means: most are the HTTP server's own. */
export function problemOfError(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const { statusCode, code, message } = error as FastifyError;
  if (statusCode === undefined || statusCode >= 500 || statusCode < 400)
    return { status: 500, code: 'bug', detail: 'the node failed in a way that it should not' };
  return {
    status: statusCode,
    code: CODES[statusCode] ?? String(code ?? 'bad_request').toLowerCase(),
    detail: message,
  };
}

const CODES: Readonly<Record<number, string>> = {
  400: 'bad_request',
  413: 'too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
};
