/** A damaged group is fetched again from its other members: one verb, and nothing is given up that they lack. */
import { afterEach, expect, test } from 'vitest';
import { repairGroup } from '../../../protocol/repair.ts';
import { openDirectory } from '../../../storage/directory.ts';
import { openEnvironment } from '../../../storage/environment.ts';
import { stateKey } from '../../../storage/keys.ts';
import { closePeers, connect, joinGroup, newDirectory, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(() => closePeers());

/** Turns a bit of a stored record of the group with this number. */
async function spoil(data: string, key: string): Promise<void> {
  const { chain: dir } = openDirectory(data);
  const environment = openEnvironment({ dir, mapSize: 2 ** 30, durability: 'commit' });
  const { state } = environment.tables;
  const at = stateKey(1, key).slice();
  const stored = Uint8Array.from(state.get(at)!);
  stored[0]! ^= 4;
  state.putSync(at, stored);
  await environment.root.close();
}

test('a damaged group halts over restarts, is repaired from a peer, and is whole then', async () => {
  const sealer = await peer();
  const group = await sealer.node.createGroup({ name: 'repaired' });
  const { groupId } = group;
  for (let n = 0; n < 20; n++) await group.as('node').createTask({ task: `t${n}`, title: `Task ${n}` });
  const { claim } = await group.as('node').publishClaim({ text: 'a text' });
  const data = newDirectory();
  const before = await peer({ data });
  await joinGroup(sealer, before, groupId);
  await before.node.close();
  await spoil(data, 'task/t7');

  const found = await peer({ data });
  const other = await found.node.createGroup({ name: 'other' });
  const here = found.node.group(groupId);
  expect(() => here.now.tasks()).toThrow(
    expect.objectContaining({ code: 'corrupt', message: expect.stringContaining('lb repair') }),
  );
  await until('the group halts', () => here.standing().status === 'halted');
  await expect(here.as('node').publishClaim({ text: 'no' })).rejects.toMatchObject({ code: 'group_halted' });
  await other.as('node').publishClaim({ text: 'others go on' });
  await found.node.close();

  const again = await peer({ data });
  // Nothing damaged was read since the start.
  expect(again.node.group(groupId).standing()).toMatchObject({ status: 'halted' });
  await connect(again, sealer);
  const repaired = await repairGroup(again.network, groupId, { waitMs: 20_000 });
  expect(repaired).toMatchObject({ groupId, from: sealer.key, height: group.head.height, isLevel: true });
  const whole = again.node.group(groupId);
  expect(whole.now.tasks()).toEqual(group.now.tasks());
  // Texts come behind their blocks.
  await until('the text comes', () => whole.claimContent(claim)?.text === 'a text');
  expect(whole.standing()).toMatchObject({ status: 'following' });
  expect((await whole.audit()).status).toBe('sound');
}, 60_000);

test('blocks that no member has are not given up unasked', async () => {
  const sealer = await peer();
  const group = await sealer.node.createGroup({ name: 'ahead' });
  const follower = await peer();
  const { groupId } = group;
  await joinGroup(sealer, follower, groupId);
  const { height } = follower.node.group(groupId).head;
  follower.network.groups.known(groupId)!.pause();
  await group.as('node').publishClaim({ text: 'only here' });
  await expect(repairGroup(sealer.network, groupId)).rejects.toMatchObject({ code: 'usage' });
  expect(group.head.height).toBeGreaterThan(height);
  expect((await group.audit()).status).toBe('sound');
}, 60_000);

test('a sealer whose followers are behind comes back with less when that is accepted, and seals on', async () => {
  const data = newDirectory();
  const sealer = await peer({ data });
  const group = await sealer.node.createGroup({ name: 'lossy' });
  const { groupId } = group;
  await group.as('node').createTask({ task: 't0', title: 'Task 0' });
  const follower = await peer();
  await joinGroup(sealer, follower, groupId);
  const { height } = follower.node.group(groupId).head;
  follower.network.groups.known(groupId)!.pause();
  await group.as('node').createTask({ task: 't1', title: 'only here' });
  await sealer.node.close();
  await spoil(data, 'task/t0');

  const again = await peer({ data });
  await connect(again, follower);
  const options = { waitMs: 20_000 };
  await expect(repairGroup(again.network, groupId, options)).rejects.toMatchObject({ code: 'usage' });
  const repaired = await repairGroup(again.network, groupId, { ...options, acceptsLoss: true });
  expect(repaired).toMatchObject({
    groupId,
    from: follower.key,
    height,
    heightBefore: height + 1,
    isLevel: true,
  });
  expect(follower.log).toEqual([]);
  const whole = again.node.group(groupId);
  expect((await whole.audit()).status).toBe('sound');
  expect(whole.now.tasks().map(({ task }) => task)).toEqual(['t0']);
  const { height: next } = await whole.as('node').createTask({ task: 't2', title: 'goes on' });
  expect(next).toBe(height + 1);
  follower.network.groups.known(groupId)!.resume();
  await until('the follower has it', () => follower.node.group(groupId).head.height === next);
}, 60_000);
