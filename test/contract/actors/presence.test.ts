/**
 * Presence: beats keep a member present without touching the chain, silence makes them stale, and forgeries
 * do nothing.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { initialTransition, transition } from 'xstate';
import { BEAT_INTERVAL_MS, presenceMachine } from '../../../actors/presence/presence.machine.ts';
import { BEAT_PREFIX, decodeBeat, encodeBeat, encodeBeatPayload } from '../../../events/beat.ts';
import { PRESENCE_STALE_MS_DEFAULT, TRANSACTION_LEAD_MS_MAX } from '../../../events/limits.ts';
import { MalformedError } from '../../../events/reader.ts';
import { openTestNode, type TestNode } from '../../support/node.ts';
import { founder, stranger } from '../../support/people.ts';
import { seeded } from '../../support/seed.ts';

const STALE_MS = PRESENCE_STALE_MS_DEFAULT;

const stale = ({ moments }: TestNode) =>
  moments.flatMap((event) => (event.kind === 'presence.stale' ? [event.member] : []));

/** A group with two members of this node and one from elsewhere. */
async function groupOf(at: TestNode) {
  const group = await at.node.createGroup({ name: 'g' });
  const agent = group.as('node');
  const { publicKey } = await at.node.createIdentity('bob');
  await agent.addMember(publicKey, 'member');
  await agent.addMember(founder.publicKey, 'member');
  return { group, agent, bob: group.as('bob') };
}

function beatOf(groupId: string, tsMs: number, person = founder): Uint8Array {
  const payload = encodeBeatPayload({ groupId, member: person.publicKey, tsMs });
  return encodeBeat(payload, person.sign(BEAT_PREFIX, payload));
}

test('quiet and beating, by transition()', () => {
  const [quiet] = initialTransition(presenceMachine);
  const [beating, actions] = transition(presenceMachine, quiet, { type: 'begin' });
  expect(beating.value).toBe('beating');
  expect(actions.map(({ type }) => type)).toContain('beat');
  expect(actions.find(({ type }) => type === 'xstate.raise')).toMatchObject({
    params: { delay: BEAT_INTERVAL_MS },
  });
  expect(transition(presenceMachine, beating, { type: 'end' })[0].value).toBe('quiet');
});

test('a member who falls silent is stale after five minutes, once, until heard again', async () => {
  const at = await openTestNode();
  const { agent, bob, group } = await groupOf(at);
  await agent.setPresence('active');
  await bob.setPresence('busy');
  at.time.advance(STALE_MS);
  expect(stale(at)).toEqual([]);
  at.time.advance(1);
  expect(stale(at).sort()).toEqual([agent.publicKey, bob.publicKey].sort());
  at.time.advance(10 * STALE_MS);
  expect(stale(at)).toHaveLength(2);
  const { height } = group.head;
  expect(bob.beat()).toBe('taken');
  expect(group.presence().map(({ member, isStale }) => [member === bob.publicKey, isStale])).toContainEqual([
    true,
    false,
  ]);
  expect(group.head.height).toBe(height);
  at.time.advance(STALE_MS + 1);
  expect(stale(at)).toHaveLength(3);
});

test('an identity that keeps beating is never stale, and stops when it is disposed of', async () => {
  const at = await openTestNode();
  const { agent, bob } = await groupOf(at);
  await bob.setPresence('active');
  await agent.setPresence('offline');
  const carried: Uint8Array[] = [];
  at.node.bus.beat$.subscribe(({ beat }) => carried.push(beat));
  {
    using _here = bob.keepBeating();
    at.time.advance(60 * BEAT_INTERVAL_MS);
    expect(stale(at)).toEqual([]);
  }
  expect(carried).toHaveLength(61);
  expect(decodeBeat(carried[0]!).member).toBe(bob.publicKey);
  at.time.advance(STALE_MS + 1);
  expect([stale(at), carried.length]).toEqual([[bob.publicKey], 61]);
});

test('a beat from elsewhere counts; forged, foreign, old and repeated ones do not', async () => {
  const at = await openTestNode();
  const { group } = await groupOf(at);
  const { groupId } = group;
  const nowMs = at.time.nowMs();
  const good = beatOf(groupId, nowMs - 5_000);
  expect(group.receiveBeat(Uint8Array.of(1, 2, 3))).toBe('malformed');
  expect(group.receiveBeat(beatOf('ab'.repeat(32), nowMs))).toBe('wrong_group');
  expect(group.receiveBeat(beatOf(groupId, nowMs - STALE_MS - 1))).toBe('out_of_time');
  expect(group.receiveBeat(beatOf(groupId, nowMs + TRANSACTION_LEAD_MS_MAX + 1))).toBe('out_of_time');
  expect(group.receiveBeat(beatOf(groupId, nowMs, stranger))).toBe('not_a_member');
  const forged = good.slice();
  forged[forged.length - 1]! ^= 1;
  expect(group.receiveBeat(forged)).toBe('signature_invalid');
  expect(group.receiveBeat(good)).toBe('taken');
  expect(group.receiveBeat(good)).toBe('out_of_time');
  expect(group.receiveBeat(beatOf(groupId, nowMs - 4_500))).toBe('out_of_time');
  expect(group.receiveBeat(beatOf(groupId, nowMs + 1_000))).toBe('taken');
});

test('get_presence merges the chain and the beats', async () => {
  const at = await openTestNode();
  const { group, bob } = await groupOf(at);
  await bob.setPresence('busy', { current_task: 't' });
  const saidMs = at.time.nowMs();
  at.time.advance(STALE_MS + 60_000);
  const [before] = group.presence();
  expect(before).toMatchObject({ status: 'busy', tsMs: saidMs, lastSeenMs: saidMs, isStale: true });
  bob.beat();
  const [after] = group.presence();
  expect(after).toMatchObject({
    status: 'busy',
    tsMs: saidMs,
    lastSeenMs: at.time.nowMs(),
    isStale: false,
  });
});

test('a member who was removed is not missed, and a start gives everyone time to be heard', async () => {
  const at = await openTestNode();
  const { agent, bob } = await groupOf(at);
  await agent.setPresence('active');
  await bob.setPresence('active');
  await agent.removeMember(bob.publicKey);
  await at.restart(10 * STALE_MS);
  await at.node.group('g').as('node').setProfile('x');
  await new Promise((resolve) => setImmediate(resolve));
  at.time.advance(STALE_MS);
  expect(stale(at)).toEqual([]);
  at.time.advance(60_000);
  expect(stale(at)).toEqual([agent.publicKey]);
});

test('bytes that are not a beat are malformed, never a crash; a beat survives its own encoding', () => {
  const beat = beatOf('cd'.repeat(32), 1_750_000_000_000);
  const { member, tsMs, groupId } = decodeBeat(beat);
  expect([member, tsMs, groupId]).toEqual([founder.publicKey, 1_750_000_000_000, 'cd'.repeat(32)]);
  fc.assert(
    fc.property(fc.nat(beat.length - 1), fc.uint8Array({ maxLength: 8 }), (at, bytes) => {
      for (const wrong of [
        beat.slice(0, at),
        Uint8Array.from([...beat, ...bytes, 0]),
        Uint8Array.from([...beat.slice(0, at), ...bytes, ...beat.slice(at)]),
      ]) {
        if (wrong.length === beat.length) continue;
        expect(() => decodeBeat(wrong)).toThrow(MalformedError);
      }
    }),
    seeded('beats', 300),
  );
});

test('a machine that slept calls nobody stale for what it could not hear, and listens for five minutes first', async () => {
  const at = await openTestNode();
  const { agent, bob } = await groupOf(at);
  await agent.setPresence('active');
  await bob.setPresence('busy');
  at.time.sleep(60 * 60_000);
  at.time.advance(STALE_MS - 1);
  expect(stale(at)).toEqual([]);
  expect(bob.beat()).toBe('taken');
  at.time.advance(30_000);
  expect(stale(at)).toEqual([agent.publicKey]);
});
