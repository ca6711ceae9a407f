/** Announcements and beats, and those who abuse them. */
import type { RPC } from '@libp2p/gossipsub/message';
import { afterEach, describe, expect, it } from 'vitest';
import type { Host } from '../../../protocol/host.ts';
import { subscribe } from '../../../protocol/membership.ts';
import { control, gossipByHand, noise } from '../../support/gossip.ts';
import { closeHostile, hostile, mallory } from '../../support/hostile.ts';
import { closePeers, connect, joinGroup, type Peer, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(async () => {
  await closePeers();
  await closeHostile();
});

const pubsub = (of: Peer) => of.network.host.node.services.pubsub;

describe('an announcement', () => {
  it('brings a new block to a connected member well within a second, without a pull by time', async () => {
    const sealer = await peer({ syncIntervalMs: 3_600_000 });
    const member = await peer({ syncIntervalMs: 3_600_000 });
    const { groupId } = await sealer.node.createGroup({ name: 'news' });
    const joined = await joinGroup(sealer, member, groupId);
    const topic = pubsub(member).getTopics()[0]!;
    await until('the sealer knows the listener', () => pubsub(sealer).getSubscribers(topic).length === 1);
    const latencies: number[] = [];
    for (let at = 0; at < 10; at++) {
      const { height } = await sealer.node.group(groupId).as('node').setProfile(`name ${at}`);
      const startMs = performance.now();
      await until('the block is there', () => joined.head.height >= height, 5_000);
      latencies.push(performance.now() - startMs);
    }
    expect(latencies.toSorted((a, b) => a - b)[5]).toBeLessThan(500);
  });

  it('of a block that the only source does not have yet is followed up until it has', async () => {
    const sealer = await peer({ syncIntervalMs: 3_600_000 });
    const relay = await peer({ syncIntervalMs: 3_600_000 });
    const member = await peer({ syncIntervalMs: 3_600_000 });
    const { groupId } = await sealer.node.createGroup({ name: 'late' });
    for (const { network } of [sealer, member]) network.dialer.keep = () => {};
    await joinGroup(sealer, relay, groupId);
    await sealer.node.group(groupId).as('node').addMember(member.key, 'member');
    await until('the relay knows', () => relay.node.group(groupId).now.roleOf(member.key) !== undefined);
    await connect(member, relay);
    await subscribe(member.network, groupId, relay.key);
    relay.network.groups.known(groupId)!.pause();
    const { height } = await sealer.node.group(groupId).as('node').setProfile('new');
    const following = member.network.groups.known(groupId)!;
    following.announced({ height, sealer: sealer.key });
    await until(
      'it was asked for and not had',
      () => following.status === 'idle' && following.target === height,
    );
    expect(member.node.group(groupId).head.height).toBeLessThan(height);
    relay.network.groups.known(groupId)!.resume();
    await until('it is here', () => member.node.group(groupId).head.height >= height);
  });

  it('says nothing of the group to whoever does not know its block 0', async () => {
    const sealer = await peer();
    const { groupId } = await sealer.node.createGroup({ name: 'quiet' });
    const [topic] = pubsub(sealer).getTopics();
    expect(topic).toMatch(/^[0-9a-f]{64}$/);
    expect(topic).not.toBe(groupId);
  });
});

describe('a beat', () => {
  it('keeps a member from being stale without touching the log', async () => {
    let aheadMs = 0;
    const clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };
    const sealer = await peer({ open: { clock } });
    const member = await peer({ open: { clock } });
    const { groupId } = await sealer.node.createGroup({ name: 'beats' });
    const joined = await joinGroup(sealer, member, groupId);
    await joined.as('node').setPresence('active');
    const group = sealer.node.group(groupId);
    const { height } = group.head;
    aheadMs = 6 * 60_000;
    const look = () => group.presence().find(({ member: who }) => who === member.key)!;
    expect(look()).toMatchObject({ isStale: true });
    const [topic] = pubsub(member).getTopics();
    await until('the member knows a listener', () => pubsub(member).getSubscribers(topic!).length === 1);
    member.network.beatNow();
    await until('the beat is heard', () => !look().isStale);
    aheadMs += 6 * 60_000;
    expect(look().isStale).toBe(true);
    expect(group.head.height).toBe(height);
  });
});

/** A member of the victim's group that speaks gossipsub by hand. */
async function abuser(victim: Peer): Promise<{ host: Host; groupId: string; send(rpc: Partial<RPC>): void }> {
  const { groupId } = await victim.node.createGroup({ name: 'abused' });
  await victim.node.group(groupId).as('node').addMember(mallory.publicKey, 'member');
  const host = await hostile(mallory);
  await host.dial(victim.key, victim.network.host.addresses());
  const send = await gossipByHand(host, victim);
  await until('mallory is in', () => pubsub(victim).getPeers().length === 1);
  return { host, groupId, send };
}

describe('a member who abuses gossip', () => {
  it('with what no member could have made is shut out', async () => {
    const victim = await peer();
    const { groupId, send } = await abuser(victim);
    const [topic] = pubsub(victim).getTopics();
    send({ messages: [{ topic: topic!, data: new Uint8Array(64) }] });
    await until('mallory is shut out', () => victim.network.defence.isBanned(mallory.publicKey));
    expect(victim.log.join()).toContain(mallory.publicKey.slice(0, 8));
    expect((await victim.node.group(groupId).as('node').setProfile('still here')).height).toBeGreaterThan(0);
  });

  it.each<[string, (send: (rpc: Partial<RPC>) => void, topic: string) => void]>([
    [
      'topics nobody has',
      (send) => {
        for (let at = 0; at < 2_000; at++) send({ messages: [{ topic: `unknown ${at}`, data: noise(at) }] });
        for (let at = 0; at < 5_000; at++)
          send({ subscriptions: [{ subscribe: true, topic: `unknown ${at}` }] });
      },
    ],
    [
      'IHAVE',
      (send, topic) => {
        for (let at = 0; at < 500; at++)
          send(
            control({
              ihave: [
                {
                  topicID: topic,
                  messageIDs: Array.from({ length: 100 }, (_, nth) => noise(100 * at + nth)),
                },
              ],
            }),
          );
      },
    ],
    [
      'IWANT',
      (send) => {
        for (let at = 0; at < 500; at++)
          send(control({ iwant: [{ messageIDs: Array.from({ length: 100 }, (_, nth) => noise(nth)) }] }));
      },
    ],
    [
      'GRAFT of unknown topics and during backoff',
      (send, topic) => {
        for (let at = 0; at < 1_000; at++) send(control({ graft: [{ topicID: `unknown ${at}` }] }));
        for (let at = 0; at < 500; at++) {
          send(control({ graft: [{ topicID: topic }] }));
          send(control({ prune: [{ topicID: topic, peers: [], backoff: 60 }] }));
        }
      },
    ],
  ])('with %s costs the others nothing', async (_, abuse) => {
    const victim = await peer();
    const { groupId, send } = await abuser(victim);
    const [topic] = pubsub(victim).getTopics();
    const honest = await peer();
    const before = process.memoryUsage().heapUsed;
    const joined = await joinGroup(victim, honest, groupId);
    abuse(send, topic!);
    const { height } = await victim.node.group(groupId).as('node').setProfile('still here');
    await until('the honest member has the block', () => joined.head.height >= height);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 1024 * 1024);
    expect(pubsub(victim).getTopics()).toEqual([topic]);
  });

  it('by saying old announcements again makes nobody pull', async () => {
    const victim = await peer();
    const member = await peer();
    const { groupId } = await victim.node.createGroup({ name: 'replayed' });
    await joinGroup(victim, member, groupId);
    const [topic] = pubsub(member).getTopics();
    const heard: Uint8Array[] = [];
    pubsub(member).addEventListener('message', ({ detail }) => heard.push(detail.data));
    await until('the sealer knows the listener', () => pubsub(victim).getSubscribers(topic!).length === 1);
    await victim.node.group(groupId).as('node').setProfile('one');
    await until('it was announced', () => heard.length > 0);
    await victim.node.group(groupId).as('node').setProfile('two');
    await until(
      'two is here',
      () => member.node.group(groupId).head.blockId === victim.node.group(groupId).head.blockId,
    );
    // Pulls have other reasons as well, a new peer among them; what announcements ask for comes through here.
    const asked: (number | undefined)[] = [];
    victim.network.groups.announced = (_, header) => void asked.push(header?.height);
    for (let at = 0; at < 20; at++)
      await pubsub(member)
        .publish(topic!, heard[0]!)
        .catch(() => {});
    const { height } = await victim.node.group(groupId).as('node').setProfile('three');
    await until('three is there', () => member.node.group(groupId).head.height >= height);
    expect(asked).toEqual([]);
    expect(victim.network.defence.isBanned(member.key)).toBe(false);
  });
});
