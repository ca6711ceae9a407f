/** What a host notices when the node behind its connection goes away: of what it may, an error; else nothing. */
import { expect, test } from 'vitest';
import { silentTerminal } from '../../../../interfaces/cli/silent-terminal.ts';
import type { Terminal } from '../../../../interfaces/cli/terminal.ts';
import { Relay } from '../../../../interfaces/mcp/relay.ts';

type Line = Readonly<Record<string, unknown>>;

/** A host that says what it is told to, and keeps what it hears. */
class Host {
  readonly heard: Line[] = [];
  private readonly lines: string[] = [];
  private wake = (): void => {};
  private isGone = false;

  say(...messages: readonly Line[]): void {
    for (const message of messages) this.lines.push(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    this.wake();
  }

  leave(): void {
    this.isGone = true;
    this.wake();
  }

  get terminal(): Terminal {
    const host = this;
    return {
      ...silentTerminal('/'),
      writeOut: (chunk) => void this.heard.push(JSON.parse(String(chunk)) as Line),
      async *input() {
        for (;;) {
          const line = host.lines.shift();
          if (line !== undefined) yield Buffer.from(line);
          else if (host.isGone) return;
          else await new Promise<void>((resolve) => (host.wake = resolve));
        }
      },
    };
  }
}

/** A node that takes so many messages, answers those of `answers`, and is gone. */
function node(count: number, answers: readonly unknown[] = []) {
  const seen: Line[] = [];
  const serve = async (terminal: Terminal): Promise<Line[]> => {
    if (count === 0) return seen;
    for await (const chunk of terminal.input()) {
      const message = JSON.parse(Buffer.from(chunk).toString()) as Line;
      seen.push(message);
      if (answers.includes(message.id))
        terminal.writeOut(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: {} })}\n`);
      if (seen.length === count) break;
    }
    return seen;
  };
  return serve;
}

const relayOf = (host: Host): Relay => new Relay(host.terminal, new AbortController().signal);
const toolCall = (id: number, name: string): Line => ({ id, method: 'tools/call', params: { name } });
const methods = (lines: readonly Line[]): unknown[] => lines.map(({ method }) => method);

test('what only reads is asked again, and what changes something is an error that says what is known', async () => {
  const host = new Host();
  const relay = relayOf(host);
  host.say(toolCall(1, 'publish_claim'), toolCall(2, 'list_tasks'), { id: 3, method: 'tools/list' });
  expect(await relay.through(node(3))).toHaveLength(3);
  const second = await relay.through(node(2, [2, 3]));
  expect(second.map(({ id }) => id)).toEqual([2, 3]);
  expect(host.heard).toMatchObject([{ id: 1, error: { code: -32603 } }, { id: 2, result: {} }, { id: 3 }]);
});

test('plain calls are judged as the operations that they name', async () => {
  const host = new Host();
  const relay = relayOf(host);
  host.say(
    { id: 1, method: 'publish_claim' },
    { id: 2, method: 'list_tasks' },
    { id: 3, method: 'transfer' },
  );
  expect(await relay.through(node(3))).toHaveLength(3);
  expect((await relay.through(node(1, [2]))).map(({ id }) => id)).toEqual([2]);
  expect(host.heard).toMatchObject([
    { id: 1, error: { code: -32603 } },
    { id: 3, error: { code: -32603 } },
    { id: 2, result: {} },
  ]);
});

test('a node that nobody is behind loses nothing', async () => {
  const host = new Host();
  const relay = relayOf(host);
  host.say(toolCall(1, 'publish_claim'));
  await relay.through(node(0));
  expect(await relay.through(node(1, [1]))).toMatchObject([{ id: 1 }]);
  expect(host.heard).toMatchObject([{ id: 1, result: {} }]);
});

test('the handshake and subscriptions of the older era are repeated, and the host hears nothing of it', async () => {
  const host = new Host();
  const relay = relayOf(host);
  const subscribe = (id: number, uri: string): Line => ({
    id,
    method: 'resources/subscribe',
    params: { uri },
  });
  host.say(
    { id: 'hello', method: 'initialize' },
    { method: 'notifications/initialized' },
    subscribe(1, 'lb://groups'),
    subscribe(2, 'lb://other'),
    { id: 3, method: 'resources/unsubscribe', params: { uri: 'lb://other' } },
  );
  await relay.through(node(5, ['hello', 1, 2, 3]));
  host.say(toolCall(4, 'publish_claim'));
  const second = await relay.through(node(4, ['hello', 1, 4]));
  expect(methods(second)).toEqual([
    'initialize',
    'notifications/initialized',
    'resources/subscribe',
    'tools/call',
  ]);
  expect(second[2]).toMatchObject({ params: { uri: 'lb://groups' } });
  expect(host.heard.map(({ id }) => id)).toEqual(['hello', 1, 2, 3, 4]);
});

test('a handshake without an answer is repeated for the host, which gets the answer once', async () => {
  const host = new Host();
  const relay = relayOf(host);
  host.say({ id: 0, method: 'initialize' });
  await relay.through(node(1));
  await relay.through(node(1, [0]));
  expect(host.heard).toMatchObject([{ id: 0, result: {} }]);
});

test('a call that the host took back is not asked again', async () => {
  const host = new Host();
  const relay = relayOf(host);
  host.say(toolCall(1, 'list_tasks'), { method: 'notifications/cancelled', params: { requestId: 1 } });
  await relay.through(node(2));
  host.say(toolCall(2, 'list_tasks'));
  expect(await relay.through(node(1))).toMatchObject([{ id: 2 }]);
});

test('what has no id that an answer could name is not waited for', async () => {
  const host = new Host();
  const relay = relayOf(host);
  host.say(...[{}, [], null, true].map((id) => ({ id, method: 'tools/list' })));
  host.leave();
  await relay.through(node(9));
  expect(relay.isOver).toBe(true);
});

test('a host that leaves ends the connection after its last message', async () => {
  const host = new Host();
  const relay = relayOf(host);
  host.say(toolCall(1, 'publish_claim'));
  host.leave();
  expect(await relay.through(node(9, [1]))).toHaveLength(1);
  expect(relay.isOver).toBe(true);
  expect(host.heard).toMatchObject([{ id: 1, result: {} }]);
});
