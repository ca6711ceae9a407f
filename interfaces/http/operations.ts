/** Operations as paths: `POST /v1/NAME` with a JSON body, and for those that only read `GET /v1/NAME?parameters`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { reachOf } from '../access/reach.ts';
import { scopesOf } from '../access/tokens.ts';
import { describeFailure } from '../operations/failure.ts';
import { performOnce } from '../operations/idempotency.ts';
import type { Call, Operation } from '../operations/operation.ts';
import { OPERATIONS } from '../operations/registry.ts';
import { ProblemError, problemOf } from './problem.ts';
import type { HttpContext } from './server.ts';

export function addOperations(app: FastifyInstance, context: HttpContext): void {
  for (const operation of OPERATIONS) {
    const url = `/v1/${operation.name}`;
    app.post(url, (request, reply) => answer(context, operation, request.body ?? {}, request, reply));
    if (operation.effect === 'reads')
      app.get(url, (request, reply) =>
        answer(context, operation, inputOf(operation, request.query as Query), request, reply),
      );
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
      next: 'the operator of the node makes tokens with: lb access create',
    });
  if (access.groups !== undefined && operation.isNodeWide) throw confined(operation.name);
  const problems = operation.check(input);
  if (problems.length > 0)
    throw new ProblemError({
      status: 400,
      code: 'usage',
      detail: problems.join('; '),
      next: 'see /openapi.json',
    });
  const gone = new AbortController();
  reply.raw.on('close', () => gone.abort());
  const call: Call = {
    node: reachOf(node, access),
    identity: access.identity,
    signal: gone.signal,
    progress: () => {},
  };
  try {
    const work = () => operation.run(call, input as Parameters<Operation['run']>[1]);
    const { result, isReplayed } = await performOnce(call, operation, input, { key: keyOf(request), work });
    if (isReplayed) reply.header('idempotent-replayed', 'true');
    return result;
  } catch (error) {
    const failure = describeFailure(error, call, input);
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

/** What a caller who is confined to some groups asks about more than them. */
export function confined(what: string): ProblemError {
  return new ProblemError({
    status: 403,
    code: 'forbidden',
    detail: `${what} is about the whole node, and this token is for some of its groups`,
    next: 'the operator of the node makes tokens with: lb access create',
  });
}

type Query = Readonly<Record<string, string | string[]>>;

/** The input that a query string spells. What does not fit its type is left as it is, and refused by its schema. */
export function inputOf({ input }: Operation, query: Query): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, given]) => [name, valueIn(typeOf(input.properties[name]), given)]),
  );
}

function typeOf(schema: unknown): unknown {
  return (schema as { type?: unknown } | undefined)?.type;
}

function valueIn(type: unknown, given: string | string[]): unknown {
  if (type === 'array') return Array.isArray(given) ? given : given.split(',');
  if (Array.isArray(given)) return given;
  if (type === 'integer' && /^\d{1,16}$/.test(given)) return Number(given);
  if (type === 'boolean' && (given === 'true' || given === 'false')) return given === 'true';
  return given;
}
