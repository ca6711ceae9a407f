/** MCP clients of every kind, on nodes of every kind: what agents and hosts would use. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { AccessTokens } from '../../interfaces/access/tokens.ts';
import { SETTINGS } from '../../interfaces/config/schema.ts';
import { type HttpServer, type HttpSettings, startHttp } from '../../interfaces/http/server.ts';
import { health, ready } from '../../interfaces/observability/health.ts';
import { createMetrics } from '../../interfaces/observability/metrics.ts';
import type { BatteryNode } from '../../node.ts';
import { BIN } from '../e2e/bin-lb.ts';

export type Era = 'legacy' | 'modern';
export const ERAS = ['legacy', 'modern'] as const;
export const VERSION_OF_ERA = { legacy: '2025-11-25', modern: '2026-07-28' } as const;

function newClient(era: Era): Client {
  const info = { name: 'test', version: '1' };
  return era === 'legacy'
    ? new Client(info)
    : new Client(info, { versionNegotiation: { mode: { pin: VERSION_OF_ERA.modern } } });
}

/** A client whose host started `lb mcp` with these arguments. */
export async function stdioClient(
  era: Era,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Client> {
  const client = newClient(era);
  const { PATH = '' } = process.env;
  await client.connect(
    new StdioClientTransport({
      command: BIN,
      args: ['mcp', ...args],
      env: { PATH, ...env },
      stderr: 'inherit',
    }),
  );
  return client;
}

/** A client of the endpoint at `port`. @param toolsets as in the query of the endpoint */
export async function httpClient(
  era: Era,
  port: number,
  token: string,
  toolsets = 'default',
): Promise<Client> {
  const client = newClient(era);
  const url = new URL(`http://127.0.0.1:${port}/mcp?toolsets=${toolsets}`);
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  return client;
}

/** Bugs end the test. */
function thrown(error: unknown): never {
  throw error;
}

/** The HTTP interface of a node, on any free port. @param report told of bugs */
export function serveOverHttp(
  node: BatteryNode,
  settings: Partial<HttpSettings> = {},
  report: (error: unknown) => void = thrown,
): Promise<HttpServer> {
  const monitors = {
    metrics: createMetrics({ groupsMax: 10 }),
    health: () => health(node, node.data),
    ready: () => ready(node, node.data),
  };
  const standard: HttpSettings = {
    http_host: SETTINGS.http_host.default,
    http_port: 0,
    http_allowed_hosts: [],
    http_allowed_origins: [],
    http_max_req_per_min: 1_000_000,
    a2a: false,
    a2a_url: undefined,
    a2a_push_private: false,
  };
  return startHttp(node, { ...standard, ...settings }, monitors, report);
}

/** A token for a bearer who signs as `identity`, or who only reads. */
export function tokenFor(node: BatteryNode, identity?: string, isAdmin = false): string {
  const tokens = new AccessTokens(node.data);
  const name = `token-${tokens.list().length}`;
  return tokens.create({ name, isAdmin, ...(identity === undefined ? {} : { identity }) }).token;
}

/** The result of a tool that must not fail. */
export async function call(
  client: Client,
  name: string,
  input: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const { structuredContent, content, isError } = await client.callTool({ name, arguments: input });
  if (isError || structuredContent === undefined) throw new Error(`${name}: ${JSON.stringify(content)}`);
  return structuredContent as Record<string, unknown>;
}

/** The error of a tool that must fail. */
export async function failure(
  client: Client,
  name: string,
  input: Record<string, unknown> = {},
): Promise<{ code: string; message: string; next?: string }> {
  const { content, isError } = await client.callTool({ name, arguments: input });
  const [block] = content as { type: string; text: string }[];
  if (!isError || block?.type !== 'text') throw new Error(`${name} did not fail: ${JSON.stringify(content)}`);
  return (JSON.parse(block.text) as { error: { code: string; message: string; next?: string } }).error;
}
