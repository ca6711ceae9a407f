/** Sealers on the network: handed over, restored from a backup, and caught at sealing twice. */
import { cpSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { BatteryNode } from '../../../node.ts';
import { encodeError } from '../../../protocol/answer.ts';
import { FrameStream } from '../../../protocol/frames.ts';
import { subscribe } from '../../../protocol/membership.ts';
import { decodeRequest, encodeAnswer, RPC_PROTOCOL } from '../../../protocol/rpc/methods.ts';
import { evidences, sealOf, settleEvidence } from '../../../protocol/sync/evidence.ts';
import { closeHostile, foundedWorld, hostile, mallory, serveBlocks } from '../../support/hostile.ts';
import { closePeers, connect, joinGroup, newDirectory, peer } from '../../support/network.ts';
import { alice, person } from '../../support/people.ts';
import { until } from '../../support/until.ts';

afterEach(async () => {
  await closePeers();
  await closeHostile();
});

it('the sealing is handed over through the network, and work follows it', async () => {
  const a = await peer();
  const b = await peer();
  const { groupId } = await a.node.createGroup({ name: 'hand-over' });
  const joined = await joinGroup(a, b, groupId, 'admin');
  const group = a.node.group(groupId);
  await group.as('node').setSealers([b.key]);
  await until('b was asked', () => joined.now.handOver() !== undefined);
  await joined.as('node').acceptSealing();
  await until('b seals', () => joined.info().status === 'sealing');
  expect(group.info().status).toBe('following');
  const own = await joined.as('node').publishClaim({ text: 'sealed by b' });
  expect(joined.block(own.height).block.header.sealer).toBe(b.key);
  const sent = await group.as('node').publishClaim({ text: 'sent to b' });
  expect(group.block(sent.height).block.header.sealer).toBe(b.key);
  expect(group.claimContent(sent.claim)?.text).toBe('sent to b');
  await joined.as('node').setSealers([a.key]);
  await until('a was asked', () => group.now.handOver() !== undefined);
  await group.as('node').acceptSealing();
  await until('a seals again', () => group.info().status === 'sealing');
  expect((await group.as('node').publishClaim({ text: 'and back' })).height).toBe(group.head.height);
});

it('a sealer that was restored from a backup fetches what it has forgotten before it seals', async () => {
  const sealer = await peer();
  const member = await peer();
  const { groupId } = await sealer.node.createGroup({ name: 'backup' });
  const joined = await joinGroup(sealer, member, groupId);
  await sealer.network.book.add(member.key, member.network.host.addresses(), { isPinned: true, seenMs: 0 });
  await sealer.node.close();
  const backup = newDirectory();
  cpSync(sealer.data, backup, { recursive: true });

  const later = await peer({ data: sealer.data });
  await until('they are connected', () => later.network.host.isConnected(member.key));
  for (let at = 0; at < 5; at++) await later.node.group(groupId).as('node').setProfile(`name ${at}`);
  const forgotten = later.node.group(groupId).head;
  await until('the member has all', () => joined.head.blockId === forgotten.blockId);
  await later.node.close();

  const asleep = await BatteryNode.open({ data: backup, threads: 1 });
  expect(asleep.group(groupId).head.height).toBe(forgotten.height - 5);
  await asleep.close();
  const restored = await peer({ data: backup });
  const group = restored.node.group(groupId);
  const { height } = await group.as('node').publishClaim({ text: 'after the backup' });
  expect(height).toBe(forgotten.height + 1);
  expect(group.block(forgotten.height).blockId).toBe(forgotten.blockId);
  await until('the member follows', () => joined.head.blockId === group.head.blockId);
});

it('a sealer who is alone seals at once', async () => {
  const alone = await peer();
  await alone.node.createGroup({ name: 'alone' });
  await alone.node.close();
  const again = await peer({ data: alone.data, headComparisonMs: 60_000 });
  const [group] = again.node.groups();
  expect((await group!.as('node').setProfile('me')).height).toBe(1);
});

it('two blocks at one height are kept as evidence, told, and end the following until somebody decides', async () => {
  const victim = await peer({ syncIntervalMs: 60_000 });
  const members = [victim.key, mallory.publicKey, alice.publicKey];
  const kept = foundedWorld(members);
  const other = foundedWorld(members);
  expect(other.groupId).toBe(kept.groupId);
  const { groupId } = kept;
  kept.act(person('founder'), { type: 'profile_set', name: 'kept' });
  other.act(person('founder'), { type: 'profile_set', name: 'other' });
  other.act(person('founder'), { type: 'profile_set', name: 'longer' });
  const { networkPort } = victim.node;
  const chain = await networkPort.adopt(kept.chain.blocks[0]!);
  await chain.follow(kept.chain.blocks.slice(1));

  const told: unknown[] = [];
  victim.node.bus.moment$.subscribe((event) => {
    if (event.kind === 'evidence.equivocation') told.push(event);
  });
  const host = await hostile(mallory);
  await serveBlocks(host, other.chain.blocks);
  await host.handle(RPC_PROTOCOL, 16, async (stream) => {
    const frames = new FrameStream(stream, { bytesMax: 65_536, timeoutMs: 5_000 });
    const { name, request } = decodeRequest((await frames.read())!);
    const { height } = request as { height?: number };
    const answer =
      name === 'group_head'
        ? encodeAnswer(name, sealOf(other.chain.blocks[height!]!))
        : encodeError('not_found', '');
    await frames.write(answer);
    await frames.close();
  });
  await victim.network.host.dial(mallory.publicKey, host.addresses());
  await until('it was told', () => told.length === 1);
  expect(told).toMatchObject([{ groupId, height: 4, sealer: person('founder').publicKey }]);
  const status = () => victim.network.status().groups.find((group) => group.groupId === groupId)!.status;
  await until('the group rests', () => status() === 'paused');
  expect(victim.node.group(groupId).block(4).blockId).toBe(kept.chain.judge.tip!.blockId);
  expect(evidences(networkPort, groupId)).toHaveLength(1);
  // The messenger is not at fault.
  expect(victim.network.defence.isBanned(mallory.publicKey)).toBe(false);

  const again = await victim.network.stop().then(() => peerOf(victim.node));
  expect(again.status().groups[0]!.status).toBe('paused');
  await settleEvidence(networkPort, groupId);
  again.groups.follow(groupId).resume();
  await until('it follows again', () => again.status().groups[0]!.status !== 'paused');
  await again.stop();
});

async function peerOf(node: Awaited<ReturnType<typeof peer>>['node']) {
  const { NetworkService } = await import('../../../protocol/network-service.ts');
  return NetworkService.start(node.networkPort, { mdns: false });
}

it('a sealer whose clock is far from the median of three members seals nothing, and says so', async () => {
  const aheadMs = 10 * 60_000;
  const clock = { nowMs: () => Date.now() - aheadMs, monotonicMs: () => performance.now() };
  const sealer = await peer({ open: { clock } });
  const said: string[] = [];
  sealer.node.bus.moment$.subscribe((event) => {
    if (event.kind === 'clock.jumped') said.push(event.message);
  });
  const group = await sealer.node.createGroup({ name: 'late' });
  const members = [await peer(), await peer(), await peer()];
  for (const { key } of members) await group.as('node').addMember(key, 'member');
  for (const member of members) {
    await connect(member, sealer);
    await subscribe(member.network, group.groupId, sealer.key);
  }
  await until('it is said', () => said.length === 1);
  expect(said[0]).toContain('600 s behind the clocks of 3 peers');
  await expect(group.as('node').setProfile('now')).rejects.toMatchObject({ code: 'clock_jumped' });
  sealer.node.trustClock();
  await group.as('node').setProfile('trusted');
});
