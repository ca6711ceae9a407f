/** Plain JSON-RPC 2.0: operations as methods, for callers that know nothing of MCP, over a pipe and over HTTP. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccessTokens } from '../../../interfaces/access/tokens.ts';
import { OPERATIONS } from '../../../interfaces/operations/registry.ts';
import { BatteryNode } from '../../../node.ts';
import { BIN } from '../../e2e/bin-lb.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-plain-'));
const data = join(folder, 'node');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  const node = await BatteryNode.openOrInit({ data });
  await node.createGroup({ name: 'plain' });
  await node.close();
});

interface Answer {
  readonly id: unknown;
  readonly result?: Record<string, unknown>;
  readonly error?: { code: number; message: string; data?: { code: string; next?: string } };
}

const ask = (id: unknown, method: string, params?: unknown): object => ({
  ...{ jsonrpc: '2.0', id, method },
  ...(params === undefined ? {} : { params }),
});

/** What every caller of plain methods sees, whatever it speaks through. */
async function story(say: (message: object) => Promise<Answer>): Promise<void> {
  const done = async (method: string, params: object = {}): Promise<Record<string, unknown>> => {
    const answer = await say(ask(method, method, params));
    expect(answer, method).toMatchObject({ id: method, result: expect.any(Object) });
    return answer.result!;
  };
  const asked = await done('publish_claim', { text: 'Which framework?', tags: ['question'] });
  const reply = await done('publish_claim', { text: 'The one that is there.', parent_hash: asked.claim_id });
  expect(JSON.stringify(await done('compile_context', { query: 'framework', since_ms: 0 }))).toContain(
    String(asked.claim_id),
  );
  const recent = await done('get_recent_claims', { since_ms: 0, limit: 10 });
  expect((recent.claims as object[]).length).toBe(2);
  await done('watch_claims', { timeout_ms: 0 });
  for (const task_id of ['one', 'two']) {
    await done('create_task', { task_id, title: 'Implement it', reward: 50 });
    await done('start_task', { task_id });
  }
  await done('complete_task', { task_id: 'one', result_hash: reply.claim_id });
  await done('fail_task', { task_id: 'two', error_message: 'Blocked.' });
  const { tasks } = (await done('list_tasks')) as { tasks: { task_id: string; status: string }[] };
  expect(tasks.map(({ task_id, status }) => [task_id, status])).toEqual([
    ['one', 'completed'],
    ['two', 'failed'],
  ]);
  await done('update_presence', { status: 'busy', metadata: { current_task: 'one' } });
  expect(JSON.stringify(await done('get_presence'))).toContain('busy');
  const offer = await done('create_offer', { title: 'Guide', text: 'Validate all inputs.', price: 250 });
  expect(JSON.stringify(await done('list_offers'))).toContain(String(offer.offer_id));

  const failed = async (method: string, params: unknown): Promise<unknown[]> => {
    const { id, error } = await say(ask(7, method, params));
    expect([id, typeof error?.message]).toEqual([7, 'string']);
    return [error!.code, error!.data?.code];
  };
  expect(await failed('purchase_offer', { offer_id: 'f'.repeat(64) })).toEqual([-32000, 'not_found']);
  expect(await failed('start_task', { task_id: 'one' })).toEqual([-32000, 'task_state']);
  expect(await failed('publish_claim', {})).toEqual([-32602, 'usage']);
  expect(await failed('publish_claim', { text: 'x', txet: 'y' })).toEqual([-32602, 'usage']);
  expect(await failed('publish_clam', {})).toEqual([-32601, undefined]);
  expect(await failed('update_policy', { changes: {} })).toEqual([-32601, undefined]);
  expect(await say({ id: 8, method: 'list_tasks' })).toMatchObject({ error: { code: -32600 } });

  const keyed = { text: 'Said once.', idempotency_key: 'k' };
  expect(await done('publish_claim', keyed)).toEqual(await done('publish_claim', keyed));
}

test('no operation is named as a method of MCP is', () => {
  const taken = OPERATIONS.map(({ name }) => name).filter(
    (name) => name.includes('/') || ['initialize', 'ping'].includes(name),
  );
  expect(taken).toEqual([]);
});

describe('over standard input', () => {
  function host(args: readonly string[] = ['--identity', 'node']) {
    const child = spawn(BIN, ['run-mcp', '--data', data, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, LB_P2P: 'false' },
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<Answer> => JSON.parse((await lines.next()).value as string) as Answer;
    return {
      ...{ child, next },
      write: (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`),
      async end(): Promise<void> {
        child.stdin.end();
        expect((await once(child, 'exit'))[0]).toBe(0);
      },
    };
  }

  test('every method that a script may call answers without a handshake', async () => {
    const { next, write, end } = host();
    await story((message) => {
      write(message);
      return next();
    });
    await end();
  }, 60_000);

  test('a script that writes all and then ends is answered in order, and what waits holds up nobody', async () => {
    const { child, next, write } = host();
    const exited = once(child, 'exit');
    write(ask('waits', 'watch_claims', { timeout_ms: 50_000 }));
    write({ jsonrpc: '2.0', method: 'create_task', params: { task_id: 'quiet', title: 'Unanswered' } });
    write(ask(1, 'create_task', { task_id: 'piped', title: 'Piped' }));
    write(ask(2, 'start_task', { task_id: 'piped' }));
    write(ask(3, 'complete_task', { task_id: 'piped', result_text: 'Done.' }));
    write(ask(4, 'start_task', { task_id: 'quiet' }));
    child.stdin.end();
    const answers = [await next(), await next(), await next(), await next(), await next()];
    expect(answers.filter(({ error }) => error !== undefined)).toEqual([]);
    const ids = answers.map(({ id }) => id).filter((id) => id !== 'waits');
    expect(ids).toEqual([1, 2, 3, 4]);
    expect((await exited)[0]).toBe(0);
  }, 60_000);

  test('what wants no answer is done all the same, also where nothing comes after it', async () => {
    const first = host();
    for (let n = 0; n < 20; n++)
      first.write({ jsonrpc: '2.0', method: 'publish_claim', params: { text: `unanswered ${n}` } });
    await first.end();
    const { next, write, end } = host();
    write(ask(1, 'get_recent_claims', { limit: 20 }));
    const { claims } = (await next()).result as { claims: { text: string }[] };
    expect(claims.map(({ text }) => text)).toEqual(
      Array.from({ length: 20 }, (_, n) => `unanswered ${19 - n}`),
    );
    await end();
  }, 60_000);

  test('a call that is taken back ends, and MCP is spoken on the same connection', async () => {
    const { next, write, end } = host();
    write(ask('waits', 'watch_claims', { timeout_ms: 50_000 }));
    write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'waits' } });
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    };
    write(ask(1, 'initialize', params));
    expect(await next()).toMatchObject({ id: 1, result: { serverInfo: { name: 'battery-node' } } });
    write(ask(2, 'list_tasks'));
    expect(await next()).toMatchObject({ id: 2, result: { tasks: expect.any(Array) } });
    await end();
  }, 60_000);

  test('who may only read is told so', async () => {
    const { next, write, end } = host(['--read-only']);
    write(ask(1, 'publish_claim', { text: 'x' }));
    expect(await next()).toMatchObject({ error: { code: -32000, data: { code: 'forbidden' } } });
    write(ask(2, 'list_tasks'));
    expect(await next()).toMatchObject({ result: { tasks: expect.any(Array) } });
    await end();
  }, 60_000);
});

describe('over HTTP', () => {
  async function served() {
    const node = await BatteryNode.openOrInit({ data: join(mkdtempSync(join(folder, 'http-')), 'node') });
    await node.createGroup({ name: 'plain' });
    const server = await serveOverHttp(node);
    const post = (body: unknown, token = tokenFor(node, 'node'), query = '') =>
      fetch(`http://127.0.0.1:${server.port}/mcp${query}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const end = async (): Promise<void> => {
      await server.close();
      await node.close();
    };
    return { node, post, end };
  }

  test('every method that a script may call answers without a handshake', async () => {
    const { node, post, end } = await served();
    const token = tokenFor(node, 'node');
    await story(async (message) => {
      const response = await post(message, token);
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        'application/json; charset=utf-8',
      ]);
      return (await response.json()) as Answer;
    });
    await end();
  }, 60_000);

  test('a token does what it may, in the groups that it may, with the toolsets that the address names', async () => {
    const { node, post, end } = await served();
    await node.createGroup({ name: 'other' });
    const codeOf = async (response: Response) => ((await response.json()) as Answer).error?.data?.code;
    const reader = tokenFor(node);
    const claim = ask(1, 'publish_claim', { group_id: 'plain', text: 'x' });
    expect(await codeOf(await post(claim, reader))).toBe('forbidden');
    expect((await post(claim, 'lb_none')).status).toBe(401);
    const group = node.group('plain').groupId;
    const { token } = new AccessTokens(node.data).create({ name: 'one', identity: 'node', groups: [group] });
    expect(await codeOf(await post(ask(1, 'publish_claim', { group_id: 'other', text: 'x' }), token))).toBe(
      'not_found',
    );
    expect(await codeOf(await post(ask(1, 'node_info'), token, '?toolsets=network'))).toBe('forbidden');
    expect(await codeOf(await post(ask(1, 'publish_claim', { text: 'x' }), token))).toBeUndefined();
    const info = await post(ask(1, 'node_info'), reader, '?toolsets=network');
    expect(await info.json()).toMatchObject({ result: { version: expect.any(String) } });
    await end();
  });

  test('a batch is answered as one, and what has no id not at all', async () => {
    const { node, post, end } = await served();
    const { id: _, ...unanswered } = ask(0, 'create_task', { task_id: 'a', title: 'A' }) as { id: number };
    const batch = await post([unanswered, ask(1, 'start_task', { task_id: 'a' }), ask(2, 'list_tasks')]);
    expect(await batch.json()).toMatchObject([
      { id: 1, result: {} },
      { id: 2, result: { tasks: [{ task_id: 'a', status: 'in_progress' }] } },
    ]);
    const told = await post({ ...unanswered, params: { task_id: 'b', title: 'B' } });
    expect([told.status, await told.text()]).toEqual([204, '']);
    expect(node.groups()[0]!.now.task('b')?.title).toBe('B');
    expect((await post(ask(1, 'list_tasks', ['plain']))).status).toBe(200);
    expect((await post(Array(101).fill(ask(1, 'list_tasks')))).status).toBe(400);
    await end();
  });
});
