/** A relay answers for what it passes on: forgeries cost it its connection, whoever made them. */
import { afterEach, expect, it } from 'vitest';
import { encodeRequest, RPC_PROTOCOL } from '../../../protocol/rpc/methods.ts';
import { closeHostile, frames, hostile, mallory } from '../../support/hostile.ts';
import { closePeers, joinGroup, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(async () => {
  await closePeers();
  await closeHostile();
});

it.each([true, false])(
  'a forged transaction that is said to be relayed (%s) shuts its bringer out',
  async (isRelayed) => {
    const sealer = await peer();
    const member = await peer();
    const { groupId } = await sealer.node.createGroup({ name: 'relayed' });
    const joined = await joinGroup(sealer, member, groupId);
    await sealer.node.group(groupId).as('node').addMember(mallory.publicKey, 'member');
    await joined.as('node').setProfile('genuine');
    const genuine = sealer.node.group(groupId).block(sealer.node.group(groupId).head.height).block
      .transactions[0]!;
    // What is signed is changed: the same work under another signature would count as sealed.
    const forged = genuine.slice();
    forged[Buffer.from(forged).indexOf('genuine')]! ^= 1;
    const relay = await hostile(mallory);
    await relay.dial(sealer.key, sealer.network.host.addresses());
    const { frames: out } = await frames(relay, sealer, RPC_PROTOCOL);
    const submissions = [{ transaction: forged, artifacts: [] }];
    await out.write(encodeRequest('tx_submit', { groupId, isRelayed, submissions }));
    await until('it is shut out', () => sealer.network.defence.isBanned(mallory.publicKey));
    expect(sealer.network.defence.isBanned(member.key)).toBe(false);
  },
);

it('a member that is asked to pass on a forgery looks first, and pays for nobody', async () => {
  const sealer = await peer();
  const member = await peer();
  const { groupId } = await sealer.node.createGroup({ name: 'looked at' });
  const joined = await joinGroup(sealer, member, groupId);
  await sealer.node.group(groupId).as('node').addMember(mallory.publicKey, 'member');
  await until('it is known', () => joined.now.roleOf(mallory.publicKey) !== undefined);
  const { height } = joined.head;
  const forged = sealer.node.group(groupId).block(height).block.transactions[0]!.slice();
  forged[forged.length - 1]! ^= 1;
  const author = await hostile(mallory);
  await author.dial(member.key, member.network.host.addresses());
  const { frames: out } = await frames(author, member, RPC_PROTOCOL);
  const submissions = [{ transaction: forged, artifacts: [] }];
  await out.write(encodeRequest('tx_submit', { groupId, isRelayed: false, submissions }));
  await until('its maker is shut out', () => member.network.defence.isBanned(mallory.publicKey));
  expect(sealer.network.defence.isBanned(member.key)).toBe(false);
  expect(member.network.host.isConnected(sealer.key)).toBe(true);
});
