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
import { RequestMalformedError, restStatusFor, toRestErrorBody } from '@a2a-js/sdk/errors';
import { JsonRpcTransportHandler, validateVersion } from '@a2a-js/sdk/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { reachOf } from '../access/reach.ts';
import { sendCached } from '../http/cached.ts';
import { baseUrl } from '../http/gate.ts';
import { ProblemError, tooManyStreams } from '../http/problem.ts';
import type { HttpContext } from '../http/server.ts';
import { bodyOf, parsed, type RpcRequest } from './bodies.ts';
import { A2aCall, type Place } from './call.ts';
import { JSON_RPC_PATH, KEYS_PATH, keySet, publicCard, signed } from './card.ts';
import { GroupHandler } from './handler.ts';
import { Intake } from './intake.ts';
import { Pusher, type PusherOptions } from './push.ts';
import { PushDesk } from './push-desk.ts';
import { A2aRecords } from './records.ts';
import { checkRequest, isMethod } from './shapes.ts';
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

/** Methods whose answer waits for a task, or follows it. */
const WAITING: ReadonlySet<string> = new Set(['SendMessage', 'SendStreamingMessage', 'SubscribeToTask']);

type Params = Record<string, string>;

export interface A2aOptions extends Pick<PusherOptions, 'arePrivateAllowed' | 'retryMs' | 'givenUp'> {
  /** Where the card says that the node is; as each caller addresses it, if not given. */
  readonly url: string | undefined;
  /** Names and addresses that the operator has given the node. */
  readonly ownHosts: readonly string[];
}

export class A2aEndpoint {
  private readonly url: string | undefined;
  private readonly ownHosts: readonly string[];
  private readonly context: HttpContext;
  private readonly handler: GroupHandler;
  private readonly rpc: JsonRpcTransportHandler;
  private readonly pusher: Pusher;
  private readonly index: TaskIndex;

  constructor(context: HttpContext, { url, ownHosts, ...push }: A2aOptions) {
    this.url = url;
    this.ownHosts = ownHosts;
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
      const place = this.placeOf(request);
      const card = signed(node, publicCard(place.base), place);
      return sendCached(request, reply, JSON.stringify(AgentCard.toJSON(card)));
    });
    app.get(KEYS_PATH, async (request, reply) => sendCached(request, reply, JSON.stringify(keySet(node))));
    // In a scope of its own: bodies are read as A2A reads them there.
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        ['application/json', A2A_CONTENT_TYPE],
        { parseAs: 'buffer' },
        (_, body, done) => done(null, body),
      );
      for (const path of [JSON_RPC_PATH, `${JSON_RPC_PATH}/`])
        scope.post(path, (request, reply) => this.answerRpc(request, reply));
      for (const prefix of [JSON_RPC_PATH, `${JSON_RPC_PATH}/:tenant`]) this.addRest(scope, prefix);
    });
  }

  /** Where the node is, as callers know it. */
  private placeOf(request: FastifyRequest): Place {
    if (this.url !== undefined) return { base: this.url, isOurs: true };
    return { base: baseUrl(request), isOurs: this.ownHosts.includes(request.hostname.toLowerCase()) };
  }

  private callOf(request: FastifyRequest, reply: FastifyReply, tenant?: string): A2aCall {
    const gone = new AbortController();
    reply.raw.on('close', () => gone.abort());
    const { ending } = this.context;
    const access = request.access!;
    const node = reachOf(this.context.node, access);
    const signal = AbortSignal.any([gone.signal, ending]);
    const caller = { node, access, place: this.placeOf(request), signal };
    return new A2aCall(caller, request.headers, tenant);
  }

  // JSON-RPC.

  private async answerRpc(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const call = this.callOf(request, reply);
    const body = parsed(request);
    if ('problem' in body) return reply.send({ jsonrpc: '2.0', id: null, error: body.problem });
    const { id = null, method, params } = body.request;
    if (WRITING.has(method)) requireIdentity(call);
    try {
      validateVersion(call.requestedVersion, publicCard(''), 'JSONRPC');
      // A method that there is not is told by the SDK.
      if (isMethod(method)) checkRequest(method, params ?? {});
    } catch (error) {
      return reply.send({ jsonrpc: '2.0', id, error: JsonRpcTransportHandler.mapToJSONRPCError(error) });
    }
    const work = (): Promise<FastifyReply> => this.handleRpc(body.request, call, reply);
    return WAITING.has(method) ? this.inStream(call, work) : work();
  }

  private async handleRpc(request: RpcRequest, call: A2aCall, reply: FastifyReply): Promise<FastifyReply> {
    const { id = null } = request;
    const answer = await this.rpc.handle({ ...request }, call);
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

  /** Whoever waits for a task, or follows it, holds one of the places for streams. @throws ProblemError */
  private async inStream<T>({ caller: { access } }: A2aCall, work: () => Promise<T>): Promise<T> {
    const { streams } = this.context;
    if (!streams.take(access.id)) throw tooManyStreams();
    try {
      return await work();
    } finally {
      streams.give(access.id);
    }
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
      this.inStream(call, () =>
        sendStream(reply, events, call.caller.signal, StreamResponse.toJSON, (error) => ({
          status: restStatusFor(error),
          body: toRestErrorBody(error, restStatusFor(error)),
        })),
      );
    const sent = (request: FastifyRequest): SendMessageRequest =>
      SendMessageRequest.fromJSON(bodyOf('SendMessage', request));

    scope.get(
      `${prefix}/extendedAgentCard`,
      rest(false, async (call, _, reply) =>
        sendJson(reply, AgentCard.toJSON(await handler.getAuthenticatedExtendedAgentCard({}, call))),
      ),
    );
    scope.post(
      `${prefix}/message::send`,
      rest(true, async (call, request, reply) => {
        const given = sent(request);
        const task = await this.inStream(call, () => handler.sendMessage(given, call));
        if ('messageId' in task) throw new TypeError('a group answers with tasks');
        return sendJson(reply, SendMessageResponse.toJSON({ payload: { $case: 'task', value: task } }));
      }),
    );
    scope.post(
      `${prefix}/message::stream`,
      rest(true, async (call, request, reply) =>
        stream(reply, call, handler.sendMessageStream(sent(request), call)),
      ),
    );
    scope.get(
      `${prefix}/tasks`,
      rest(false, async (call, { query }, reply) => {
        const given = listQuery(query as Params);
        checkRequest('ListTasks', given);
        const page = await handler.listTasks(ListTasksRequest.fromJSON(given), call);
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
          ...bodyOf('CreateTaskPushNotificationConfig', request),
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
    next: 'ask the operator of the node for a token that may write',
  });
}

function sendJson(reply: FastifyReply, value: unknown, status = 200): FastifyReply {
  return reply.code(status).type(A2A_CONTENT_TYPE).send(JSON.stringify(value));
}

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false };

/** A query as the request that it spells. */
function listQuery(query: Params): object {
  const { pageSize, historyLength, includeArtifacts, ...rest } = query;
  return {
    ...rest,
    ...(pageSize === undefined ? {} : { pageSize: wholeNumber(pageSize, 'pageSize') }),
    ...(historyLength === undefined ? {} : { historyLength: wholeNumber(historyLength, 'historyLength') }),
    ...(includeArtifacts === undefined
      ? {}
      : { includeArtifacts: BOOLEANS[includeArtifacts] ?? includeArtifacts }),
  };
}

function wholeNumber(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new RequestMalformedError(`${name} is a whole number`);
  return Number(text);
}
