/** Sealers who sealed twice: what is about the present stops the following, and what the chain has left behind does not. */
import { afterEach, expect, it } from 'vitest';
import type { MomentEvent } from '../../../events/bus.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { EVIDENCE_MAX } from '../../../protocol/limits.ts';
import { evidences, isInDispute, settleEvidence } from '../../../protocol/sync/evidence.ts';
import { announceSeal, secondSeal } from '../../support/false-seals.ts';
import { closePeers, connect, joinGroup, type Peer, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(() => closePeers());

type Equivocation = Extract<MomentEvent, { kind: 'evidence.equivocation' }>;

function equivocationsAt({ node }: Peer): Equivocation[] {
  const told: Equivocation[] = [];
  node.bus.moment$.subscribe((event) => {
    if (event.kind === 'evidence.equivocation') told.push(event);
  });
  return told;
}

const statusAt = ({ network }: Peer, groupId: Hex32) => network.groups.known(groupId)!.status;
const signerOf = ({ node }: Peer) => node.networkPort.signer;

/** Has the sealing handed from one admin to another, and waits until all have seen it. */
async function handOver(from: Peer, to: Peer, groupId: Hex32, all: readonly Peer[]): Promise<void> {
  const { height } = await from.node.group(groupId).as('node').setSealers([to.key]);
  await until('the proposal is there', () => to.node.group(groupId).head.height >= height);
  await to.node.group(groupId).as('node').acceptSealing();
  await until('the new sealer seals', () => to.node.group(groupId).info().status === 'sealing');
  await to.node
    .group(groupId)
    .as('node')
    .setProfile(`sealer ${all.indexOf(to)}`);
  const { blockId } = to.node.group(groupId).head;
  await until('all have seen it', () =>
    all.every(({ node }) => node.group(groupId).head.blockId === blockId),
  );
}

/** A founder, an admin and a member, all connected, with a few blocks of the founder's. */
async function threeOfThem() {
  const founder = await peer();
  const admin = await peer();
  const member = await peer();
  const { groupId } = await founder.node.createGroup({ name: 'old lies' });
  await joinGroup(founder, admin, groupId, 'admin');
  await joinGroup(founder, member, groupId);
  await connect(admin, member);
  for (const name of ['one', 'two', 'three']) await founder.node.group(groupId).as('node').setProfile(name);
  const all = [founder, admin, member];
  const { blockId } = founder.node.group(groupId).head;
  await until('all are level', () => all.every(({ node }) => node.group(groupId).head.blockId === blockId));
  const gossiping = () => member.network.host.node.services.pubsub.getPeers().length === 2;
  await until('they gossip', gossiping);
  return { founder, admin, member, groupId, all };
}

it('second headers of a former sealer are recorded and shown, and stop nobody, however many', async () => {
  const { founder, admin, member, groupId, all } = await threeOfThem();
  await handOver(founder, admin, groupId, all);
  const told = equivocationsAt(member);
  for (const height of [1, 2, 3])
    await announceSeal(founder, groupId, secondSeal(founder, groupId, height, signerOf(founder)));
  await until('all three were told', () => told.length === 3);
  expect(told.map(({ standing }) => standing)).toEqual(['past', 'past', 'past']);
  expect(evidences(member.node.networkPort, groupId).map(({ standing }) => standing)).toEqual(
    Array(3).fill('past'),
  );
  expect(statusAt(member, groupId)).not.toBe('paused');
  const { height } = await admin.node.group(groupId).as('node').publishClaim({ text: 'work goes on' });
  await until('the member follows', () => member.node.group(groupId).head.height >= height);
});

it('a sealer who had handed over, and seals again, is not stopped by what lies before', async () => {
  const { founder, admin, member, groupId, all } = await threeOfThem();
  await handOver(founder, admin, groupId, all);
  await handOver(admin, founder, groupId, all);
  const told = equivocationsAt(member);
  await announceSeal(founder, groupId, secondSeal(founder, groupId, 2, signerOf(founder)));
  await until('it was told', () => told.length === 1);
  expect(told[0]).toMatchObject({ height: 2, standing: 'past' });
  // What lies in the present tenure is another matter.
  const { height } = founder.node.group(groupId).head;
  await announceSeal(founder, groupId, secondSeal(founder, groupId, height, signerOf(founder)));
  await until('it was told', () => told.length === 2);
  expect(told[1]).toMatchObject({ height, standing: 'open' });
  await until('the group rests', () => statusAt(member, groupId) === 'paused');
});

it('a decision covers every height up to the head that it was made at, and no more', async () => {
  const { founder, member, groupId } = await threeOfThem();
  const told = equivocationsAt(member);
  await announceSeal(founder, groupId, secondSeal(founder, groupId, 1, signerOf(founder)));
  await until('the group rests', () => statusAt(member, groupId) === 'paused');
  await settleEvidence(member.node.networkPort, groupId);
  member.network.groups.heed(groupId);
  await until('it follows again', () => statusAt(member, groupId) !== 'paused');
  await announceSeal(founder, groupId, secondSeal(founder, groupId, 2, signerOf(founder)));
  await until('it was told', () => told.length === 2);
  expect(told.map(({ standing }) => standing)).toEqual(['open', 'decided']);
  const { height } = await founder.node.group(groupId).as('node').setProfile('after the decision');
  await until('the member follows', () => member.node.group(groupId).head.height >= height);
  await announceSeal(founder, groupId, secondSeal(founder, groupId, height, signerOf(founder)));
  await until('a new lie stops it', () => statusAt(member, groupId) === 'paused');
});

it('a group in dispute is followed again by itself when the sealing goes on to somebody else', async () => {
  const { founder, admin, member, groupId } = await threeOfThem();
  await announceSeal(founder, groupId, secondSeal(founder, groupId, 2, signerOf(founder)));
  for (const one of [admin, member]) await until('both rest', () => statusAt(one, groupId) === 'paused');
  const { height: resting } = member.node.group(groupId).head;
  // The accused seals on: nobody follows.
  await founder.node.group(groupId).as('node').setProfile('as if nothing were');
  await member.network.groups.pullNow(groupId, 5_000);
  expect(member.node.group(groupId).head.height).toBe(resting);
  // Who is to seal next decides; everybody else sees the hand-over.
  await settleEvidence(admin.node.networkPort, groupId);
  admin.network.groups.heed(groupId);
  const proposed = await founder.node.group(groupId).as('node').setSealers([admin.key]);
  await until('the proposal is there', () => admin.node.group(groupId).head.height >= proposed.height);
  await admin.node.group(groupId).as('node').acceptSealing();
  await until('the admin seals', () => admin.node.group(groupId).info().status === 'sealing');
  const { height } = await admin.node.group(groupId).as('node').setProfile('the new sealer');
  await until('the member follows', () => member.node.group(groupId).head.height >= height, 15_000);
  expect(isInDispute(member.node.networkPort, groupId)).toBe(false);
  expect(evidences(member.node.networkPort, groupId)).toMatchObject([{ standing: 'past' }]);
});

it('whoever is far behind is not kept from the hand-over by an old lie', async () => {
  const { founder, admin, member, groupId, all } = await threeOfThem();
  member.network.groups.known(groupId)!.pause();
  await handOver(founder, admin, groupId, [founder, admin]);
  expect(all).toHaveLength(3);
  await announceSeal(founder, groupId, secondSeal(founder, groupId, 2, signerOf(founder)));
  await until('it is recorded', () => evidences(member.node.networkPort, groupId).length === 1);
  member.network.groups.known(groupId)!.resume();
  const { height } = admin.node.group(groupId).head;
  await until('the member has the hand-over', () => member.node.group(groupId).head.height >= height, 15_000);
  await until('and follows', () => statusAt(member, groupId) !== 'paused', 15_000);
});

it('what a former sealer announced for the future is no target any more', async () => {
  const { founder, admin, member, groupId, all } = await threeOfThem();
  const following = member.network.groups.known(groupId)!;
  following.announced({ height: 1_000_000, sealer: founder.key });
  expect(following.target).toBe(1_000_000);
  await handOver(founder, admin, groupId, all);
  expect(following.target).toBe(member.node.group(groupId).head.height);
});

it('evidence is bounded, and old lies do not drive out one about the present', async () => {
  const { founder, admin, member, groupId } = await threeOfThem();
  while (founder.node.group(groupId).head.height < EVIDENCE_MAX + 4)
    await founder.node
      .group(groupId)
      .as('node')
      .setProfile(`block ${founder.node.group(groupId).head.height}`);
  await handOver(founder, admin, groupId, [founder, admin, member]);
  const following = member.network.groups.known(groupId)!;
  for (let height = 1; height <= EVIDENCE_MAX + 3; height++)
    await following.contradicted(secondSeal(founder, groupId, height, signerOf(founder)));
  expect(evidences(member.node.networkPort, groupId)).toHaveLength(EVIDENCE_MAX);
  const { height } = member.node.group(groupId).head;
  await following.contradicted(secondSeal(admin, groupId, height, signerOf(admin)));
  expect(evidences(member.node.networkPort, groupId)).toHaveLength(EVIDENCE_MAX);
  expect(isInDispute(member.node.networkPort, groupId)).toBe(true);
  expect(statusAt(member, groupId)).toBe('paused');
});
