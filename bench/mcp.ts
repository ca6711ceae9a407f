/**
 * MCP over HTTP: so many clients at once, each with a token and an identity of its own, each asking again as soon as it
 * has its answer. The node is a process of its own, and so are the clients, as they are in life; both share the cores.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { median, quantile } from './quantile.ts';
import type { Row } from './row.ts';

const CLIENTS = 50;
const CALLS = 10_000;
/** What 50 busy agents ask for together: each calls a tool 20 times a second. */
const PACED_CALLS_PER_SECOND = 1_000;

const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** Calls of tools on one connection that stays open. */
class Caller {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  private readonly port: number;
  private readonly token: string;
  private id = 0;

  constructor(port: number, token: string) {
    this.port = port;
    this.token = token;
  }

  /** Resolves to how long the answer took, milliseconds. */
  async call(name: string, input: object): Promise<number> {
    const params = { name, arguments: input, _meta: ENVELOPE };
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++this.id, method: 'tools/call', params });
    const startMs = performance.now();
    const answer = await this.post(name, body);
    const tookMs = performance.now() - startMs;
    if (!answer.includes('"structuredContent"')) throw new Error(`${name} failed: ${answer.slice(0, 300)}`);
    return tookMs;
  }

  private post(name: string, body: string): Promise<string> {
    const headers = {
      authorization: `Bearer ${this.token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    };
    return new Promise((resolve, reject) => {
      const sent = request({ port: this.port, path: '/mcp', method: 'POST', agent: this.agent, headers });
      sent.on('error', reject);
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(text));
      });
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

const LOADS: readonly { readonly of: string; readonly clients: number; readonly perSecond?: number }[] = [
  { of: '1 client', clients: 1 },
  {
    of: `${CLIENTS} clients, ${PACED_CALLS_PER_SECOND}/s`,
    clients: CLIENTS,
    perSecond: PACED_CALLS_PER_SECOND,
  },
  { of: `${CLIENTS} clients, all they can`, clients: CLIENTS },
];

type Load = (caller: Caller, n: number) => Promise<number>;

const READ: Load = (caller) => caller.call('list_tasks', { limit: 20 });
const WRITE: Load = (caller, n) => caller.call('publish_claim', { text: `Claim ${n} of the benchmark` });

/**
 * Latencies of `calls` calls, of all callers at once.
 * @param perSecond how many calls begin in a second; as fast as they are answered, if not given
 */
async function measure(
  callers: readonly Caller[],
  calls: number,
  load: Load,
  perSecond?: number,
): Promise<number[]> {
  const latencies: number[] = [];
  const startMs = performance.now();
  let next = 0;
  await Promise.all(
    callers.map(async (caller) => {
      while (next < calls) {
        const n = next++;
        const dueMs = perSecond === undefined ? 0 : startMs + (1000 * n) / perSecond - performance.now();
        if (dueMs > 0) await delay(dueMs);
        latencies.push(await load(caller, n));
      }
    }),
  );
  return latencies;
}

function rowsOf(what: string, latencies: readonly number[], seconds: number, bar: string | undefined): Row[] {
  return [
    { what: `${what}: p50`, value: median(latencies), unit: 'ms', ...(bar === undefined ? {} : { bar }) },
    { what: `${what}: p99`, value: quantile(latencies, 0.99), unit: 'ms' },
    { what: `${what}: calls`, value: latencies.length / seconds, unit: '/s' },
  ];
}

export async function measureMcp(scale: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lb-bench-mcp-'));
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'mcp-child.ts'), join(folder, 'node'), String(CLIENTS)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  try {
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const { port, tokens } = JSON.parse(line) as { port: number; tokens: string[] };
    const callers = tokens.map((token) => new Caller(port, token));
    const calls = Math.max(CLIENTS, Math.round(CALLS * scale));
    await measure(callers, Math.round(calls / 10), READ);
    const rows: Row[] = [];
    for (const [what, load, bar] of [
      ['reads', READ, '5 ms'],
      ['durable writes', WRITE, '10 ms'],
    ] as const)
      for (const { of, clients, perSecond } of LOADS) {
        const startMs = performance.now();
        const latencies = await measure(callers.slice(0, clients), calls, load, perSecond);
        const seconds = (performance.now() - startMs) / 1000;
        // The bar is for clients that do something with an answer before they ask again.
        rows.push(
          ...rowsOf(`MCP ${what}, ${of}`, latencies, seconds, perSecond === undefined ? undefined : bar),
        );
      }
    for (const caller of callers) caller.close();
    return rows;
  } finally {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}
