/**
 * A small HTTP server for monitors: `/metrics`, `/health`, `/ready`. It takes no input but the path, tells nothing
 * about what is in the groups, and listens to this machine alone unless it is told otherwise. Who asks it under a name
 * that the node does not go by is refused, as on the other port: see host-name.ts.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { envelope } from '../cli/json.ts';
import { ConfigError } from '../config/errors.ts';
import { answerClientError, answerExpectation } from '../http/client-error.ts';
import { Connections, SERVER_OPTIONS } from '../http/connections.ts';
import { hostProblem } from '../http/host-name.ts';
import { type Problem, problemBody } from '../http/problem.ts';
import type { Health, Readiness } from './health.ts';
import type { Metrics } from './metrics.ts';

export interface EndpointSources {
  /** Names besides the loopback ones that requests may be addressed to. */
  readonly hosts: readonly string[];
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  health(): Promise<Health>;
  ready(): Promise<Readiness>;
}

export interface Endpoint {
  readonly port: number;
  close(): Promise<void>;
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A monitor asks once in a while; whoever holds more connections is no monitor. */
const CONNECTIONS_MAX = 64;
const PER_ADDRESS_MAX = 16;

/**
 * Starts to listen.
 * @param port 0 for any free one
 * @throws ConfigError `metrics_port_unusable`
 */
export async function openEndpoint(host: string, port: number, sources: EndpointSources): Promise<Endpoint> {
  const server = createServer(SERVER_OPTIONS, (request, response) => void answer(request, response, sources));
  const limits = { strangers: CONNECTIONS_MAX, perAddress: PER_ADDRESS_MAX, bearers: 0 };
  // Nobody has a token here.
  const connections = new Connections(limits, () => false);
  connections.watch(server);
  server.on('clientError', (error, socket) =>
    answerClientError(error, socket, {
      answering: connections.answering(socket as Socket),
      broken: () => {},
    }),
  );
  server.on('checkExpectation', (_, response) => answerExpectation(response));
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = `metrics_port ${port} on ${host} cannot be used (${code}); choose another port or address`;
    throw new ConfigError('metrics_port_unusable', [problem]);
  }
  // A connection that cannot be taken ends nothing but itself.
  server.on('error', () => {});
  const { port: actual } = server.address() as AddressInfo;
  return { port: actual, close: () => closeServer(server) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  sources: EndpointSources,
): Promise<void> {
  const { status, type, body, headers } = await pageOf(request, sources).catch(() =>
    problemPage({ status: 500, code: 'bug', detail: 'this cannot be told now', next: 'look into the log' }),
  );
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function pageOf({ method, url, headers }: IncomingMessage, sources: EndpointSources): Promise<Page> {
  const problem = hostProblem(headers.host, sources.hosts);
  if (problem !== undefined) return problemPage(problem);
  if (method !== 'GET' && method !== 'HEAD')
    return {
      ...problemPage({
        status: 405,
        code: 'method_not_allowed',
        detail: 'only GET and HEAD are answered here',
        next: 'use GET',
      }),
      headers: { allow: 'GET, HEAD' },
    };
  switch (url?.split('?', 1)[0]) {
    case '/metrics':
      return { status: 200, type: sources.metrics.contentType, body: await sources.metrics.text() };
    case '/health': {
      const found = await sources.health();
      return jsonPage(found.status === 'failed' ? 503 : 200, found);
    }
    case '/ready': {
      const found = await sources.ready();
      return jsonPage(found.ready ? 200 : 503, found);
    }
    default:
      return problemPage({
        status: 404,
        code: 'not_found',
        detail: 'there is no such path',
        next: 'there are /metrics, /health and /ready',
      });
  }
}

function jsonPage(status: number, data: unknown): Page {
  return { status, type: 'application/json', body: `${envelope(data)}\n` };
}

function problemPage(problem: Problem): Page {
  const body = JSON.stringify(problemBody(problem, randomUUID()));
  return { status: problem.status, type: 'application/problem+json', body };
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
