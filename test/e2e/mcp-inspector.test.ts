/** The official inspector, run from its command line against the command that a host would start, in both eras. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operationsOf } from '../../interfaces/operations/registry.ts';
import { BatteryNode } from '../../node.ts';
import { serveOverHttp, tokenFor } from '../support/mcp.ts';
import { BIN } from './bin-lb.ts';

const require = createRequire(import.meta.url);
const INSPECTOR = join(
  dirname(require.resolve('@modelcontextprotocol/inspector/package.json')),
  'clients/launcher/build/index.js',
);

const folder = mkdtempSync(join(tmpdir(), 'lb-inspector-'));
const data = join(folder, 'node');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function inspect(args: readonly string[], target: readonly string[]): Promise<Record<string, unknown>> {
  const line = [INSPECTOR, '--cli', '--format', 'json', '--quiet', ...args, ...target];
  // It writes a catalog into the home of its user, which shall not be this one.
  const env = { ...process.env, HOME: folder };
  const { stdout } = await promisify(execFile)(process.execPath, line, { env, timeout: 50_000 });
  return (JSON.parse(stdout) as { result: Record<string, unknown> }).result;
}

beforeAll(async () => {
  const node = await BatteryNode.openOrInit({ data });
  const group = await node.createGroup({ name: 'inspected' });
  const { publicKey } = await node.createIdentity('ann');
  await group.as('node').addMember(publicKey, 'member');
  await node.close();
});

describe.each(['legacy', 'modern'])('in the %s era', (era) => {
  const stdio = [BIN, 'mcp', '--data', data, '--identity', 'ann'];
  const inEra = (...args: string[]): string[] => ['--protocol-era', era, ...args];

  test('it finds every tool, and no schema that another client could not take', async () => {
    const listed = await inspect(inEra('--method', 'tools/list', '--strict'), stdio);
    const names = (listed.tools as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(operationsOf(new Set(['default'])).map(({ name }) => name));
  });

  test('it calls tools over stdio', async () => {
    const text = `Said to an inspector in the ${era} era.`;
    const args = ['--tool-name', 'publish_claim', '--tool-args-json', JSON.stringify({ text })];
    const published = await inspect(inEra('--method', 'tools/call', ...args), stdio);
    expect(published.structuredContent).toMatchObject({ claim_id: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const read = await inspect(
      inEra('--method', 'tools/call', '--tool-name', 'get_recent_claims', '--tool-args-json', '{"limit":1}'),
      stdio,
    );
    expect(read.structuredContent).toMatchObject({ claims: [{ text, is_own: true }] });
  });

  test('it reads resources and prompts', async () => {
    const resources = await inspect(inEra('--method', 'resources/list'), stdio);
    expect(resources.resources).toEqual(
      expect.arrayContaining([expect.objectContaining({ uri: 'lb://groups' })]),
    );
    const prompts = await inspect(inEra('--method', 'prompts/list'), stdio);
    expect(prompts.prompts).toHaveLength(3);
  });

  test('it calls tools over HTTP', async () => {
    const node = await BatteryNode.open({ data });
    const server = await serveOverHttp(node);
    const url = ['--server-url', `http://127.0.0.1:${server.port}/mcp`, '--transport', 'http'];
    const header = ['--header', `Authorization: Bearer ${tokenFor(node, 'ann')}`];
    try {
      const args = inEra('--method', 'tools/call', '--tool-name', 'list_tasks', ...header);
      expect((await inspect(args, url)).structuredContent).toEqual({ tasks: [] });
    } finally {
      await server.close();
      await node.close();
    }
  });
});
