/** A client with the Tasks extension is told of its handles, over HTTP and stdio, and of nothing else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Group } from '../../../actors/group.ts';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import type { Session } from '../../../interfaces/mcp/session.ts';
import { serveTerminal } from '../../../interfaces/mcp/stdio.ts';
import { BatteryNode } from '../../../node.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';

const TASKS = 'io.modelcontextprotocol/tasks';
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';

const folder = mkdtempSync(join(tmpdir(), 'lb-task-subscriptions-'));
let node: BatteryNode;
let server: HttpServer;
let group: Group;

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), threads: 1 });
  group = await node.createGroup({ name: 'g' });
  server = await serveOverHttp(node);
});
afterAll(async () => {
  await server.close();
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Said {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown> & { _meta: Record<string, unknown> };
  readonly result?: Record<string, unknown>;
}

/** A connection: requests go out, and what is said comes back in order. */
interface Wire {
  ask(id: number, method: string, params: object, knowsTasks?: boolean): AsyncGenerator<Said>;
  close(): Promise<void>;
}

const request = (id: number, method: string, params: object, knowsTasks: boolean) => ({
  jsonrpc: '2.0',
  id,
  method,
  params: {
    ...params,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': knowsTasks ? { extensions: { [TASKS]: {} } } : {},
    },
  },
});

function overHttp(): Wire {
  const closing = new AbortController();
  const authorization = `Bearer ${tokenFor(node, 'node')}`;
  return {
    async *ask(id, method, params, knowsTasks = true) {
      const { name } = params as { name?: string };
      const response = await fetch(`http://127.0.0.1:${server.port}/mcp?toolsets=default,tasks`, {
        method: 'POST',
        headers: {
          authorization,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(name === undefined ? {} : { 'mcp-name': name }),
        },
        body: JSON.stringify(request(id, method, params, knowsTasks)),
        signal: closing.signal,
      });
      if (response.headers.get('content-type')?.includes('json'))
        return yield (await response.json()) as Said;
      let text = '';
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        const lines = (text + chunk).split('\n');
        text = lines.pop()!;
        for (const line of lines) if (line.startsWith('data: {')) yield JSON.parse(line.slice(6)) as Said;
      }
    },
    async close() {
      closing.abort();
    },
  };
}

function overStdio(): Wire {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const session: Session = {
    node,
    identity: 'node',
    scopes: new Set(['read', 'write']),
    toolsets: new Set(['default', 'tasks']),
    answerTokens: 20_000,
    report: (error) => expect(error).toBeUndefined(),
  };
  const terminal = {
    input: () => input,
    writeOut: (chunk: string | Uint8Array) => void output.write(chunk),
    flush: async () => {},
  } as unknown as Parameters<typeof serveTerminal>[1];
  const leaving = new AbortController();
  const served = serveTerminal(session, terminal, leaving.signal);
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  return {
    async *ask(id, method, params, knowsTasks = true) {
      input.write(`${JSON.stringify(request(id, method, params, knowsTasks))}\n`);
      for (let next = await lines.next(); !next.done; next = await lines.next())
        yield JSON.parse(next.value) as Said;
    },
    async close() {
      leaving.abort();
      await served;
    },
  };
}

async function next(said: AsyncGenerator<Said>): Promise<Said> {
  const { value } = await said.next();
  if (value === undefined) throw new Error('nothing more was said');
  return value as Said;
}

describe.each([
  ['HTTP', overHttp],
  ['stdio', overStdio],
] as const)('over %s', (name, wire) => {
  /** A handle, by a call that is long. */
  async function handed(through: Wire, title: string): Promise<string> {
    const call = { name: 'delegate_task', arguments: { title } };
    const { result } = await next(through.ask(1, 'tools/call', call));
    expect(result).toMatchObject({ resultType: 'task', status: 'working' });
    return String(result!.taskId);
  }
  const taskIn = (handle: string): string => Buffer.from(handle.split('.')[1]!, 'base64url').toString();

  test('each change of a task is told with what tasks/get would say, its result in the end', async () => {
    const through = wire();
    const handle = await handed(through, `Work ${name}`);
    const other = await handed(through, `Other ${name}`);
    const task = taskIn(handle);
    const listening = through.ask(7, 'subscriptions/listen', {
      notifications: { taskIds: [handle, 'nothing.x'] },
    });
    expect(await next(listening)).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { taskIds: [handle] }, _meta: { [SUBSCRIPTION]: 7 } },
    });
    const told = async () => {
      const { method, params } = await next(listening);
      expect(method).toBe('notifications/tasks');
      expect(params).toMatchObject({ taskId: handle, _meta: { [SUBSCRIPTION]: 7 } });
      return params!;
    };
    expect(await told()).toMatchObject({ status: 'working', statusMessage: `the task ${task} is pending` });
    const agent = group.as('node');
    await agent.takeTask(taskIn(other));
    await agent.takeTask(task);
    await agent.startTask(task);
    let last = await told();
    while (!String(last.statusMessage).includes('in_progress')) last = await told();
    const { claim } = await agent.publishClaim({ text: `Done ${name}` });
    await agent.completeTask(task, claim);
    expect(await told()).toMatchObject({
      status: 'completed',
      result: { isError: false, structuredContent: { result_text: `Done ${name}` } },
    });
    await through.close();
  });

  test('addresses that were asked for beside handles are told as before', async () => {
    const through = wire();
    const handle = await handed(through, `Both ${name}`);
    const uri = `lb://groups/${group.groupId}/claims`;
    const notifications = { taskIds: [handle], resourceSubscriptions: [uri] };
    const listening = through.ask(8, 'subscriptions/listen', { notifications });
    expect((await next(listening)).params!.notifications).toEqual(notifications);
    expect((await next(listening)).method).toBe('notifications/tasks');
    await group.as('node').publishClaim({ text: `Heard ${name}` });
    expect(await next(listening)).toMatchObject({
      method: 'notifications/resources/updated',
      params: { uri },
    });
    await group.as('node').cancelTask(taskIn(handle));
    expect(await next(listening)).toMatchObject({
      method: 'notifications/tasks',
      params: { taskId: handle, status: 'cancelled' },
    });
    await through.close();
  });

  test('a client that does not know of handles is told of none', async () => {
    const through = wire();
    const handle = await handed(through, `Unknown ${name}`);
    const listening = through.ask(9, 'subscriptions/listen', { notifications: { taskIds: [handle] } }, false);
    expect((await next(listening)).params!.notifications).toEqual({});
    await through.close();
  });
});
