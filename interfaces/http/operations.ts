/** Operations as paths: `POST /v1/NAME` with a JSON body, and for those that only read `GET /v1/NAME?parameters`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { reachOf } from '../access/reach.ts';
import { scopesOf } from '../access/tokens.ts';
import { describeFailure } from '../operations/failure.ts';
import { performOnce } from '../operations/idempotency.ts';
import { type Caller, type Closed, namesFor, whyClosed } from '../operations/may-call.ts';
import type { Call, Operation } from '../operations/operation.ts';
import { OPERATIONS } from '../operations/registry.ts';
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
  const caller: Caller = { scopes: scopesOf(access), isConfined: access.groups !== undefined };
  const closed = whyClosed(caller, operation);
  if (closed !== undefined) throw forbidden(closed);
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
    names: namesFor(caller),
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

/** The key of a call: as it is, or as the text that a structured field has it (RFC 9651). */
function keyOf({ headers }: FastifyRequest): string | undefined {
  const given = headers['idempotency-key'];
  if (given === undefined) return undefined;
  const key = Array.isArray(given) ? given.join(', ') : given;
  const [, quoted] = /^"((?:[^"\\]|\\["\\])*)"$/.exec(key) ?? [];
  return quoted === undefined ? key : quoted.replaceAll(/\\(.)/g, '$1');
}

export function forbidden({ message, next }: Closed): ProblemError {
  return new ProblemError({ status: 403, code: 'forbidden', detail: message, next });
}
