/** What is kept for clients that come back: in order, each stream by itself, and never with a gap. */
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import { ReplayMemory } from '../../../../interfaces/mcp/replay.ts';

const said = (text: string): JSONRPCMessage => ({ jsonrpc: '2.0', method: text });
type Session = ReturnType<ReplayMemory['session']>;

async function after(session: Session, id: string): Promise<string[]> {
  const seen: string[] = [];
  await session.replayEventsAfter(id, {
    send: async (_, message) => void seen.push((message as { method: string }).method),
  });
  return seen;
}

test('what followed on a stream comes back, without that of other streams and other sessions', async () => {
  const memory = new ReplayMemory();
  const session = memory.session();
  await memory.session().storeEvent('a', said('of somebody else'));
  const opened = await session.storeEvent('a', {} as JSONRPCMessage);
  await session.storeEvent('b', said('b1'));
  const first = await session.storeEvent('a', said('a1'));
  await session.storeEvent('a', said('a2'));
  expect(await after(session, opened)).toEqual(['a1', 'a2']);
  expect(await after(session, first)).toEqual(['a2']);
  expect(await session.getStreamIdForEventId(first)).toBe('a');
});

test.each(['', 'x', '0/a', '7/a', '-1/a', '1.5/a', '1'])('%j is no event', async (id) => {
  const session = new ReplayMemory().session();
  await session.storeEvent('a', said('1'));
  expect(await session.getStreamIdForEventId(id)).toBeUndefined();
  await expect(after(session, id)).rejects.toThrow(RangeError);
});

test('where an event after it is forgotten, a client is refused rather than left with a gap', async () => {
  const session = new ReplayMemory().session();
  const ids: string[] = [];
  for (let at = 0; at < 1_200; at++) ids.push(await session.storeEvent('a', said(`${at}`)));
  expect(await session.getStreamIdForEventId(ids[0]!)).toBeUndefined();
  expect(await session.getStreamIdForEventId(ids[198]!)).toBeUndefined();
  expect(await after(session, ids[199]!)).toHaveLength(1_000);
});

test('all sessions share one bound, and one that has ended takes no room', async () => {
  const memory = new ReplayMemory(1_000);
  const [one, other] = [memory.session(), memory.session()];
  const old = await one.storeEvent('a', said('x'.repeat(400)));
  await one.storeEvent('a', said('y'.repeat(400)));
  await other.storeEvent('a', said('z'.repeat(400)));
  expect(await after(one, old)).toEqual(['y'.repeat(400)]);
  await other.storeEvent('a', said('z'.repeat(400)));
  expect(await one.getStreamIdForEventId(old)).toBeUndefined();
  other.clear();
  const kept = await one.storeEvent('a', said('x'.repeat(400)));
  await one.storeEvent('a', said('y'.repeat(400)));
  expect(await after(one, kept)).toEqual(['y'.repeat(400)]);
});

test('what is larger than all that is kept is not kept, and a client before it is refused', async () => {
  const session = new ReplayMemory(1_000).session();
  const before = await session.storeEvent('a', said('1'));
  const large = await session.storeEvent('a', said('x'.repeat(2_000)));
  expect(await session.getStreamIdForEventId(before)).toBeUndefined();
  expect(await after(session, large)).toEqual([]);
});
