/**
 * MCP over streamable HTTP. A request of the newer era stands for itself; the older era opens sessions, which are
 * kept here: so many at once, each for as long as somebody uses it, each for the token that opened it.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type AuthInfo,
  createMcpHandler,
  isInitializeRequest,
  isJsonContentType,
  isLegacyRequest,
  type JSONRPCMessage,
  type McpHttpHandler,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { UsageError } from '../../actors/errors.ts';
import type { BatteryNode } from '../../node.ts';
import { reachOf } from '../access/reach.ts';
import { type AccessToken, scopesOf } from '../access/tokens.ts';
import { parseToolsets } from '../cli/toolsets.ts';
import { checkEncoding } from '../http/encoding.ts';
import { FairShare } from '../http/fair-share.ts';
import { BodyError, readJson } from '../http/json-body.ts';
import { ProblemError, tooManyStreams } from '../http/problem.ts';
import { parseAnswerTokens } from '../operations/answer-tokens.ts';
import { inOneLine } from '../operations/quote.ts';
import type { Toolset } from '../operations/toolset.ts';
import { watchChanges } from './changes.ts';
import { withShortError, withShortErrorText } from './error-text.ts';
import { withHeartbeat } from './heartbeat.ts';
import { asMeantByClient, BATCH_MAX } from './incoming.ts';
import { inOlderCodes } from './older-codes.ts';
import { answerPlain, isPlain, type PlainMessage } from './plain.ts';
import { ReplayMemory } from './replay.ts';
import { createServer } from './server.ts';
import type { Session } from './session.ts';
import { tellChanges } from './subscriptions.ts';
import { TaskSubscriptions } from './task-subscriptions.ts';

/** Sessions of the older era at once, which tokens share; beyond its share, a token's own one that was idle longest ends. */
const SESSIONS_MAX = 1_024;
/** A session that nobody uses ends after this long. */
const IDLE_MS_MAX = 30 * 60_000;
const SWEEP_MS = 60_000;
const BODY_BYTES_MAX = 8 * 1024 * 1024;

interface LegacySession {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** The token that opened it. */
  readonly tokenId: string;
  readonly end: () => Promise<void>;
  usedMs: number;
}

/** What goes with a request through the SDK, beside the token itself, which nobody behind the gate needs. */
interface Caller {
  readonly access: AccessToken;
  readonly toolsets: ReadonlySet<Toolset>;
  readonly answerTokens: number;
}

export interface McpEndpointOptions extends Pick<Session, 'report' | 'toolCalled'> {
  readonly node: BatteryNode;
  /** Of all protocols, by token. */
  readonly streams: FairShare;
}

export class McpEndpoint {
  private readonly node: BatteryNode;
  private readonly report: (error: unknown) => void;
  private readonly modern: McpHttpHandler;
  private readonly sessions = new Map<string, LegacySession>();
  private readonly places = new FairShare(SESSIONS_MAX);
  private readonly streams: FairShare;
  private readonly toolCalled: Session['toolCalled'];
  private readonly replay = new ReplayMemory();
  private readonly changes: Disposable;
  private readonly sweeping: NodeJS.Timeout;

  constructor({ node, report, streams, toolCalled }: McpEndpointOptions) {
    this.streams = streams;
    this.node = node;
    this.report = report;
    this.toolCalled = toolCalled;
    this.modern = createMcpHandler(
      async ({ authInfo }) => (await createServer(this.sessionOf(callerIn(authInfo)), 'modern')).server,
      {
        legacy: 'reject',
        maxRequestBodySize: BODY_BYTES_MAX,
      },
    );
    const { notify } = this.modern;
    this.changes = watchChanges(node, ({ updated, isListChanged }) => {
      if (isListChanged) notify.resourcesChanged();
      for (const uri of updated) notify.resourceUpdated(uri);
    });
    this.sweeping = setInterval(() => this.sweep(performance.now() - IDLE_MS_MAX), SWEEP_MS);
    this.sweeping.unref();
  }

  /**
   * Answers at `/mcp`. The gate has let the caller in; what they send is read here, since its errors are
   * JSON-RPC.
   */
  addTo(app: FastifyInstance): void {
    app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
      scope.route({
        method: ['GET', 'POST', 'DELETE'],
        url: '/mcp',
        handler: (request, reply) => this.handle(request, reply),
      });
    });
  }

  private async handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const leaving = new AbortController();
    reply.raw.on('close', () => {
      if (!reply.raw.writableFinished) leaving.abort();
    });
    const access = request.access!;
    const caller: Caller = {
      access,
      toolsets: toolsetsOf(request),
      answerTokens: answerTokensOf(request),
    };
    const web = webRequest(request, leaving.signal);
    const body = parsed(request);
    const meant = Array.isArray(body) ? body.map(asMeantByClient) : asMeantByClient(body);
    const response = await this.answer(web, caller, meant);
    if (!isStream(response)) return send(reply, response);
    // Whoever went away meanwhile would never give a place back.
    const isGone = reply.raw.destroyed;
    if (isGone) await response.body?.cancel();
    if (isGone) return reply.hijack();
    if (!this.streams.take(access.id)) {
      leaving.abort();
      await response.body?.cancel();
      throw tooManyStreams();
    }
    reply.raw.once('close', () => this.streams.give(access.id));
    return send(reply, response);
  }

  private async answer(request: Request, caller: Caller, body: unknown): Promise<Response> {
    const authInfo = infoOf(caller);
    if (request.method === 'POST' && !isJsonContentType(request.headers.get('content-type')))
      return rpcError(415, -32000, 'Unsupported Media Type: Content-Type must be application/json');
    if (body instanceof BodyError) return rpcError(400, -32700, `Parse error: ${body.message}`);
    if (Array.isArray(body) && body.length > BATCH_MAX)
      return rpcError(400, -32600, `Invalid Request: a body has at most ${BATCH_MAX} messages`);
    const plain = plainIn(body);
    if (request.method === 'POST' && plain !== undefined)
      return this.answerPlainly(plain, Array.isArray(body), caller, request.signal);
    const parsedBody = body === undefined ? {} : { parsedBody: body };
    if (!(await isLegacyRequest(request, body))) return this.answerModern(request, caller, body);
    const sessionId = request.headers.get('mcp-session-id');
    if (sessionId === null) {
      if (isInitialize(body)) return this.open(request, caller, body);
      return rpcError(400, -32000, 'Bad Request: the session has to be initialized first');
    }
    const session = this.sessions.get(sessionId);
    // Whose session it is tells a stranger as little as that there is one.
    if (session === undefined || session.tokenId !== caller.access.id)
      return rpcError(404, -32001, 'Session not found');
    session.usedMs = performance.now();
    return session.transport.handleRequest(request, { authInfo, ...parsedBody });
  }

  /** One after the other, since what comes later may build on what was before. */
  private async answerPlainly(
    messages: readonly PlainMessage[],
    isBatch: boolean,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<Response> {
    const answers: JSONRPCMessage[] = [];
    for (const message of messages) {
      const answer = await answerPlain(this.sessionOf(caller), message, signal);
      if (answer !== undefined) answers.push(answer);
    }
    if (answers.length === 0) return new Response(null, { status: 204 });
    return Response.json(isBatch ? answers : answers[0]);
  }

  private async answerModern(request: Request, caller: Caller, body: unknown): Promise<Response> {
    const authInfo = infoOf(caller);
    if (!isListening(body))
      return this.modern.fetch(request, { authInfo, ...(body === undefined ? {} : { parsedBody: body }) });
    const tasks = new TaskSubscriptions(this.sessionOf(caller));
    const response = await this.modern.fetch(request, { authInfo, parsedBody: tasks.incoming(body) });
    if (!isStream(response) || response.body === null) return response;
    return new Response(response.body.pipeThrough(rewritten(tasks)), response);
  }

  private async open(request: Request, caller: Caller, body: unknown): Promise<Response> {
    const tokenId = caller.access.id;
    await this.makePlace(tokenId);
    const made = await createServer(this.sessionOf(caller), 'legacy');
    const events = this.replay.session(tokenId);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: events,
      maxRequestBodySize: BODY_BYTES_MAX,
      onsessioninitialized: (id) => {
        this.sessions.set(id, {
          transport,
          tokenId,
          usedMs: performance.now(),
          end: () => made.server.close(),
        });
      },
    });
    const send = transport.send.bind(transport);
    transport.send = (message, options) => send(withShortError(inOlderCodes(message)), options);
    const telling = tellChanges(this.node, made, 'legacy');
    made.server.onclose = () => {
      delete made.server.onclose;
      telling[Symbol.dispose]();
      events.clear();
      this.places.give(tokenId);
      if (transport.sessionId !== undefined) this.sessions.delete(transport.sessionId);
    };
    await made.server.connect(transport);
    const response = await transport.handleRequest(request, { authInfo: infoOf(caller), parsedBody: body });
    // An initialization that was refused leaves nothing behind.
    if (transport.sessionId === undefined) await made.server.close();
    return response;
  }

  private sessionOf({ access, toolsets, answerTokens }: Caller): Session {
    const { node, report, toolCalled } = this;
    return {
      toolCalled,
      node: reachOf(node, access),
      identity: access.identity,
      scopes: scopesOf(access),
      isConfined: access.groups !== undefined,
      toolsets,
      answerTokens,
      report,
    };
  }

  /** Takes a place for a session, if need be that of another session of the token; where it has none, of any. */
  private async makePlace(tokenId: string): Promise<void> {
    while (!this.places.take(tokenId)) {
      const all = [...this.sessions.values()];
      const own = all.filter((one) => one.tokenId === tokenId);
      const [oldest] = (own.length > 0 ? own : all).sort((one, other) => one.usedMs - other.usedMs);
      // The others are being opened or closed at this moment.
      if (oldest === undefined) throw tooManyStreams();
      await oldest.end();
    }
  }

  /** Ends the sessions that were not used since. */
  private sweep(sinceMs: number): void {
    for (const { usedMs, end } of this.sessions.values())
      if (usedMs <= sinceMs) void end().catch(this.report);
  }

  async close(): Promise<void> {
    clearInterval(this.sweeping);
    this.changes[Symbol.dispose]();
    await Promise.allSettled([...this.sessions.values()].map(({ end }) => end()));
    await this.modern.close();
  }
}

const CALLER = 'caller';

function infoOf(caller: Caller): AuthInfo {
  const { access } = caller;
  return {
    token: '',
    clientId: access.id,
    scopes: [...scopesOf(access)],
    extra: { [CALLER]: caller },
  };
}

function callerIn(info: AuthInfo | undefined): Caller {
  return info?.extra?.[CALLER] as Caller;
}

function isInitialize(body: unknown): boolean {
  return isInitializeRequest(body) || (Array.isArray(body) && body.some(isInitializeRequest));
}

/** The calls of a body that has nothing else. */
function plainIn(body: unknown): readonly PlainMessage[] | undefined {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
  return messages.length > 0 && messages.every(isPlain) ? messages : undefined;
}

function isListening(body: unknown): boolean {
  return (body as { method?: unknown } | null | undefined)?.method === 'subscriptions/listen';
}

/** The events of a stream, each told as what it stands for. */
function rewritten(tasks: TaskSubscriptions): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = '';
  return new TransformStream({
    transform(chunk, controller) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) {
        const [, data] = /^data: (.*)$/m.exec(block) ?? [];
        const told = data === undefined ? undefined : tasks.outgoing(JSON.parse(data) as JSONRPCMessage);
        const frames = told?.map((message) => `event: message\ndata: ${JSON.stringify(message)}`) ?? [block];
        for (const frame of frames) controller.enqueue(encoder.encode(`${frame}\n\n`));
      }
    },
  });
}

/** @throws ProblemError for a toolset that is none */
function toolsetsOf({ query }: FastifyRequest): ReadonlySet<Toolset> {
  const given = (query as { toolsets?: string | string[] }).toolsets;
  return asked(() => parseToolsets(Array.isArray(given) ? given.join(',') : given, 'toolsets'));
}

function answerTokensOf({ query }: FastifyRequest): number {
  const given = (query as { answer_tokens?: string | string[] }).answer_tokens;
  return asked(() => parseAnswerTokens(Array.isArray(given) ? given.join(',') : given, 'answer_tokens'));
}

/** What the address asks for. @throws ProblemError where that is nothing */
function asked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new ProblemError({
      status: 400,
      code: 'usage',
      detail: inOneLine(error.message),
      next: 'correct the address of the endpoint',
    });
  }
}

/** What a body holds, or why nothing. */
function parsed(request: FastifyRequest): unknown {
  const { body } = request;
  if (!(body instanceof Uint8Array) || body.length === 0) return undefined;
  checkEncoding(request);
  try {
    return readJson(body);
  } catch (error) {
    if (error instanceof BodyError) return error;
    throw error;
  }
}

function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}

/** The request without its body, which is handed on as it was parsed. */
function webRequest({ method, url, headers, protocol, host }: FastifyRequest, signal: AbortSignal): Request {
  const entries = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
  );
  return new Request(`${protocol}://${host}${url}`, { method, headers: entries, signal });
}

async function send(reply: FastifyReply, response: Response): Promise<FastifyReply> {
  reply.code(response.status);
  for (const [name, value] of response.headers) reply.header(name, value);
  if (response.body === null) return reply.send();
  if (!isStream(response)) return reply.send(withShortErrorText(await response.text()));
  const body = response.body.pipeThrough(withHeartbeat());
  return reply.send(Readable.fromWeb(body as import('node:stream/web').ReadableStream));
}

function rpcError(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', id: null, error: { code, message } }, { status });
}
