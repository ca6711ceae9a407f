/**
 * Who may come in. A request is looked at in this order, before anything of it is read: is it addressed to this node,
 * does it come from a page that may, and does it carry a token.
 */
import { validateOriginHeader } from '@modelcontextprotocol/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AccessToken, AccessTokens } from '../access/tokens.ts';
import { hostProblem, LOOPBACK_NAMES } from './host-name.ts';
import { ProblemError } from './problem.ts';

export interface GateOptions {
  readonly tokens: AccessTokens;
  /** Names besides the loopback ones that requests may be addressed to. */
  readonly hosts: readonly string[];
  /** Hosts besides the loopback ones whose pages may send requests. */
  readonly origins: readonly string[];
}

export class Gate {
  private readonly tokens: AccessTokens;
  private readonly hosts: readonly string[];
  private readonly origins: string[];

  constructor({ tokens, hosts, origins }: GateOptions) {
    this.tokens = tokens;
    this.hosts = hosts;
    this.origins = [...LOOPBACK_NAMES, ...origins];
  }

  /** @throws ProblemError for a request that was led here under a false name */
  checkAddress({ headers }: FastifyRequest): void {
    const problem = hostProblem(headers.host, this.hosts);
    if (problem !== undefined) throw new ProblemError(problem);
    const origin = validateOriginHeader(headers.origin, this.origins);
    if (!origin.ok)
      throw new ProblemError({
        status: 403,
        code: 'origin_refused',
        detail: 'pages of that origin may not send requests to this node',
        next: 'ask the operator of the node to allow that origin',
      });
  }

  /** What the token of a request allows. @throws ProblemError without one that is valid */
  admit(request: FastifyRequest, reply: FastifyReply): AccessToken {
    const [, token] = /^bearer ([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '') ?? [];
    const access = token === undefined ? undefined : this.tokens.verify(token, Date.now());
    if (access !== undefined) return access;
    const reason = token === undefined ? '' : ', error="invalid_token"';
    reply.header('www-authenticate', `Bearer resource_metadata="${metadataUrl(request)}"${reason}`);
    throw new ProblemError({
      status: 401,
      code: token === undefined ? 'token_missing' : 'token_invalid',
      detail:
        token === undefined
          ? 'a request needs an access token, as Authorization: Bearer TOKEN'
          : 'the access token is unknown, revoked or expired',
      next: 'ask the operator of the node for one',
    });
  }
}

/** Where RFC 9728 says what protects the MCP endpoint. */
function metadataUrl(request: FastifyRequest): string {
  return `${baseUrl(request)}/.well-known/oauth-protected-resource/mcp`;
}

/** The address under which the caller knows this node; `checkAddress` has seen it. */
export function baseUrl({ protocol, host }: FastifyRequest): string {
  return `${protocol}://${host}`;
}
