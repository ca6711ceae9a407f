/** The event stream: resumed from any event, and nothing is missing. */
import { expect, onTestFinished, test } from 'vitest';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import type { BatteryNode } from '../../../node.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';
import { openTestNode } from '../../support/node.ts';

interface SentEvent {
  readonly id: string | undefined;
  readonly kind: string;
  readonly data: { readonly group_id?: string; readonly event?: { readonly task?: string } };
}

class Stream {
  private readonly leaving = new AbortController();
  private readonly events: AsyncGenerator<SentEvent>;

  constructor(response: Response) {
    this.events = eventsOf(response.body!);
    onTestFinished(() => this.leave());
  }

  async take(count: number): Promise<SentEvent[]> {
    const taken: SentEvent[] = [];
    while (taken.length < count) {
      const { value, done } = await this.events.next();
      if (done) throw new Error(`the stream ended after ${taken.length} events`);
      taken.push(value);
    }
    return taken;
  }

  async rest(): Promise<SentEvent[]> {
    const events: SentEvent[] = [];
    for await (const event of this.events) events.push(event);
    return events;
  }

  async leave(): Promise<void> {
    this.leaving.abort();
    await this.events.return(undefined);
  }
}

async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<SentEvent> {
  let rest = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const data = field('data');
      if (data !== undefined)
        yield { id: field('id'), kind: field('event')!, data: JSON.parse(data) as SentEvent['data'] };
    }
  }
}

async function served(): Promise<{ node: BatteryNode; server: HttpServer; open: Open }> {
  const { node } = await openTestNode();
  const server = await serveOverHttp(node);
  onTestFinished(() => server.close());
  const token = tokenFor(node);
  const open: Open = async (query = '', headers = {}) => {
    const response = await fetch(`http://127.0.0.1:${server.port}/v1/events${query}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    expect(response.status).toBe(200);
    return new Stream(response);
  };
  return { node, server, open };
}
type Open = (query?: string, headers?: Record<string, string>) => Promise<Stream>;

const tasksOf = (events: readonly SentEvent[]): unknown[] => events.map(({ data }) => data.event?.task);

test('what happens comes in the order of the log, with a cursor each', async () => {
  const { node, open } = await served();
  const agent = (await node.createGroup({ name: 'g' })).as('node');
  const stream = await open('?kinds=task.changed');
  for (let n = 0; n < 5; n++) await agent.createTask({ task: `t ${n}`, title: 'x' });
  const events = await stream.take(5);
  expect(tasksOf(events)).toEqual(['t 0', 't 1', 't 2', 't 3', 't 4']);
  expect(new Set(events.map(({ id }) => id)).size).toBe(5);
});

test('a client that comes back misses nothing and gets nothing twice, over several groups', async () => {
  const { node, open } = await served();
  const groups = [await node.createGroup({ name: 'a' }), await node.createGroup({ name: 'b' })];
  const work = async (name: string): Promise<void> => {
    for (const group of groups)
      await group.as('node').createTask({ task: `${name} of ${group.info().name}`, title: 'x' });
  };
  const first = await open('?kinds=task');
  await work('one');
  const [one] = await first.take(1);
  await first.leave();
  await work('two');
  // A group that is founded meanwhile is part of what was missed.
  groups.push(await node.createGroup({ name: 'c' }));
  await work('three');
  const second = await open('?kinds=task', { 'last-event-id': one!.id! });
  const later = await second.take(6);
  const all = [one!, ...later].map(({ data }) => `${data.group_id} ${data.event?.task}`);
  expect(new Set(all).size).toBe(7);
  const third = await open(`?kinds=task&cursor=${later.at(-1)!.id}`);
  await groups[0]!.as('node').createTask({ task: 'last', title: 'x' });
  expect(tasksOf(await third.take(1))).toEqual(['last']);
});

test('one group alone, and events of the moment without a cursor', async () => {
  const { node, open } = await served();
  const [a, b] = [await node.createGroup({ name: 'a' }), await node.createGroup({ name: 'b' })];
  const stream = await open(`?group_id=${b.groupId}&kinds=task.changed,tx.refused`);
  await a.as('node').createTask({ task: 'of a', title: 'x' });
  await b.as('node').submit([{ type: 'mint', to: b.as('node').publicKey, amount: 0n }]);
  await b.as('node').createTask({ task: 'of b', title: 'x' });
  const events = await stream.take(2);
  expect(events.map(({ kind, id }) => [kind, id !== undefined]).sort()).toEqual([
    ['task.changed', true],
    ['tx.refused', false],
  ]);
});

test('the stream ends with the server', async () => {
  const { node, server, open } = await served();
  await node.createGroup({ name: 'a' });
  const stream = await open();
  const ending = stream.rest();
  await server.close();
  expect(await ending).toEqual([]);
});

test('a cursor, a kind or a group that is none is a problem, and no stream', async () => {
  const { node, server } = await served();
  const headers = { authorization: `Bearer ${tokenFor(node)}` };
  for (const query of ['cursor=nonsense', 'kinds=weather', 'group_id=nowhere']) {
    const response = await fetch(`http://127.0.0.1:${server.port}/v1/events?${query}`, { headers });
    expect(response.status, query).toBe(query.startsWith('group') ? 404 : 400);
    expect(response.headers.get('content-type'), query).toContain('application/problem+json');
  }
});
