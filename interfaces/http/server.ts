/**
 * The HTTP interface of a node that is up: operations, the event stream, MCP, monitors, and the description of it all.
 *
 * It listens to this machine alone unless it is told otherwise, and lets nobody in without a token, except to look
 * whether the node is well and what it offers.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { BatteryNode } from '../../node.ts';
import { type AccessToken, AccessTokens } from '../access/tokens.ts';
import { shorten } from '../cli/text.ts';
import { ConfigError } from '../config/errors.ts';
import type { Settings } from '../config/schema.ts';
import { McpEndpoint } from '../mcp/http.ts';
import type { Health, Readiness } from '../observability/health.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { RequestTelemetry, Surface } from '../observability/requests.ts';
import { aboutAll } from '../operations/may-call.ts';
import { blockOf } from './address-block.ts';
import { answerClientError, answerExpectation } from './client-error.ts';
import { type ConnectionLimits, Connections, SERVER_OPTIONS } from './connections.ts';
import { answerPage } from './cors.ts';
import { addDescriptions } from './descriptions.ts';
import { checkEncoding } from './encoding.ts';
import { addEvents } from './events.ts';
import { FairShare } from './fair-share.ts';
import { Gate } from './gate.ts';
import { LOOPBACK_NAMES } from './host-name.ts';
import { readJson } from './json-body.ts';
import { Methods } from './methods.ts';
import { addOperations, forbidden } from './operations.ts';
import { BUSY_RETRY_S, ProblemError, problemOfError, sendProblem } from './problem.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the caller may do; set before any handler of a path that needs a token. */
    access: AccessToken | undefined;
  }
}

/** What the parts of the server share. */
export interface HttpContext {
  readonly node: BatteryNode;
  /** Aborted when the server stops. */
  readonly ending: AbortSignal;
  /** Told of what must not happen. */
  readonly report: (error: unknown) => void;
  /** Streams of events, by token. */
  readonly streams: FairShare;
}

export type HttpSettings = Pick<
  Settings,
  | 'http_host'
  | 'http_port'
  | 'http_allowed_hosts'
  | 'http_allowed_origins'
  | 'http_max_req_per_min'
  | 'a2a'
  | 'a2a_url'
  | 'a2a_push_private'
>;

/** What monitors are told. */
export interface Monitors {
  readonly metrics: Pick<Metrics, 'text' | 'contentType' | 'requests'> | undefined;
  health(): Promise<Health>;
  ready(): Promise<Readiness>;
}

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A request with a longer body is refused unread: nothing that an operation takes is as long. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
/** A part of a path: an id that names its group has more than the router's 100. */
const PARAM_CHARACTERS_MAX = 256;
/** Streams of events at once, over all protocols, which the bearers of tokens share. */
const STREAMS_MAX = 256;
const CONNECTIONS: ConnectionLimits = { strangers: 512, perAddress: 64, bearers: 512 };
/** Requests without a valid token that one address may make in a minute: guessing is hopeless, and shall be quiet. */
const STRANGER_REQUESTS_MAX = 120;
/** Callers whose requests are counted; the one longest not heard of is forgotten. */
const CALLERS_MAX = 5_000;
/** Paths that everybody may look at. */
const OPEN_PATHS: ReadonlySet<string> = new Set([
  '/health',
  '/ready',
  '/openapi.json',
  '/.well-known/oauth-protected-resource',
  '/.well-known/oauth-protected-resource/mcp',
  // Where A2A is not served, there is nothing at them.
  '/.well-known/agent-card.json',
  '/.well-known/jwks.json',
]);

/**
 * Starts to listen.
 * @throws ConfigError `http_port_unusable`
 */
export async function startHttp(
  node: BatteryNode,
  settings: HttpSettings,
  monitors: Monitors,
  report: (error: unknown) => void,
): Promise<HttpServer> {
  const stopping = new AbortController();
  const streams = new FairShare(STREAMS_MAX);
  const context: HttpContext = { node, ending: stopping.signal, report, streams };
  const tokens = new AccessTokens(node.data);
  const connections = new Connections(CONNECTIONS, (id) => tokens.isValid(id, Date.now()));
  const { app, another } = openApp(connections, (status) =>
    monitors.metrics?.requests.answered('other', status, 0),
  );
  const requests = monitors.metrics?.requests;
  requests?.httpStarted({
    connections: () => connections.counts,
    streams: () => STREAMS_MAX - streams.free,
  });
  if (requests !== undefined) countAnswers(app, requests);
  addAnswers(app, report);
  await addGate(app, settings, tokens, connections);
  addMonitors(app, monitors);
  addDescriptions(app);
  addOperations(app, context);
  addEvents(app, context);
  const mcp = new McpEndpoint({ node, report, streams, toolCalled: requests?.toolCalled });
  mcp.addTo(app);
  const a2a = settings.a2a ? await addA2a(app, context, settings) : undefined;
  const also = await listen(app, settings, another);
  const { port } = app.server.address() as AddressInfo;
  return {
    port,
    async close() {
      stopping.abort();
      also?.close();
      also?.closeAllConnections();
      await mcp.close();
      await a2a?.close();
      await app.close();
    },
  };
}

/** The server, with its connections looked after from the first, and how another one is made that answers alike. */
function openApp(
  connections: Connections,
  broken: (status: number) => void,
): { app: FastifyInstance; another(): Server } {
  let another!: () => Server;
  const app = fastify({
    genReqId: () => randomUUID(),
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    // A path is what it says: `/v1/x/` is another one.
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: PARAM_CHARACTERS_MAX },
    frameworkErrors: (error, request, reply) => void sendProblem(request, reply, problemOfError(error)),
    clientErrorHandler: () => {},
    serverFactory(handler) {
      another = () => {
        const server = createServer(SERVER_OPTIONS, handler);
        connections.watch(server);
        server.on('clientError', (error, socket) =>
          answerClientError(error, socket, { answering: connections.answering(socket as Socket), broken }),
        );
        server.on('checkExpectation', (_, response) => answerExpectation(response));
        return server;
      };
      return another();
    },
  });
  return { app, another };
}

/** Loaded where it is served alone. */
async function addA2a(
  app: FastifyInstance,
  context: HttpContext,
  { a2a_push_private: arePrivateAllowed, a2a_url: url, http_host, http_allowed_hosts }: HttpSettings,
): Promise<{ close(): Promise<void> }> {
  const { A2aEndpoint } = await import('../a2a/endpoint.ts');
  const ownHosts = [...LOOPBACK_NAMES, ...http_allowed_hosts, hostText(http_host.toLowerCase())];
  const endpoint = new A2aEndpoint(context, { arePrivateAllowed, url, ownHosts });
  await endpoint.addTo(app);
  return endpoint;
}

/** As it stands in a URL. */
function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** A name that stands for this machine is listened to at both its addresses. @returns the second server */
async function listen(
  app: FastifyInstance,
  { http_host: host, http_port: port = 0 }: HttpSettings,
  another: () => Server,
): Promise<Server | undefined> {
  try {
    await app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = `http_port ${port} on ${host} cannot be used (${code}); choose another port or address`;
    throw new ConfigError('http_port_unusable', [problem]);
  }
  if (host !== 'localhost') return undefined;
  const also = another();
  also.listen({ host: '::1', port: (app.server.address() as AddressInfo).port });
  // A machine without IPv6 has the one address.
  return once(also, 'listening').then(
    () => also,
    () => undefined,
  );
}

/** Counts every request when its answer ends, or its connection does. */
function countAnswers(app: FastifyInstance, { answered }: RequestTelemetry): void {
  app.addHook('onRequest', async (request, reply) => {
    const beganMs = performance.now();
    const surface = surfaceOf(pathOf(request));
    reply.raw.once('close', () => answered(surface, reply.raw.statusCode, performance.now() - beganMs));
  });
}

function surfaceOf(path: string): Surface {
  const [, first = '', second = ''] = path.split('/', 3);
  if (first === 'v1') return second === 'events' ? 'events' : 'operations';
  if (first === 'mcp' || first === 'a2a') return first;
  return ['health', 'ready', 'metrics'].includes(first) ? 'monitors' : 'other';
}

/** Errors and strangers' paths, and the headers that go with every answer. */
function addAnswers(app: FastifyInstance, report: (error: unknown) => void): void {
  app.decorateRequest('access', undefined);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    reply.header('cache-control', 'no-store');
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOfError(error);
    if (problem.status === 500 && !(error instanceof ProblemError)) report(error);
    return sendProblem(request, reply, problem);
  });
  const methods = new Methods(app);
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    const allowed = methods.of(path);
    if (allowed.length > 0) return answerMethod(request, reply, allowed);
    return sendProblem(request, reply, {
      status: 404,
      code: 'not_found',
      detail: `there is no ${shorten(path, PATH_QUOTED_MAX)}`,
      next: 'see /openapi.json',
    });
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      checkEncoding(request);
      return body.length === 0 ? undefined : readJson(body);
    },
  );
}

/** Of a path that is not there. */
const PATH_QUOTED_MAX = 80;

/** A request may also name the whole address of what it asks for, as one to a proxy does. */
function pathOf({ url }: FastifyRequest): string {
  return url.replace(/^https?:\/\/[^/?#]*/i, '').split('?', 1)[0]!;
}

function answerMethod(request: FastifyRequest, reply: FastifyReply, allowed: readonly string[]) {
  const allow = allowed.join(', ');
  reply.header('allow', allow);
  if (request.method === 'OPTIONS') return reply.code(204).send();
  return sendProblem(request, reply, {
    status: 405,
    code: 'method_not_allowed',
    detail: `${shorten(pathOf(request), PATH_QUOTED_MAX)} is not asked with ${request.method}`,
    next: `use ${allow}`,
  });
}

async function addGate(
  app: FastifyInstance,
  settings: HttpSettings,
  tokens: AccessTokens,
  connections: Connections,
): Promise<void> {
  const gate = new Gate({
    tokens,
    hosts: settings.http_allowed_hosts,
    origins: settings.http_allowed_origins,
  });
  app.addHook('onRequest', async (request, reply) => {
    gate.checkAddress(request);
    if (answerPage(request, reply)) return reply;
    return undefined;
  });
  // Counted before the token is looked at, so that a caller without one is counted by address.
  await app.register(rateLimit, {
    hook: 'preValidation',
    max: settings.http_max_req_per_min,
    timeWindow: '1 minute',
    cache: CALLERS_MAX,
    keyGenerator: callerOf,
    errorResponseBuilder: (_, { after }) =>
      new ProblemError({
        status: 429,
        code: 'rate_limited',
        detail: 'this caller sends more requests than it may',
        next: `try again in ${after}`,
      }),
  });
  const strangers = app.createRateLimit({
    max: STRANGER_REQUESTS_MAX,
    timeWindow: '1 minute',
    keyGenerator: (request) => `stranger ${blockOf(request.ip)}`,
  });
  app.addHook('onRequest', async (request, reply) => {
    const { socket } = request.raw;
    // Where nothing is, there is nothing to guard: a client that looks for a way to log in learns that there is none.
    if (OPEN_PATHS.has(pathOf(request)) || request.is404) return;
    try {
      request.access = gate.admit(request, reply);
    } catch (error) {
      connections.disprove(socket);
      const { isAllowed, ...counted } = await strangers(request);
      if (isAllowed || !('isExceeded' in counted && counted.isExceeded)) throw error;
      throw new ProblemError({
        status: 429,
        code: 'rate_limited',
        detail: 'too many requests without a valid token come from this address',
        next: `try again in ${counted.ttlInSeconds} seconds`,
        retryAfterS: counted.ttlInSeconds,
      });
    }
    if (connections.prove(socket, request.access.id)) return;
    reply.header('connection', 'close');
    throw new ProblemError({
      status: 503,
      code: 'too_many_connections',
      detail: 'the bearer of this token holds as many connections as it may',
      next: 'end some, or ask on those that are there',
      retryAfterS: BUSY_RETRY_S,
    });
  });
}

function callerOf({ access, ip }: FastifyRequest): string {
  return access === undefined ? `address ${blockOf(ip)}` : `token ${access.id}`;
}

function addMonitors(app: FastifyInstance, { metrics, health, ready }: Monitors): void {
  app.get('/health', async (_, reply) => {
    const found = await health();
    return reply.code(found.status === 'failed' ? 503 : 200).send(found);
  });
  app.get('/ready', async (_, reply) => {
    const found = await ready();
    return reply.code(found.ready ? 200 : 503).send(found);
  });
  app.get('/metrics', async ({ access }, reply) => {
    if (access?.groups !== undefined) throw forbidden(aboutAll('/metrics'));
    if (metrics === undefined)
      throw new ProblemError({
        status: 404,
        code: 'not_found',
        detail: 'this node counts nothing',
        next: 'ask the operator of the node to turn its metrics on',
      });
    return reply.type(metrics.contentType).send(await metrics.text());
  });
}
