/** A client of the older era whose connection breaks comes back, and misses nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Group } from '../../../actors/group.ts';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { BatteryNode } from '../../../node.ts';
import { serveOverHttp, tokenFor, VERSION_OF_ERA } from '../../support/mcp.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-resume-'));
let node: BatteryNode;
let server: HttpServer;
let group: Group;
let headers: Record<string, string>;

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), threads: 1 });
  group = await node.createGroup({ name: 'g' });
  server = await serveOverHttp(node);
  headers = {
    authorization: `Bearer ${tokenFor(node, 'node')}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'mcp-protocol-version': VERSION_OF_ERA.legacy,
  };
  const opened = await post({
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: VERSION_OF_ERA.legacy,
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    },
  });
  headers['mcp-session-id'] = opened.headers.get('mcp-session-id')!;
  await opened.text();
  await post({ method: 'notifications/initialized' });
});
afterAll(async () => {
  await server.close();
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

const url = () => `http://127.0.0.1:${server.port}/mcp`;

function post(message: object, signal?: AbortSignal): Promise<Response> {
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  return fetch(url(), { method: 'POST', headers, body, ...(signal && { signal }) });
}

function get(lastEventId: string | undefined, signal?: AbortSignal): Promise<Response> {
  const from = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  return fetch(url(), { headers: { ...headers, ...from }, ...(signal && { signal }) });
}

interface Event {
  readonly id: string;
  readonly data: string;
}

async function* eventsOf({ body }: Response): AsyncGenerator<Event> {
  let text = '';
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      if (fields.id !== undefined) yield { id: fields.id, data: fields.data ?? '' };
    }
  }
}

/** The next event; a client whose connection breaks afterwards has seen it. */
async function next(events: AsyncGenerator<Event>): Promise<Event> {
  const { value } = await events.next();
  if (value === undefined) throw new Error('the stream has ended');
  return value;
}

/** Asks until the node has noticed that the connection before is gone. */
async function resumed(lastEventId: string, signal?: AbortSignal): Promise<Response> {
  for (;;) {
    const response = await get(lastEventId, signal);
    if (response.status !== 409) return response;
    await response.text();
  }
}

test('the answer to a call comes to a client that lost its connection meanwhile', async () => {
  const breaking = new AbortController();
  const params = { name: 'watch_claims', arguments: { timeout_ms: 30_000 } };
  const asked = await post({ id: 2, method: 'tools/call', params }, breaking.signal);
  const { id } = await next(eventsOf(asked));
  breaking.abort();
  await group.as('node').publishClaim({ text: 'While you were away' });
  const again = eventsOf(await resumed(id));
  const { data } = await next(again);
  expect(JSON.parse(data)).toMatchObject({ id: 2, result: { content: [{ type: 'text' }] } });
  expect(data).toContain('While you were away');
  expect((await again.next()).done).toBe(true);
});

test('notifications go on after the last one that was seen, none twice and none skipped', async () => {
  const uri = `lb://groups/${group.groupId}/claims`;
  await (await post({ id: 3, method: 'resources/subscribe', params: { uri } })).text();
  const breaking = new AbortController();
  const events = eventsOf(await get(undefined, breaking.signal));
  await group.as('node').publishClaim({ text: 'Seen' });
  const seen = await next(events);
  expect(JSON.parse(seen.data)).toMatchObject({ method: 'notifications/resources/updated', params: { uri } });
  breaking.abort();
  await group.as('node').createTask({ task: 'unheard', title: 'Nobody subscribed to it' });
  await group.as('node').publishClaim({ text: 'Missed' });
  const leaving = new AbortController();
  const again = eventsOf(await resumed(seen.id, leaving.signal));
  const missed = await next(again);
  expect(JSON.parse(missed.data)).toMatchObject({
    method: 'notifications/resources/updated',
    params: { uri },
  });
  expect(missed.id).not.toBe(seen.id);
  await group.as('node').publishClaim({ text: 'Live again' });
  expect((await next(again)).id).not.toBe(missed.id);
  leaving.abort();
});

test.each(['nothing', '999999/x'])('an event that never was (%s) is refused', async (id) => {
  expect((await get(id)).status).toBe(400);
});

test('a session is resumed by the token that opened it alone', async () => {
  const authorization = `Bearer ${tokenFor(node, 'node')}`;
  const answer = await fetch(url(), { headers: { ...headers, authorization, 'last-event-id': '1/x' } });
  expect(answer.status).toBe(404);
});
