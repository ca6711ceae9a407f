/** Pages of allowed origins may read what they are answered: the Fetch standard's CORS, preflights included. */
import type { FastifyReply, FastifyRequest } from 'fastify';

const METHODS = 'GET, HEAD, POST, DELETE';
/** What clients of the protocols send beside what every page may. */
const REQUEST_HEADERS = [
  'authorization',
  'content-type',
  'last-event-id',
  'idempotency-key',
  'if-none-match',
  'mcp-session-id',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'a2a-version',
  'a2a-extensions',
].join(', ');
const ANSWER_HEADERS = [
  'x-request-id',
  'retry-after',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'www-authenticate',
  'idempotent-replayed',
  'etag',
  'allow',
  'mcp-session-id',
].join(', ');
/** A browser asks again after this long. */
const PREFLIGHT_S = 600;

/** Says so to a page whose origin was let in. True: the request was a preflight, and is answered. */
export function answerPage({ method, headers }: FastifyRequest, reply: FastifyReply): boolean {
  reply.header('vary', 'origin');
  const { origin } = headers;
  if (origin === undefined) return false;
  reply.header('access-control-allow-origin', origin);
  if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) {
    reply.header('access-control-expose-headers', ANSWER_HEADERS);
    return false;
  }
  reply.headers({
    'access-control-allow-methods': METHODS,
    'access-control-allow-headers': REQUEST_HEADERS,
    'access-control-max-age': PREFLIGHT_S,
    // A page of another network may ask for this machine, if the operator has named its host.
    ...(headers['access-control-request-private-network'] === 'true'
      ? { 'access-control-allow-private-network': 'true' }
      : {}),
  });
  void reply.code(204).send();
  return true;
}
