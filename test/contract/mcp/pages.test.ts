/**
 * Answers fit their readers: of every list, with texts as fat as the rules allow, no page is longer than a client of MCP
 * takes (20,000 tokens, the text and the structure of a result both counted), and the cursors lead through all of it,
 * each entry once. Over HTTP programs read, and a page is bounded at about a mebibyte.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { OPERATIONS } from '../../../interfaces/operations/registry.ts';
import { tokensIn } from '../../../interfaces/operations/room.ts';
import { BatteryNode } from '../../../node.ts';
import { httpClient, serveOverHttp, tokenFor } from '../../support/mcp.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const MCP_TOKENS = 20_000;
const HTTP_BYTES = 4 * 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'lb-pages-'));
let node: BatteryNode;
let server: HttpServer;
let client: Client;
let token: string;
let groupId = '';
let thread = '';
let fatClaim = '';
let fatBlock = 0;
let before = '';

/** Quotes, scripts of a token a character, ids: whatever makes a text dear. */
const DEAR = '"\\ 验证 ab0123456789abcdef ';
const fat = (bytes: number): string => DEAR.repeat(Math.floor(bytes / Buffer.byteLength(DEAR))).trim();

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), durability: 'commit' });
  const group = await node.createGroup({ name: 'pages' });
  groupId = group.groupId;
  for (let n = 0; n < 12; n++) await node.createGroup({ name: `g${n} ${'名'.repeat(40)}` });
  server = await serveOverHttp(node);
  token = tokenFor(node, 'node', true);
  client = await httpClient('modern', server.port, token, 'all');
  before = String((await callTool('watch_claims', { group_id: groupId, timeout_ms: 0 })).cursor);
  const me = group.as('node');
  thread = (await me.publishClaim({ text: 'the root' })).claim;
  for (let n = 0; n < 14; n++) await me.publishClaim({ text: `${n} ${fat(20_000)}`, parent: thread });
  fatClaim = (await me.publishClaim({ text: `the longest ${fat(60_000)}` })).claim;
  await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      me.createTask({ task: `task ${n}`, title: `${n} ${'字'.repeat(60)}`, description: fat(4_000) }),
    ),
  );
  fatBlock = group.head.height;
  for (let n = 0; n < 14; n++) {
    const { publicKey } = await node.createIdentity(`member-${n}-${'x'.repeat(40)}`);
    await me.addMember(publicKey, 'member');
    await group.as(publicKey).setProfile(`${n} ${'名'.repeat(30)}`);
    await group.as(publicKey).setPresence('active', { note: fat(700) });
  }
  const content = new TextEncoder().encode('short');
  for (let n = 0; n < 14; n++)
    await me.createOffer({ title: `offer ${n}`, content, price: 1n, tags: [], description: fat(900) });
});
afterAll(async () => {
  await client?.close();
  await server?.close();
  await node?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Answer = Record<string, unknown>;

/** A tool's result, which no host may find too long. */
async function callTool(name: string, input: Answer): Promise<Answer> {
  const result = await client.callTool({ name, arguments: input });
  const text = (result.content as { text: string }[]).map((block) => block.text).join('');
  expect(result.isError, text.slice(0, 300)).not.toBe(true);
  const tokens = tokensIn(text) + tokensIn(JSON.stringify(result.structuredContent));
  expect(tokens, `${name} ${JSON.stringify(input).slice(0, 100)}`).toBeLessThanOrEqual(MCP_TOKENS);
  return result.structuredContent as Answer;
}

async function callHttp(name: string, input: Answer): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${server.port}/v1/${name}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  const text = await response.text();
  expect(response.status, text.slice(0, 300)).toBe(200);
  expect(Buffer.byteLength(text), name).toBeLessThanOrEqual(HTTP_BYTES);
  return JSON.parse(text) as Answer;
}

interface Paged {
  readonly input?: () => Answer;
  /** What tells an entry from all others, of one answer. */
  keys(answer: Answer): unknown[];
  readonly least: number;
  /** Where the next page begins, if that is not `next_cursor`; nothing at the end. */
  next?(answer: Answer): unknown;
}

const each = (list: string, key: string) => (answer: Answer) =>
  (answer[list] as Answer[]).map((entry) => entry[key]);
const inGroup =
  (more: Answer = {}) =>
  () => ({ group_id: groupId, ...more });

/** Of lists that go on by a cursor even where nothing is left: until a page is empty. */
const untilEmpty = (list: string) => (answer: Answer) =>
  (answer[list] as unknown[]).length === 0 ? undefined : answer.cursor;

const PAGED: Readonly<Record<string, Paged>> = {
  get_recent_claims: { keys: each('claims', 'claim_id'), least: 16 },
  watch_claims: {
    input: () => ({ group_id: groupId, cursor: before, timeout_ms: 0 }),
    keys: each('claims', 'claim_id'),
    least: 16,
    next: untilEmpty('claims'),
  },
  list_claims: { input: inGroup(), keys: each('claims', 'claim_id'), least: 16 },
  get_thread: {
    input: () => ({ group_id: groupId, claim_id: thread }),
    keys: each('claims', 'claim_id'),
    least: 15,
  },
  list_tasks: { input: inGroup(), keys: each('tasks', 'task_id'), least: 40 },
  get_presence: { input: inGroup(), keys: each('members', 'member'), least: 14 },
  list_members: { input: inGroup(), keys: each('members', 'member'), least: 15 },
  list_offers: { input: inGroup(), keys: each('offers', 'offer_id'), least: 14 },
  list_groups: { keys: each('groups', 'group_id'), least: 13 },
  list_identities: { keys: each('identities', 'name'), least: 15 },
  list_events: {
    input: inGroup(),
    keys: (answer) => (answer.events as Answer[]).map(({ height, index }) => `${height}.${index}`),
    least: 80,
    next: untilEmpty('events'),
  },
  get_block: {
    input: () => ({ group_id: groupId, height: fatBlock }),
    keys: (answer) =>
      (answer.transactions as { tx_id: string; operations: Answer[]; effects: Answer[] }[]).flatMap((one) => [
        ...one.operations.map((_, at) => `${one.tx_id} operation ${JSON.stringify(_).slice(0, 60)} ${at}`),
        ...one.effects.map((_, at) => `${one.tx_id} effect ${JSON.stringify(_).slice(0, 60)} ${at}`),
      ]),
    least: 2,
  },
  list_purchases: { input: inGroup(), keys: each('purchases', 'purchase_id'), least: 0 },
  list_orders: { keys: each('orders', 'order_id'), least: 0 },
  list_announcements: { keys: each('announcements', 'offer_id'), least: 0 },
  network_status: { keys: (answer) => answer.groups as unknown[], least: 0 },
  list_outbox: { input: inGroup(), keys: each('entries', 'tx_id'), least: 0 },
};

test('the lists here are all that there are', () => {
  const paged = OPERATIONS.filter(
    ({ effect, input }) => effect === 'reads' && Object.hasOwn(input.properties, 'cursor'),
  );
  expect(Object.keys(PAGED).sort()).toEqual(paged.map(({ name }) => name).sort());
});

describe.each([
  ['MCP', callTool],
  ['HTTP', callHttp],
] as const)('over %s', (surface, ask) => {
  test.each(Object.entries(PAGED))('the pages of %s hold everything once', async (name, paged) => {
    const { input = () => ({}), keys, least, next = (answer: Answer) => answer.next_cursor } = paged;
    const seen: unknown[] = [];
    let pages = 0;
    for (let cursor: unknown; ; pages++) {
      expect(pages, `${name} ends`).toBeLessThan(400);
      const answer = await ask(name, { ...input(), ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...keys(answer));
      cursor = next(answer);
      if (cursor === undefined) break;
      expect(keys(answer).length, `${name} moves`).toBeGreaterThan(0);
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(least);
    if (surface === 'MCP' && least > 30) expect(pages, name).toBeGreaterThan(0);
  });

  test('a text goes on where it ended', async () => {
    const { text: whole } = node.group(groupId).claimContent(fatClaim)!;
    let read = '';
    for (let offset: unknown = 0; offset !== undefined; ) {
      const { claim } = (await ask('get_claim', { group_id: groupId, claim_id: fatClaim, offset })) as {
        claim: { text: string; next_offset?: number };
      };
      expect(claim.text.length).toBeGreaterThan(0);
      read += claim.text;
      offset = claim.next_offset;
    }
    expect(read).toBe(whole);
  });

  test('what has no pages fits as well', async () => {
    await ask('compile_context', { group_id: groupId, query: '验证 root', top_k: 200 });
    await ask('why_claim', { group_id: groupId, claim_id: fatClaim });
    await ask('get_task', { group_id: groupId, task_id: 'task 1' });
    await ask('group_info', { group_id: groupId });
    await ask('node_info', {});
  });
});
