/**
 * The protocol's own conformance suite, on a node that is up: every scenario that a revision requires of a server, and
 * no list of failures that would be expected.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatteryNode } from '../../node.ts';
import { type BearerProxy, startBearerProxy } from '../support/bearer-proxy.ts';
import { serveOverHttp, tokenFor } from '../support/mcp.ts';

const REQUIRED = { '2026-07-28': 37, '2025-11-25': 30 } as const;
const SUITE = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist/index.js',
);

const folder = mkdtempSync(join(tmpdir(), 'lb-conformance-'));
const closings: (() => Promise<void>)[] = [];
let proxy: BearerProxy;

beforeAll(async () => {
  const node = await BatteryNode.openOrInit({ data: join(folder, 'node') });
  closings.push(() => node.close());
  await node.createGroup({ name: 'conformance' });
  const server = await serveOverHttp(node);
  closings.push(() => server.close());
  // The suite can give no token.
  const target = { port: server.port, path: '/mcp?toolsets=default,conformance' };
  proxy = await startBearerProxy(target, tokenFor(node, 'node'));
  closings.push(() => proxy.close());
});

afterAll(async () => {
  for (const close of closings.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

test.each(Object.entries(REQUIRED))(
  'revision %s: all %i scenarios',
  { timeout: 240_000 },
  async (revision, required) => {
    const args = ['server', '--url', `http://localhost:${proxy.port}/mcp`, '--requirements', revision];
    const out = join(folder, revision);
    // It ends with another code than 0 as soon as a required scenario fails.
    const { stdout } = await promisify(execFile)(process.execPath, [SUITE, ...args, '--output-dir', out], {
      maxBuffer: 64 * 1024 * 1024,
    }).catch((error: { stdout: string; stderr: string }) => {
      throw new Error(`the suite failed:\n${error.stdout.slice(-6_000)}\n${error.stderr.slice(-2_000)}`);
    });
    const [, summary = ''] = stdout.split('=== SUMMARY ===');
    const [scenarios = '', notScored = ''] = summary.split('Not scored for');
    const optional = new Set(Array.from(notScored.matchAll(/^ {2}[✓✗] (\S+)/gm), ([, name]) => name!));
    const results = Array.from(scenarios.matchAll(/^([✓✗]) (\S+): (\d+) passed, (\d+) failed/gm))
      .map(([, mark, name, passed, failed]) => ({
        mark,
        name: name!,
        passed: Number(passed),
        failed: Number(failed),
      }))
      .filter(({ name }) => !optional.has(name));
    expect(results.filter(({ mark, failed }) => mark !== '✓' || failed > 0)).toEqual([]);
    expect(results.filter(({ passed }) => passed === 0)).toEqual([]);
    expect(results).toHaveLength(required);
    console.log(`MCP ${revision}: ${results.length} of ${required} server scenarios`);
  },
);
