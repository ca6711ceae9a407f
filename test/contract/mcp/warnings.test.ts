/** Many calls at once leave no listeners behind: Node warns where more gather than anybody meant. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { BatteryNode } from '../../../node.ts';
import { call, ERAS, httpClient, serveOverHttp, tokenFor } from '../../support/mcp.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-mcp-warnings-'));
/** More than the ten listeners from which on Node warns. */
const MANY = 24;
const warnings: string[] = [];
const note = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);

let node: BatteryNode;
let server: HttpServer;
beforeAll(async () => {
  process.on('warning', note);
  node = await BatteryNode.openOrInit({ data: join(folder, 'node') });
  for (let at = 0; at < MANY; at++) await node.createGroup({ name: `g${at}` });
  server = await serveOverHttp(node);
});
afterAll(async () => {
  await server.close();
  await node.close();
  process.off('warning', note);
  rmSync(folder, { recursive: true, force: true });
});

describe.each(ERAS)('in the %s era', (era) => {
  test('many calls of one client that wait, over many groups', async () => {
    const client = await httpClient(era, server.port, tokenFor(node, 'node'), 'all');
    const waiting = Array.from({ length: MANY }, () => call(client, 'watch_claims', { timeout_ms: 50_000 }));
    const reading = Array.from({ length: MANY }, (_, at) =>
      call(client, 'list_tasks', { group_id: `g${at}` }),
    );
    await Promise.all(reading);
    await call(client, 'publish_claim', { group_id: 'g0', text: `It goes on, ${era}.` });
    await Promise.all(waiting);
    await client.close();
    // Warnings are told in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings.filter((one) => one.includes('MaxListeners'))).toEqual([]);
  });

  test('many clients at once, each with subscriptions', async () => {
    const token = tokenFor(node, 'node');
    const clients = await Promise.all(
      Array.from({ length: MANY }, () => httpClient(era, server.port, token, 'all')),
    );
    if (era === 'legacy')
      await Promise.all(
        clients.flatMap((client) =>
          Array.from({ length: MANY }, (_, at) =>
            client.subscribeResource({ uri: `lb://groups/g${at}/tasks` }),
          ),
        ),
      );
    await Promise.all(clients.map((client) => call(client, 'list_groups')));
    await Promise.all(clients.map((client) => client.close()));
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings.filter((one) => one.includes('MaxListeners'))).toEqual([]);
  });
});
