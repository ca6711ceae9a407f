/**
 * The SDK's own client lists and calls every tool, in both eras, over every transport. It holds each result against
 * the schema that the tool was listed with.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BatteryNode } from '../../../node.ts';
import {
  call,
  ERAS,
  failure,
  httpClient,
  serveOverHttp,
  stdioClient,
  tokenFor,
  VERSION_OF_ERA,
} from '../../support/mcp.ts';
import { startNode, stopNode } from '../../support/owner.ts';
import { ADMIN_STORY, STORY, type Step, valueAt } from './story.ts';

interface Agents {
  readonly ann: Client;
  readonly bob: Client;
}

async function tell(agents: Agents, story: readonly Step[]): Promise<void> {
  const saved = new Map<string, string>();
  for (const { as, tool, input, save = {}, fails, mayFail } of story) {
    const given = input?.((name) => saved.get(name)!) ?? {};
    const client = agents[as];
    if (fails !== undefined) {
      const error = await failure(client, tool, given);
      expect(error.code, tool).toBe(fails);
      expect(error.message.length, tool).toBeGreaterThan(10);
      expect(error.next?.length, tool).toBeGreaterThan(10);
      continue;
    }
    const result = await call(client, tool, given).catch((error: Error) => {
      if (mayFail?.test(error.message) !== true) throw error;
    });
    for (const [name, path] of Object.entries(save)) saved.set(name, valueAt(result, path));
  }
}

async function tellEverything(agents: Agents, story: readonly Step[]): Promise<void> {
  const { tools } = await agents.ann.listTools();
  const told = new Set(story.map(({ tool }) => tool));
  expect(tools.map(({ name }) => name).filter((name) => !told.has(name))).toEqual([]);
  for (const { name, title, description, outputSchema, annotations } of tools) {
    expect(title, name).toBeTruthy();
    expect(description, name).toBeTruthy();
    expect(outputSchema, name).toBeTruthy();
    expect(Object.keys(annotations ?? {}).sort(), name).toEqual([
      'destructiveHint',
      'idempotentHint',
      'openWorldHint',
      'readOnlyHint',
    ]);
  }
  await tell(agents, story);
}

async function newNode(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lb-mcp-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, 'node');
  await BatteryNode.init({ data });
  return data;
}

function closing(client: Client): Client {
  onTestFinished(() => client.close());
  return client;
}

describe.each(ERAS)('every tool in the %s era', (era) => {
  test('over HTTP', async () => {
    const node = await BatteryNode.open({ data: await newNode() });
    onTestFinished(() => node.close());
    for (const name of ['ann', 'bob']) await node.createIdentity(name);
    const server = await serveOverHttp(node);
    onTestFinished(() => server.close());
    const clientOf = async (name: string) =>
      closing(await httpClient(era, server.port, tokenFor(node, name, true), 'all'));
    const agents = { ann: await clientOf('ann'), bob: await clientOf('bob') };
    expect(agents.ann.getNegotiatedProtocolVersion()).toBe(VERSION_OF_ERA[era]);
    await tellEverything(agents, [...STORY, ...ADMIN_STORY]);
  });

  test('over stdio, where the first host owns the directory and serves the second', async () => {
    const data = await newNode();
    const clientOf = async (name: string) =>
      closing(await stdioClient(era, ['--data', data, '--identity', name, '--toolsets', 'all']));
    const agents = { ann: await clientOf('ann'), bob: await clientOf('bob') };
    expect(agents.bob.getNegotiatedProtocolVersion()).toBe(VERSION_OF_ERA[era]);
    await tellEverything(agents, STORY);
  });

  test('over stdio, through the socket of a node that is up', async () => {
    const data = await newNode();
    const up = await startNode(data);
    onTestFinished(async () => void (await stopNode(up)));
    const clientOf = async (name: string) =>
      closing(await stdioClient(era, ['--data', data, '--identity', name, '--toolsets', 'all']));
    await tellEverything({ ann: await clientOf('ann'), bob: await clientOf('bob') }, STORY);
  });
});
