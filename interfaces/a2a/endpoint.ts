/**
 * A2A on the HTTP server of a node that is up: the card at its well-known path, JSON-RPC at `/a2a`, and the same as
 * HTTP+JSON below it. Tokens and scopes are those of the rest of the server.
 */
import {
  A2A_CONTENT_TYPE,
  AGENT_CARD_PATH,
  AgentCard,
  ListTaskPushNotificationConfigsResponse,
  ListTasksRequest,
  ListTasksResponse,
  SendMessageRequest,
  SendMessageResponse,
  StreamResponse,
  Task,
  TaskPushNotificationConfig,
} from '@a2a-js/sdk';
import { A2A_ERROR_CODE, RequestMalformedError, restStatusFor, toRestErrorBody } from '@a2a-js/sdk/errors';
import { JsonRpcTransportHandler, validateVersion } from '@a2a-js/sdk/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { reachOf } from '../access/reach.ts';
import { baseUrl } from '../http/gate.ts';
import { ProblemError } from '../http/problem.ts';
import type { HttpContext } from '../http/server.ts';
import { A2aCall } from './call.ts';
import { JSON_RPC_PATH, KEYS_PATH, keySet, publicCard, signed } from './card.ts';
import { GroupHandler } from './handler.ts';
import { Intake } from './intake.ts';
import { Pusher, type PusherOptions } from './push.ts';
import { PushDesk } from './push-desk.ts';
import { A2aRecords } from './records.ts';
import { sendStream } from './sse.ts';
import { TaskIndex } from './task-index.ts';

/** Methods that change something. */
const WRITING: ReadonlySet<string> = new Set([
  'SendMessage',
  'SendStreamingMessage',
  'CancelTask',
  'CreateTaskPushNotificationConfig',
  'DeleteTaskPushNotificationConfig',
]);

type Params = Record<string, string>;

export interface A2aOptions extends Pick<PusherOptions, 'arePrivateAllowed' | 'retryMs' | 'givenUp'> {
  /** Where the card says that the node is; as each caller addresses it, if not given. */
  readonly url: string | undefined;
}

export class A2aEndpoint {
  private readonly url: string | undefined;
  private readonly context: HttpContext;
  private readonly handler: GroupHandler;
  private readonly rpc: JsonRpcTransportHandler;
  private readonly pusher: Pusher;
  private readonly index: TaskIndex;

  constructor(context: HttpContext, { url, ...push }: A2aOptions) {
    this.url = url;
    const { node, report } = context;
    this.context = context;
    const records = new A2aRecords(node.networkPort.store.agents, () => node.networkPort.signer);
    this.pusher = new Pusher({ node, records, report, ...push });
    const desk = new PushDesk(records, this.pusher, push);
    this.index = new TaskIndex(node, records);
    const intake = new Intake(records, this.index);
    this.handler = new GroupHandler({ node, records, report, push: desk, intake, index: this.index });
    this.rpc = new JsonRpcTransportHandler(this.handler);
  }

  close(): Promise<void> {
    this.index.close();
    return this.pusher.close();
  }

  async addTo(app: FastifyInstance): Promise<void> {
    const { node } = this.context;
    app.get(`/${AGENT_CARD_PATH}`, async (request, reply) => {
      const base = this.baseOf(request);
      return reply
        .type('application/json')
        .send(JSON.stringify(AgentCard.toJSON(signed(node, publicCard(base), base))));
    });
    app.get(KEYS_PATH, async () => keySet(node));
    // In a scope of its own: bodies are read as A2A reads them there.
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        ['application/json', A2A_CONTENT_TYPE],
        { parseAs: 'string' },
        (_, body, done) => done(null, body),
      );
      scope.post(JSON_RPC_PATH, (request, reply) => this.answerRpc(request, reply));
      for (const prefix of [JSON_RPC_PATH, `${JSON_RPC_PATH}/:tenant`]) this.addRest(scope, prefix);
    });
  }

  /** Where the node is, as callers know it. */
  private baseOf(request: FastifyRequest): string {
    return this.url ?? baseUrl(request);
  }

  private callOf(request: FastifyRequest, reply: FastifyReply, tenant?: string): A2aCall {
    const gone = new AbortController();
    reply.raw.on('close', () => gone.abort());
    const { ending } = this.context;
    const access = request.access!;
    const node = reachOf(this.context.node, access);
    const signal = AbortSignal.any([gone.signal, ending]);
    const caller = { node, access, base: this.baseOf(request), signal };
    return new A2aCall(caller, request.headers, tenant);
  }

  // JSON-RPC.

  private async answerRpc(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const call = this.callOf(request, reply);
    const body = parsed(request.body);
    if ('problem' in body) return reply.send({ jsonrpc: '2.0', id: null, error: body.problem });
    const { id = null, method } = body.request;
    try {
      validateVersion(call.requestedVersion, publicCard(''), 'JSONRPC');
    } catch (error) {
      return reply.send({ jsonrpc: '2.0', id, error: JsonRpcTransportHandler.mapToJSONRPCError(error) });
    }
    if (WRITING.has(method)) requireIdentity(call);
    const answer = await this.rpc.handle({ ...body.request }, call);
    if (!(Symbol.asyncIterator in answer)) return reply.type('application/json').send(JSON.stringify(answer));
    const failed = (error: unknown): object => ({
      jsonrpc: '2.0',
      id,
      error: JsonRpcTransportHandler.mapToJSONRPCError(error),
    });
    return sendStream(
      reply,
      answer,
      call.caller.signal,
      (one) => one,
      (error) => ({ status: 200, body: failed(error) }),
    );
  }

  // HTTP+JSON.

  private addRest(scope: FastifyInstance, prefix: string): void {
    const { handler } = this;
    const rest =
      (
        isWriting: boolean,
        work: (call: A2aCall, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
      ) =>
      async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
        const call = this.callOf(request, reply, (request.params as Params).tenant);
        if (isWriting) requireIdentity(call);
        try {
          validateVersion(call.requestedVersion, publicCard(''), 'HTTP+JSON');
          return await work(call, request, reply);
        } catch (error) {
          if (error instanceof ProblemError) throw error;
          return sendJson(reply, toRestErrorBody(error, restStatusFor(error)), restStatusFor(error));
        }
      };
    const stream = (
      reply: FastifyReply,
      call: A2aCall,
      events: AsyncGenerator<StreamResponse>,
    ): Promise<FastifyReply> =>
      sendStream(reply, events, call.caller.signal, StreamResponse.toJSON, (error) => ({
        status: restStatusFor(error),
        body: toRestErrorBody(error, restStatusFor(error)),
      }));

    scope.get(
      `${prefix}/extendedAgentCard`,
      rest(false, async (call, _, reply) =>
        sendJson(reply, AgentCard.toJSON(await handler.getAuthenticatedExtendedAgentCard({}, call))),
      ),
    );
    scope.post(
      `${prefix}/message::send`,
      rest(true, async (call, { body }, reply) => {
        const task = await handler.sendMessage(SendMessageRequest.fromJSON(jsonOf(body)), call);
        if ('messageId' in task) throw new TypeError('a group answers with tasks');
        return sendJson(reply, SendMessageResponse.toJSON({ payload: { $case: 'task', value: task } }));
      }),
    );
    scope.post(
      `${prefix}/message::stream`,
      rest(true, (call, { body }, reply) =>
        stream(reply, call, handler.sendMessageStream(SendMessageRequest.fromJSON(jsonOf(body)), call)),
      ),
    );
    scope.get(
      `${prefix}/tasks`,
      rest(false, async (call, { query }, reply) => {
        const page = await handler.listTasks(ListTasksRequest.fromJSON(listQuery(query as Params)), call);
        // An empty list is said, and so is the end of it.
        return sendJson(reply, {
          tasks: [],
          nextPageToken: '',
          ...(ListTasksResponse.toJSON(page) as object),
        });
      }),
    );
    // `tasks/ID:cancel`: what is to be done stands behind the id.
    const task = (isWriting: boolean) =>
      rest(isWriting, async (call, { params, method, query }, reply) => {
        const [, id = '', verb = ''] = /^([^:]*):?(.*)$/.exec((params as Params).id ?? '') ?? [];
        if (verb === 'subscribe') return stream(reply, call, handler.resubscribe({ tenant: '', id }, call));
        if (method === 'POST' && verb === 'cancel') {
          requireIdentity(call);
          return sendJson(
            reply,
            Task.toJSON(await handler.cancelTask({ tenant: '', id, metadata: undefined }, call)),
          );
        }
        if (method !== 'GET' || verb !== '')
          throw new RequestMalformedError(`nothing is called ${verb} of a task`);
        const length = (query as Params).historyLength;
        const more = length === undefined ? {} : { historyLength: wholeNumber(length, 'historyLength') };
        return sendJson(reply, Task.toJSON(await handler.getTask({ tenant: '', id, ...more }, call)));
      });
    scope.get(`${prefix}/tasks/:id`, task(false));
    scope.post(`${prefix}/tasks/:id`, task(false));
    this.addPushRest(scope, `${prefix}/tasks/:id/pushNotificationConfigs`, rest);
  }

  private addPushRest(
    scope: FastifyInstance,
    path: string,
    rest: (
      isWriting: boolean,
      work: (call: A2aCall, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
    ) => (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
  ): void {
    const { handler } = this;
    const config = (request: FastifyRequest) => {
      const { id, config = '' } = request.params as Params;
      return { tenant: '', taskId: id!, id: config };
    };
    scope.post(
      path,
      rest(true, async (call, request, reply) => {
        const given = TaskPushNotificationConfig.fromJSON({
          ...(jsonOf(request.body) as object),
          taskId: config(request).taskId,
        });
        const made = await handler.createTaskPushNotificationConfig(given, call);
        return sendJson(reply, TaskPushNotificationConfig.toJSON(made), 201);
      }),
    );
    scope.get(
      path,
      rest(false, async (call, request, reply) => {
        const wanted = { ...config(request), pageSize: 0, pageToken: '' };
        const found = await handler.listTaskPushNotificationConfigs(wanted, call);
        return sendJson(reply, ListTaskPushNotificationConfigsResponse.toJSON(found));
      }),
    );
    scope.get(
      `${path}/:config`,
      rest(false, async (call, request, reply) =>
        sendJson(
          reply,
          TaskPushNotificationConfig.toJSON(
            await handler.getTaskPushNotificationConfig(config(request), call),
          ),
        ),
      ),
    );
    scope.delete(
      `${path}/:config`,
      rest(true, async (call, request, reply) => {
        await handler.deleteTaskPushNotificationConfig(config(request), call);
        return reply.code(204).send();
      }),
    );
  }
}

/** @throws ProblemError for a token that only reads */
function requireIdentity({ caller: { access } }: A2aCall): void {
  if (access.identity !== undefined) return;
  throw new ProblemError({
    status: 403,
    code: 'scope_missing',
    detail: 'the access token only reads, and this needs the scope write',
    next: 'the operator of the node makes one that writes with: lb access create NAME --write-as IDENTITY',
  });
}

function sendJson(reply: FastifyReply, value: unknown, status = 200): FastifyReply {
  return reply.code(status).type(A2A_CONTENT_TYPE).send(JSON.stringify(value));
}

interface RpcRequest {
  readonly method: string;
  readonly id?: unknown;
}

/** The request of a body, or what JSON-RPC says to a body that is none. */
function parsed(body: unknown): { request: RpcRequest } | { problem: object } {
  let value: unknown;
  try {
    value = JSON.parse(String(body));
  } catch {
    return { problem: { code: A2A_ERROR_CODE.PARSE_ERROR, message: 'The body is not JSON.' } };
  }
  const { jsonrpc, method } = (value ?? {}) as { jsonrpc?: unknown; method?: unknown };
  if (jsonrpc === '2.0' && typeof method === 'string') return { request: value as RpcRequest };
  return {
    problem: { code: A2A_ERROR_CODE.INVALID_REQUEST, message: 'The body is no request of JSON-RPC 2.0.' },
  };
}

function jsonOf(body: unknown): Record<string, unknown> {
  try {
    const value: unknown = body === undefined ? {} : JSON.parse(String(body));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // As for anything else that is no object.
  }
  throw new RequestMalformedError('the body is no JSON object');
}

/** A query as the request that it spells. */
function listQuery(query: Params): object {
  const { pageSize, historyLength, includeArtifacts, ...rest } = query;
  return {
    ...rest,
    ...(pageSize === undefined ? {} : { pageSize: wholeNumber(pageSize, 'pageSize') }),
    ...(historyLength === undefined ? {} : { historyLength: wholeNumber(historyLength, 'historyLength') }),
    ...(includeArtifacts === undefined ? {} : { includeArtifacts: includeArtifacts === 'true' }),
  };
}

function wholeNumber(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new RequestMalformedError(`${name} is a whole number`);
  return Number(text);
}
