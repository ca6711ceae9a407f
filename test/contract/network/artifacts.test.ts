/** Artifacts come after the blocks that name them; what a source lacks is asked for again until somebody has it. */
import { afterEach, expect, it } from 'vitest';
import { sha256 } from '../../../crypto/hash.ts';
import { toHex } from '../../../events/bytes.ts';
import { subscribe } from '../../../protocol/membership.ts';
import { closePeers, connect, joinGroup, type Peer, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(closePeers);

it('what one source lacks is shown as missing, and fetched when another has it', async () => {
  const sealer = await peer({ syncIntervalMs: 1_000 });
  const keeper = await peer();
  const { groupId } = await sealer.node.createGroup({ name: 'texts' });
  const joined = await joinGroup(sealer, keeper, groupId);
  const { claim } = await joined.as('node').publishClaim({ text: 'Kept by one.' });
  const bytes = joined.artifact(claim)!;
  await until('the sealer has sealed it', () => sealer.node.group(groupId).now.claim(claim) !== undefined);
  await keeper.network.stop();

  // A member whose only source has the block and not the text: a copy of the sealer's log alone.
  const lacking = await peer({ syncIntervalMs: 1_000 });
  await sealer.node.group(groupId).as('node').addMember(lacking.key, 'member');
  const { store } = sealer.node.networkPort;
  const blocks = [...store.group(groupId).blocks(0)].map((block) => block.bytes);
  const chain = await lacking.node.networkPort.adopt(blocks[0]!);
  expect(await chain.follow(blocks.slice(1))).toBeUndefined();
  const third = await peer({ syncIntervalMs: 1_000 });
  await sealer.node.group(groupId).as('node').addMember(third.key, 'member');
  await lacking.node
    .group(groupId)
    .follow([...store.group(groupId).blocks(chain.head.height + 1)].map((block) => block.bytes));
  const copy = await joinFrom(lacking, third, groupId);
  const missing = (): number => third.network.status().groups[0]!.artifactsMissing;
  await until('it is known to be missing', () => missing() === 1);
  expect(copy.claimContent(claim)).toBeUndefined();
  expect(third.network.gauges().artifactsMissing()).toBe(1);

  await connect(third, sealer);
  await until('the text is here', () => copy.claimContent(claim)?.text === 'Kept by one.');
  await until('nothing is missing', () => missing() === 0);
  expect(toHex(sha256(bytes))).toBe(claim);
  expect((await copy.audit()).status).toBe('sound');
});

async function joinFrom(from: Peer, to: Peer, groupId: string) {
  await connect(to, from);
  await subscribe(to.network, groupId, from.key);
  return to.node.group(groupId);
}

it('more texts than a minute allows requests for all arrive', async () => {
  // Ten requests a minute for a member; sixteen texts fit into an answer.
  const sealer = await peer({ requestsPerMinute: 1 });
  const { groupId } = await sealer.node.createGroup({ name: 'many' });
  const author = sealer.node.group(groupId).as('node');
  const texts = Array.from({ length: 170 }, (_, at) => `claim ${at} ${'x'.repeat(60_000)}`);
  const claims = await Promise.all(texts.map((text) => author.publishClaim({ text })));
  const member = await peer();
  const group = await joinGroup(sealer, member, groupId);
  const last = claims.map(({ claim }) => claim);
  await until('all texts are here', () => last.every((claim) => group.artifact(claim) !== undefined), 40_000);
  for (const [at, { claim }] of claims.entries()) expect(group.claimContent(claim)?.text).toBe(texts[at]);
  expect(sealer.network.defence.counters).toMatchObject({ bans: 0 });
  expect(sealer.network.defence.counters.rateLimited).toBeGreaterThan(0);
});
