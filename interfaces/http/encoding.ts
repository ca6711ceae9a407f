/** Bodies come as they are, in UTF-8: one that is packed or spelled otherwise is named as such, and not misread. */
import type { FastifyRequest } from 'fastify';
import { ProblemError } from './problem.ts';

/** @throws ProblemError for a body that would be misread */
export function checkEncoding({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity')
    throw unsupported('the body is compressed', 'send it as it is, without Content-Encoding');
  const [, charset = 'utf-8'] = /;\s*charset="?([^";\s]+)/i.exec(headers['content-type'] ?? '') ?? [];
  if (!/^utf-?8$/i.test(charset)) throw unsupported('the body is not said to be UTF-8', 'send it in UTF-8');
}

function unsupported(detail: string, next: string): ProblemError {
  return new ProblemError({ status: 415, code: 'unsupported_media_type', detail, next });
}
