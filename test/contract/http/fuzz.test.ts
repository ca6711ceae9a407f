/**
 * Every operation and every path, given what no client in its right mind sends: wrong types, sizes and encodings. Each
 * is answered with a 4xx, none with a 500, and nothing stops the node for longer than a moment.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { OPERATIONS } from '../../../interfaces/operations/registry.ts';
import { BatteryNode } from '../../../node.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-fuzz-'));
let node: BatteryNode;
let server: HttpServer;
let admin: string;
const bugs: unknown[] = [];

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), threads: 1, durability: 'commit' });
  const group = await node.createGroup({ name: 'g' });
  await group.as('node').createTask({ task: 'one', title: 'One' });
  server = await serveOverHttp(node, { a2a: true }, (error) => bugs.push(error));
  admin = tokenFor(node, 'node', true);
});
afterAll(async () => {
  await server.close();
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly ms: number;
}

/** A request as it is, whatever `fetch` would think of it. */
function ask(
  method: string,
  path: string,
  body?: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const began = performance.now();
  const options = {
    ...{ port: server.port, host: '127.0.0.1', method, path },
    headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json', ...headers },
  };
  return new Promise((resolve, reject) => {
    send(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          type: response.headers['content-type'] ?? '',
          text,
          ms: performance.now() - began,
        }),
      );
    })
      .on('error', reject)
      .end(body);
  });
}

/** A line. */
const DETAIL_MAX = 1_000;

const LONG = 'x'.repeat(5_000);
/** Texts that are no id, no name and no amount of anything; some are no text at all. */
const TEXTS: readonly string[] = [
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
const VALUES = [...TEXTS, ...OTHERS];

/** What fits a parameter, so that the one beside it is what is wrong. */
function fitting(name: string, schema: Record<string, unknown>): unknown {
  if (name === 'task_id') return 'one';
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (Array.isArray(schema.anyOf)) return 1;
  switch (schema.type) {
    case 'integer':
      return schema.minimum ?? 1;
    case 'array':
      return [];
    case 'object':
      return {};
    case 'boolean':
      return false;
    default:
      return 'abcdef01';
  }
}

/** They end when what they wait for comes, or change what the others need. */
const SLOW = new Set(['watch_claims', 'wait_for_task', 'delegate_task', 'buy_offer']);

/** What is wrong with an answer; nothing where it is one that a client can live with. */
function faultsOf(what: string, { status, type, text }: Answer): string[] {
  const found = bugs.splice(0).map((bug) => `it is a bug: ${bug instanceof Error ? bug.stack : bug}`);
  if (status >= 500 && !text.includes('"network_stopped"')) found.push(`status ${status}`);
  if (status >= 400) {
    const { detail = '', code = '' } = type.includes('problem+json')
      ? (JSON.parse(text) as { detail?: string; code?: string })
      : {};
    if (!/^[a-z_]+$/.test(code)) found.push(`no problem of RFC 9457: ${type}`);
    if (detail.length > DETAIL_MAX || /(.)\1{100}|[\p{Cc}\p{Cs}]/u.test(detail))
      found.push(`quotes more than a line: ${detail}`);
  }
  return found.map((fault) => `${what}: ${fault}: ${text.slice(0, 200)}`);
}

describe('an operation', () => {
  test.each(OPERATIONS.filter(({ name }) => !SLOW.has(name)).map((one) => [one.name, one] as const))(
    '%s answers anything in any parameter',
    async (name, { input, effect }) => {
      const properties = Object.entries(input.properties) as [string, Record<string, unknown>][];
      const faults: string[] = [];
      const required = new Set((input as { required?: string[] }).required ?? []);
      for (const [wrong] of properties)
        for (const value of VALUES) {
          const others = properties.filter(([other]) => other !== wrong && required.has(other));
          const body = {
            ...Object.fromEntries(others.map(([other, schema]) => [other, fitting(other, schema)])),
            [wrong]: value,
          };
          const said = `${name} ${wrong}=${JSON.stringify(value)?.slice(0, 60)}`;
          faults.push(...faultsOf(said, await ask('POST', `/v1/${name}`, JSON.stringify(body))));
          if (effect !== 'reads' || typeof value !== 'string' || !value.isWellFormed()) continue;
          const query = new URLSearchParams(
            Object.entries(body).map(([key, one]): [string, string] => [key, String(one)]),
          );
          faults.push(...faultsOf(`GET ${said}`, await ask('GET', `/v1/${name}?${query}`)));
        }
      for (const value of VALUES) {
        const said = `${name} body=${JSON.stringify(value)?.slice(0, 60)}`;
        faults.push(...faultsOf(said, await ask('POST', `/v1/${name}`, JSON.stringify(value))));
      }
      expect(faults).toEqual([]);
    },
    60_000,
  );
});
void monitorEventLoopDelay;
