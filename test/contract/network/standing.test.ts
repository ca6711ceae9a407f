/** What a node says of its network: to people, to monitors, in metrics; and how members find each other. */
import { afterEach, expect, it } from 'vitest';
import { checkNetwork } from '../../../interfaces/cli/health/network.ts';
import { describeSync, syncStateOf } from '../../../interfaces/cli/sync-state.ts';
import { health } from '../../../interfaces/observability/health.ts';
import { subscribe } from '../../../protocol/membership.ts';
import { closePeers, connect, joinGroup, type Peer, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(closePeers);

/** The one line that `lb info` has for the group, or nothing. */
async function lineOf({ node }: Peer, groupId: string): Promise<string | undefined> {
  const { height } = node.group(groupId).head;
  return describeSync({ ...(await syncStateOf(node, groupId, height)), height });
}

/** What `lb doctor` warns of, by check. */
async function warningsOf({ node }: Peer): Promise<string[]> {
  const groups = node.groups().map((group) => {
    const { groupId, name, status, head } = group.info();
    return { groupId, name, status, height: head.height, tsMs: head.tsMs };
  });
  const findings = await checkNetwork(node, groups);
  return findings.filter(({ severity }) => severity !== 'ok').map(({ check }) => check);
}

const networkCheck = async ({ node, data }: Peer) =>
  (await health(node, data)).checks.find(({ name }) => name === 'network');

it('a level group has nothing to say; a lonely one says what waits, everywhere', async () => {
  const sealer = await peer();
  const member = await peer({ receiptWaitMs: 50 });
  const { groupId } = await sealer.node.createGroup({ name: 'standing' });
  const group = await joinGroup(sealer, member, groupId);
  await until('it is level', () => member.network.status().groups[0]!.status === 'idle');
  expect(await lineOf(member, groupId)).toBeUndefined();
  expect(await warningsOf(member)).toEqual([]);
  expect(await networkCheck(member)).toMatchObject({ status: 'ok' });
  expect(await networkCheck(sealer)).toMatchObject({ status: 'ok' });
  expect(member.network.gauges().peers()).toBe(1);

  await sealer.node.close();
  await until('it is alone', () => !member.network.host.isConnected(sealer.key));
  await expect(group.as('node').setProfile('alone')).rejects.toMatchObject({ code: 'pending' });
  expect(await lineOf(member, groupId)).toBe('nobody who has it is connected; 1 waiting for the sealer');
  expect(await warningsOf(member)).toEqual(['sync', 'outbox']);
  expect(await networkCheck(member)).toMatchObject({
    status: 'degraded',
    detail: expect.stringContaining('transactions that wait for their sealers: 1'),
  });
  expect(member.network.gauges().outboxDepth()).toBe(1);

  await member.node.stopNetwork();
  expect(await networkCheck(member)).toBeUndefined();
  expect(await lineOf(member, groupId)).toBe('1 waiting for the sealer');
});

it('a group that rests says so, is fetched when asked for, and rests again', async () => {
  const sealer = await peer();
  const member = await peer({ isResting: true });
  const { groupId } = await sealer.node.createGroup({ name: 'resting' });
  const group = await joinGroup(sealer, member, groupId);
  await member.network.subscriptions.change(groupId, { isPaused: true });
  member.network.groups.heed(groupId);
  expect(await lineOf(member, groupId)).toBe('not followed: paused');
  const { height } = await sealer.node.group(groupId).as('node').setProfile('new');
  expect(group.head.height).toBeLessThan(height);
  expect(await member.network.syncGroup(groupId, { waitMs: 5_000, sealedMs: 1_000 })).toBe(true);
  expect(group.head.height).toBe(height);
  expect(await lineOf(member, groupId)).toBe('not followed: paused');
});

it('members hear of each other from a member, and connect', async () => {
  const sealer = await peer();
  const [one, two] = [await peer(), await peer()];
  const { groupId } = await sealer.node.createGroup({ name: 'exchange' });
  for (const { key } of [one, two]) await sealer.node.group(groupId).as('node').addMember(key, 'member');
  await connect(one, sealer);
  await subscribe(one.network, groupId, sealer.key);
  await connect(two, sealer);
  await subscribe(two.network, groupId, sealer.key);
  await until('they are connected', () => two.network.host.isConnected(one.key));
  await sealer.node.close();
  // What the sealer does not seal any more still goes from hand to hand: both are level with each other.
  expect(two.node.group(groupId).head.blockId).toBe(one.node.group(groupId).head.blockId);
});

it('the port stays the same across restarts, and gives way where it cannot be had', async () => {
  const first = await peer();
  const [address] = first.network.host.addresses();
  await first.node.close();
  const second = await peer({ data: first.data });
  expect(second.network.host.addresses()).toEqual([address]);
  await second.node.close();
  const thief = await peer({ listen: { host: '127.0.0.1', port: Number(address!.split('/').at(-1)) } });
  const third = await peer({ data: first.data });
  expect(third.network.host.addresses()).not.toEqual([address]);
  expect(thief.network.host.addresses()).toEqual([address]);
});
