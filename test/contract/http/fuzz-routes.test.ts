/**
 * Every path besides the operations, MCP, plain JSON-RPC and A2A, given wrong methods, parameters, messages and bytes:
 * each is answered with an error of its protocol, none with a 500, and nothing stops the node for longer than a moment.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fuzzed, TEXTS, VALUES } from '../../support/fuzz.ts';

let fuzzed: Fuzzed;
beforeAll(async () => {
  fuzzed = await Fuzzed.open();
});
afterAll(() => fuzzed.close());

const said = (value: unknown): string => JSON.stringify(value)?.slice(0, 60) ?? '';
/** Texts that a URL can hold. */
const SPELLED = TEXTS.filter((text) => text.isWellFormed());
/** Texts that a header can hold. */
const HEADERS = TEXTS.filter((text) => /^[\x20-\x7e\x80-\xff]*$/.test(text));

const PATHS = [
  ...['/', '/health', '/ready', '/metrics', '/openapi.json', '/v1', '/v1/', '/v1/nothing', '/v1/events'],
  ...['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp'],
  ...['/.well-known/agent-card.json', '/.well-known/jwks.json', '/mcp', '/a2a', '/a2a/', '/a2a/tasks'],
  ...[
    '/a2a/tasks/x',
    '/a2a/tasks/x:cancel',
    '/a2a/tasks/x:subscribe',
    '/a2a/tasks/x/pushNotificationConfigs',
  ],
  ...['/a2a/tasks/x/pushNotificationConfigs/y', '/a2a/message:send', '/a2a/message:stream'],
  ...['/a2a/extendedAgentCard', '/a2a/g/tasks', '/a2a/nowhere/tasks', '/%00', '/%', '/%ff', '//', '/../x'],
  ...['/v1/list_tasks/', `/${'x'.repeat(5_000)}`, `/a2a/${'%C3%BC'.repeat(200)}/tasks`],
];
const BODIES: readonly (string | Uint8Array)[] = [
  ...['', '{', '{}', '[]', 'null', '7', '"x"', '{"__proto__":{"x":1}}', '['.repeat(10_000)],
  ...[new Uint8Array([0xff, 0xfe, 0x00]), new Uint8Array([0xed, 0xa0, 0x80])],
];
const LARGE: readonly string[] = [
  `{${Array.from({ length: 400_000 }, (_, at) => `"name${at}":1`).join()}}`,
  `{"jsonrpc":"2.0","id":1,"method":"list_tasks","params":{"status":"${'x'.repeat(4_000_000)}"}}`,
];

test.each(PATHS)(
  '%s is asked in any way',
  async (path) => {
    const faults: string[] = [];
    const headers = { 'a2a-version': '1.0' };
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])
      faults.push(...(await fuzzed.faultsOf(`${method} ${path}`, { method, path, headers })));
    for (const body of BODIES) {
      const what = `POST ${path} ${said(typeof body === 'string' ? body : [...body])}`;
      faults.push(...(await fuzzed.faultsOf(what, { method: 'POST', path, body, headers })));
    }
    for (const text of SPELLED) {
      const query = new URLSearchParams([
        [text, text],
        ['toolsets', text],
        ['answer_tokens', text],
        ['pageSize', text],
      ]);
      const asked = { method: 'GET', path: `${path}?${query}`, headers };
      faults.push(...(await fuzzed.faultsOf(`GET ${path} ?${said(text)}`, asked)));
    }
    for (const text of HEADERS)
      for (const name of [
        'content-type',
        'accept',
        'accept-encoding',
        'origin',
        'if-none-match',
        'expect-ct',
      ]) {
        const asked = { method: 'POST', path, body: '{}', headers: { ...headers, [name]: text } };
        faults.push(...(await fuzzed.faultsOf(`POST ${path} ${name}: ${said(text)}`, asked)));
      }
    expect(faults).toEqual([]);
  },
  120_000,
);

test.each(['/v1/publish_claim', '/mcp', '/a2a', '/a2a/message:send', '/nothing'])(
  '%s is sent megabytes of names, and of one text',
  async (path) => {
    const faults: string[] = [];
    for (const body of LARGE) {
      const asked = { method: 'POST', path, body, headers: { 'a2a-version': '1.0' } };
      faults.push(...(await fuzzed.faultsOf(`POST ${path} ${said(body)}`, asked)));
    }
    expect(faults).toEqual([]);
  },
);

test('/v1/events answers anything in any parameter', async () => {
  const faults: string[] = [];
  for (const text of SPELLED)
    for (const name of ['group_id', 'kinds', 'cursor', 'other']) {
      const path = `/v1/events?${new URLSearchParams([[name, text]])}`;
      faults.push(...(await fuzzed.faultsOf(`${name}=${said(text)}`, { method: 'GET', path })));
    }
  for (const text of HEADERS) {
    const asked = { method: 'GET', path: '/v1/events', headers: { 'last-event-id': text } };
    faults.push(...(await fuzzed.faultsOf(`last-event-id ${said(text)}`, asked)));
  }
  expect(faults).toEqual([]);
});

/** A message with each of its parts replaced by each value. */
function* broken(message: Record<string, unknown>): Generator<[what: string, message: unknown]> {
  for (const value of VALUES) {
    yield [`message=${said(value)}`, value];
    for (const [name, part] of Object.entries(message)) {
      yield [`${name}=${said(value)}`, { ...message, [name]: value }];
      if (typeof part !== 'object' || part === null) continue;
      for (const field of Object.keys(part))
        yield [`${name}.${field}=${said(value)}`, { ...message, [name]: { ...part, [field]: value } }];
    }
    if (typeof value === 'string') yield [`${said(value)}=1`, { ...message, [value]: 1 }];
  }
}

const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'fuzz', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const rpc = (method: string, params: object) => ({ jsonrpc: '2.0', id: 1, method, params });
const modern = (method: string, params: object) => rpc(method, { ...params, _meta: ENVELOPE });

test.each<[string, Record<string, unknown>, Record<string, string>]>([
  ['plain JSON-RPC', rpc('list_tasks', { status: 'open' }), {}],
  [
    'a handshake',
    rpc('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'fuzz', version: '1' },
    }),
    {},
  ],
  ['a tool', modern('tools/call', { name: 'list_tasks', arguments: {} }), { 'mcp-name': 'list_tasks' }],
  ['a list', modern('tools/list', { cursor: 'x' }), {}],
  ['a resource', modern('resources/read', { uri: 'lb://groups' }), { 'mcp-name': 'lb://groups' }],
  ['a prompt', modern('prompts/get', { name: 'x', arguments: {} }), { 'mcp-name': 'x' }],
  ['a completion', modern('completion/complete', { ref: {}, argument: {} }), {}],
  ['a subscription', modern('subscriptions/listen', { notifications: {} }), {}],
])(
  '/mcp answers anything in any part of %s',
  async (_, message, names) => {
    const faults: string[] = [];
    const headers = {
      accept: 'application/json, text/event-stream',
      ...(message.method === 'initialize' || message.method === 'list_tasks'
        ? {}
        : { 'mcp-protocol-version': '2026-07-28', 'mcp-method': String(message.method), ...names }),
    };
    for (const [what, one] of broken(message)) {
      const body = JSON.stringify(one);
      faults.push(...(await fuzzed.faultsOf(what, { method: 'POST', path: '/mcp', body, headers })));
    }
    expect(faults).toEqual([]);
  },
  120_000,
);

/** What is answered when a task is over, or followed to its end. */
const WAITING: ReadonlySet<string> = new Set(['SendMessage', 'SendStreamingMessage']);
const A2A_MESSAGE = { messageId: 'm', role: 'ROLE_USER', parts: [{ text: 'x' }] };
test.each<[string, object]>([
  ['SendMessage', { message: A2A_MESSAGE, configuration: { returnImmediately: true } }],
  ['SendStreamingMessage', { message: A2A_MESSAGE, configuration: {} }],
  ['GetTask', { id: 'x', historyLength: 1 }],
  ['ListTasks', { contextId: 'x', pageSize: 1, pageToken: 'x', status: 'TASK_STATE_WORKING' }],
  ['CancelTask', { id: 'x' }],
  ['SubscribeToTask', { id: 'x' }],
  ['CreateTaskPushNotificationConfig', { taskId: 'x', id: 'y', url: 'http://127.0.0.1:9/' }],
  ['GetTaskPushNotificationConfig', { taskId: 'x', id: 'y' }],
  ['ListTaskPushNotificationConfigs', { taskId: 'x', pageSize: 1 }],
  ['DeleteTaskPushNotificationConfig', { taskId: 'x', id: 'y' }],
  ['GetExtendedAgentCard', {}],
])(
  '/a2a answers anything in any part of %s',
  async (method, params) => {
    const faults: string[] = [];
    const headers = { 'a2a-version': '1.0' };
    for (const [what, one] of broken(rpc(method, params))) {
      const body = JSON.stringify(one);
      const asked = { method: 'POST', path: '/a2a', body, headers, mayWait: WAITING.has(method) };
      faults.push(...(await fuzzed.faultsOf(what, asked)));
    }
    expect(faults).toEqual([]);
  },
  120_000,
);
