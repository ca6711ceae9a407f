/** Descriptions that everybody may read, and keep for a while: with an ETag, so that asking again costs little. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sha256 } from '../../crypto/hash.ts';
import { toHex, utf8 } from '../../events/bytes.ts';

const KEEP_S = 300;
const ETAG_DIGITS = 32;

/** Sends a JSON text, or says that the caller has it already. */
export function sendCached(request: FastifyRequest, reply: FastifyReply, json: string): FastifyReply {
  const etag = `"${toHex(sha256(utf8(json))).slice(0, ETAG_DIGITS)}"`;
  reply.headers({ etag, 'cache-control': `public, max-age=${KEEP_S}` });
  const known = request.headers['if-none-match'] ?? '';
  const isKnown =
    known.trim() === '*' || known.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
  return isKnown ? reply.code(304).send() : reply.type('application/json').send(json);
}
