/** Operations as paths: `POST /v1/NAME` with a JSON body, and for those that only read `GET /v1/NAME?parameters`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { reachOf } from '../access/reach.ts';
import { type AccessToken, scopesOf } from '../access/tokens.ts';
import { describeFailure } from '../operations/failure.ts';
import { performOnce } from '../operations/idempotency.ts';
import type { Names } from '../operations/next-steps.ts';
import type { Call, Operation } from '../operations/operation.ts';
import { OPERATIONS, operationNamed } from '../operations/registry.ts';
import { ProblemError, problemOf } from './problem.ts';
import type { HttpContext } from './server.ts';

export function addOperations(app: FastifyInstance, context: HttpContext): void {
  for (const operation of OPERATIONS) {
    const url = `/v1/${operation.name}`;
    app.post(url, (request, reply) => answer(context, operation, request.body, request, reply));
    if (operation.effect === 'reads')
      app.get(url, (request, reply) => answer(context, operation, request.query, request, reply));
  }
}

async function answer(
  { node, report }: HttpContext,
  operation: Operation,
  input: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const access = request.access!;
  if (!scopesOf(access).has(operation.scope))
    throw new ProblemError({
      status: 403,
      code: 'forbidden',
      detail: `${operation.name} needs the scope ${operation.scope}, which this token has not`,
      next: `ask the operator of the node for a token that may ${operation.scope}`,
    });
  if (access.groups !== undefined && operation.isNodeWide) throw confined(operation.name);
  const taken = operation.take(input);
  if (taken.input === undefined)
    throw new ProblemError({
      status: 400,
      code: 'usage',
      detail: taken.problems.join('; '),
      next: 'see /openapi.json',
    });
  const gone = new AbortController();
  reply.raw.on('close', () => gone.abort());
  const call: Call = {
    node: reachOf(node, access),
    identity: access.identity,
    signal: gone.signal,
    names: namesFor(access),
    progress: () => {},
  };
  try {
    const { input: meant } = taken;
    const work = () => operation.run(call, meant);
    const { result, isReplayed } = await performOnce(call, operation, meant, { key: keyOf(request), work });
    if (isReplayed) reply.header('idempotent-replayed', 'true');
    return result;
  } catch (error) {
    const failure = describeFailure(error, call, { operation, input: taken.input });
    if (failure.kind === 'bug') report(error);
    throw new ProblemError(problemOf(failure));
  }
}

/** Paths go by the names of their operations; those that the token may not call are not named. */
function namesFor(access: AccessToken): Names {
  const scopes = scopesOf(access);
  const isConfined = access.groups !== undefined;
  return (name) => {
    const operation = operationNamed(name);
    const isOffered =
      operation !== undefined && scopes.has(operation.scope) && !(isConfined && operation.isNodeWide);
    return isOffered ? name : undefined;
  };
}

/** The key of a call: as it is, or as the text that a structured field has it (RFC 9651). */
function keyOf({ headers }: FastifyRequest): string | undefined {
  const given = headers['idempotency-key'];
  if (given === undefined) return undefined;
  const key = Array.isArray(given) ? given.join(', ') : given;
  const [, quoted] = /^"((?:[^"\\]|\\["\\])*)"$/.exec(key) ?? [];
  return quoted === undefined ? key : quoted.replaceAll(/\\(.)/g, '$1');
}

/** What a caller who is confined to some groups asks about more than them. */
export function confined(what: string): ProblemError {
  return new ProblemError({
    status: 403,
    code: 'forbidden',
    detail: `${what} is about the whole node, and this token is for some of its groups`,
    next: 'ask the operator of the node for a token that reaches all groups',
  });
}
