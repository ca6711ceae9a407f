/** Hosts and nodes that come and go: whoever is left goes on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import type { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BatteryNode } from '../../../node.ts';
import { BIN } from '../../e2e/bin-lb.ts';
import { call, ERAS, type Era, failure, stdioClient } from '../../support/mcp.ts';
import { runVerb, startNode, stopNode } from '../../support/owner.ts';

async function newNode(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lb-hosts-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, 'node');
  await BatteryNode.init({ data });
  return data;
}

async function host(era: Era, data: string, identity: string): Promise<Client> {
  const client = await stdioClient(era, ['--data', data, '--identity', identity, '--toolsets', 'all']);
  onTestFinished(() => client.close());
  return client;
}

/** The process that a host started: of the shim, or the node itself. */
const processOf = (client: Client): number => (client.transport as StdioClientTransport).pid!;

describe.each(ERAS)('in the %s era', (era) => {
  test('when the host of the owner goes, another one takes over', async () => {
    const data = await newNode();
    const ann = await host(era, data, 'ann');
    const bob = await host(era, data, 'bob');
    const { group_id } = await call(ann, 'create_group', { name: 'g' });
    await call(bob, 'list_groups');
    await ann.close();
    expect((await failure(bob, 'publish_claim', { text: 'I am not in it.' })).code).toBe('author_unknown');
    expect((await call(bob, 'group_info')).group_id).toBe(group_id);
  });

  test('a node that wants to stay up gets the directory, and the hosts are served by it', async () => {
    const data = await newNode();
    const ann = await host(era, data, 'ann');
    await call(ann, 'create_group', { name: 'g' });
    const up = await startNode(data, { LB_LOG_LEVEL: 'warn' });
    onTestFinished(async () => void (await stopNode(up)));
    const owner = await runVerb(['info', '--json'], data, { isForwarding: true, isServedOnly: true });
    expect(owner.code).toBe(0);
    await call(ann, 'publish_claim', { text: 'Said while it is up.' });
    expect(await stopNode(up)).toBe(0);
    await call(ann, 'publish_claim', { text: 'Said after it was up.' });
    expect((await call(ann, 'list_claims')).claims).toHaveLength(2);
  });
});

test('when the owner is killed, the others go on', async () => {
  const data = await newNode();
  const ann = await host('modern', data, 'ann');
  const bob = await host('modern', data, 'bob');
  await call(ann, 'create_group', { name: 'g' });
  process.kill(processOf(ann), 'SIGKILL');
  expect((await call(bob, 'list_groups')).groups).toHaveLength(1);
});

test('a host that dies in the middle of a call leaves the node to the next one', async () => {
  const data = await newNode();
  const up = await startNode(data, { LB_LOG_LEVEL: 'warn' });
  onTestFinished(async () => void (await stopNode(up)));
  const dying = spawn(BIN, ['mcp', '--data', data, '--identity', 'dora'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const hello = { jsonrpc: '2.0', id: 1, method: 'initialize', params: INITIALIZE };
  const watch = { name: 'watch_claims', arguments: { timeout_ms: 50_000 } };
  dying.stdin.write(`${JSON.stringify(hello)}\n`);
  await once(dying.stdout, 'data');
  dying.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: watch })}\n`);
  dying.kill('SIGKILL');
  await once(dying, 'exit');
  const next = await host('legacy', data, 'ann');
  expect((await call(next, 'create_group', { name: 'g' })).name).toBe('g');
});

const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'dying', version: '1' },
};
