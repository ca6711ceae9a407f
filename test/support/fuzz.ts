/**
 * A node over HTTP that is sent what no client in its right mind sends, and what is wrong with its answers.
 *
 * How long a request stops the node is measured as the time that the thread of the node computes, which other programs
 * on the machine do not lengthen, and against what an ordinary request takes here. What takes too long is asked again:
 * a compilation or a collection of garbage happens once, and what the request itself costs happens each time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpServer } from '../../interfaces/http/server.ts';
import { BatteryNode } from '../../node.ts';
import { serveOverHttp, tokenFor } from './mcp.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** What the thread computed meanwhile. */
  readonly cpuMs: number;
}

/** A request that waits for nothing is answered by then, also on a machine that is busy with others. */
const ANSWER_MS_MAX = 20_000;
/** One that waits is left after this long. */
const PATIENCE_MS = 300;

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it may wait for what does not happen here; then the client leaves. */
  readonly mayWait?: boolean;
}

const LONG = 'x'.repeat(5_000);
/** Texts that are no id, no name and no amount of anything; some are no text at all. */
export const TEXTS: readonly string[] = [
  '',
  ' ',
  '\0',
  '\ud800',
  'a\udfffb',
  '\u202e\u200b',
  'a\nb\r\nc',
  LONG,
  '\u{1f600}'.repeat(256),
  'ü'.repeat(300),
  'f'.repeat(64),
  'F'.repeat(64),
  'f'.repeat(63),
  'f'.repeat(65),
  '0'.repeat(8),
  'lb1.',
  'p1.',
  'p1.////',
  'e1.x',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  '%00',
  '-1',
  '1e400',
  '18446744073709551616',
  '"; DROP TABLE claims; --',
];
const OTHERS: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e21,
  2 ** 53,
  [],
  [null],
  [[]],
  [{}],
  Array(5_000).fill('x'),
  [LONG],
  ['\ud800'],
  {},
  { a: { b: { c: {} } } },
  { __proto__: 1 },
  { toString: 1 },
  { '\ud800': 'x' },
  { [LONG]: 1 },
];
export const VALUES: readonly unknown[] = [...TEXTS, ...OTHERS];

/** A line. */
const DETAIL_MAX = 1_000;
/** What nobody notices. */
const STALL_MS_MIN = 100;
/** On a slow machine: so many times what an ordinary request takes. */
const STALL_FACTOR = 50;
const ORDINARY_REQUESTS = 200;
const TRIES = 3;

export class Fuzzed {
  readonly node: BatteryNode;
  readonly server: HttpServer;
  private readonly token: string;
  private readonly bugs: unknown[];
  private readonly folder: string;
  /** Reads what it is sent, and makes nothing of it. */
  private readonly drain = createServer((request, response) => {
    request.resume().on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  /** How long a request may stop the node. */
  stallMsMax = Number.POSITIVE_INFINITY;

  private constructor(node: BatteryNode, server: HttpServer, bugs: unknown[], folder: string) {
    this.node = node;
    this.server = server;
    this.bugs = bugs;
    this.folder = folder;
    this.token = tokenFor(node, 'node', true);
  }

  static async open(): Promise<Fuzzed> {
    const folder = mkdtempSync(join(tmpdir(), 'lb-fuzz-'));
    const node = await BatteryNode.openOrInit({
      data: join(folder, 'node'),
      threads: 1,
      durability: 'commit',
    });
    const group = await node.createGroup({ name: 'g' });
    await group.as('node').createTask({ task: 'one', title: 'One' });
    const bugs: unknown[] = [];
    const server = await serveOverHttp(node, { a2a: true }, (error) => bugs.push(error));
    const fuzzed = new Fuzzed(node, server, bugs, folder);
    const costs: number[] = [];
    for (let at = 0; at < ORDINARY_REQUESTS; at++)
      costs.push((await fuzzed.ask({ method: 'GET', path: '/v1/list_tasks' })).cpuMs);
    const ordinaryMs = costs.sort((one, other) => one - other)[ORDINARY_REQUESTS / 2]!;
    fuzzed.stallMsMax = Math.max(STALL_MS_MIN, STALL_FACTOR * ordinaryMs);
    return fuzzed;
  }

  async close(): Promise<void> {
    this.drain.close();
    this.drain.closeAllConnections();
    await this.server.close();
    await this.node.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A request as it is, whatever `fetch` would think of it. Of a stream, its headers are the answer. */
  ask(
    { method, path, body, headers = {}, mayWait = false }: Asked,
    port = this.server.port,
  ): Promise<Answer> {
    const before = process.threadCpuUsage();
    const options = {
      ...{ port, host: '127.0.0.1', method, path },
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json', ...headers },
    };
    return new Promise((resolve, reject) => {
      const left = AbortSignal.timeout(mayWait ? PATIENCE_MS : ANSWER_MS_MAX);
      const cpuMs = (): number => {
        const { user, system } = process.threadCpuUsage(before);
        return (user + system) / 1_000;
      };
      const asking = send({ ...options, signal: left }, (response) => {
        const type = response.headers['content-type'] ?? '';
        let text = '';
        const end = (): void => resolve({ status: response.statusCode!, type, text, cpuMs: cpuMs() });
        if (type.startsWith('text/event-stream')) {
          asking.on('error', () => {});
          response.on('error', () => {}).on('close', end);
          response.destroy();
          return;
        }
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', end);
      });
      asking.on('error', (error) => {
        if (left.aborted && mayWait) resolve({ status: 0, type: '', text: '', cpuMs: cpuMs() });
        else reject(new Error(`${method} ${path.slice(0, 80)}`, { cause: error }));
      });
      asking.end(body);
    });
  }

  /** What is wrong with how a request is answered; nothing where a client can live with it. */
  async faultsOf(what: string, asked: Asked): Promise<string[]> {
    const answer = await this.ask(asked);
    const found = [...this.bugsSaid(), ...faultsIn(answer)];
    const stallMs = answer.cpuMs > this.stallMsMax ? await this.stallOf(asked) : 0;
    if (stallMs > this.stallMsMax)
      found.push(`it stops the node for ${stallMs} ms, and may for ${this.stallMsMax} ms`);
    return found.map((fault) => `${what}: ${fault}: ${answer.status} ${answer.text.slice(0, 200)}`);
  }

  /** What a request costs the node beyond being sent and read, which this thread does for both sides, by and by. */
  private async stallOf(asked: Asked): Promise<number> {
    const leastOf = async (port: number): Promise<number> => {
      const costs: number[] = [];
      for (let tries = 0; tries < TRIES; tries++) costs.push((await this.ask(asked, port)).cpuMs);
      return Math.min(...costs);
    };
    const { port } = this.drain.address() as AddressInfo;
    return (await leastOf(this.server.port)) - (await leastOf(port));
  }

  private bugsSaid(): string[] {
    return this.bugs
      .splice(0)
      .map((bug) => `it is a bug: ${bug instanceof Error ? (bug.stack ?? bug.message) : String(bug)}`);
  }
}

function faultsIn({ status, type, text }: Answer): string[] {
  const found: string[] = [];
  if (status >= 500 && !text.includes('"network_stopped"')) found.push('it is no fault of the caller');
  const isProblem = type.includes('problem+json');
  if (status < 400 && !text.includes('"error"')) return found;
  if (text === '') return found;
  const { detail, code, error } = jsonIn(text);
  if (status >= 400 && !isProblem && error === undefined) found.push(`no error that anybody knows: ${type}`);
  if (isProblem && !/^[a-z_]+$/.test(code ?? '')) found.push('no problem of RFC 9457');
  const said = detail ?? error?.message ?? '';
  if (said.length > DETAIL_MAX || /(.)\1{100}|[\p{Cc}\p{Cs}]/u.test(said))
    found.push(`quotes more than a line: ${said}`);
  return found;
}

interface Said {
  readonly detail?: string;
  readonly code?: string;
  readonly error?: { readonly message?: string };
}

function jsonIn(text: string): Said {
  try {
    return (JSON.parse(text) ?? {}) as Said;
  } catch {
    return {};
  }
}
