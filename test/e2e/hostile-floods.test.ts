/**
 * Peers that flood, against a node that is up as a process of its own: in every case it goes on serving an honest
 * peer, during and after, its memory stays bounded, and its log and its metrics name who did it.
 *
 * Each attack comes from a key of its own, so that one victim can bear them all.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RPC_PROTOCOL } from '../../protocol/rpc/methods.ts';
import { topicOf } from '../../protocol/topic.ts';
import { control, gossipByHand, noise } from '../support/gossip.ts';
import { type Person, person } from '../support/people.ts';
import { PATIENCE_MS, Siege } from '../support/siege.ts';
import { until } from '../support/until.ts';

const gossips = ['topics', 'ihave', 'iwant', 'graft', 'backoff', 'replay', 'invalid'].map((what) =>
  person(`gossip ${what}`),
);

let siege: Siege;

beforeAll(async () => {
  siege = await Siege.begin(gossips);
}, 180_000);

afterAll(() => siege?.end());

describe('a flood', () => {
  it('of requests is told so, then shut out', async () => {
    const who = person('asker');
    const host = await siege.attacker(who);
    let limited = 0;
    await siege.under(async () => {
      await siege.whileConnected(host, () =>
        siege.ask(host, 'ping', {}).catch((error: { reason?: string }) => {
          if (error.reason === 'rate_limited') limited++;
        }),
      );
      await siege.isShutOut(who, /a flood of (requests|streams)/);
    });
    expect(limited).toBeGreaterThan(100);
  }, 180_000);

  it('of streams is shut out', async () => {
    const who = person('opener');
    const host = await siege.attacker(who);
    const { victim } = siege;
    const open = (): Promise<void> =>
      host.openStream(victim.key, RPC_PROTOCOL).then((stream) => stream.abort(new Error('no more')));
    await siege.under(async () => {
      // A connection may break under it before the victim has had enough: then it goes on with the next one.
      await until(
        'the victim takes no more of it',
        async () => {
          await siege.whileConnected(host, () => Promise.allSettled(Array.from({ length: 32 }, open)));
          const isOut = victim.logged('peer.banned').some(({ peer }) => peer === who.publicKey);
          if (!isOut) await host.dial(victim.key, victim.addresses).catch(() => {});
          return isOut;
        },
        PATIENCE_MS,
      );
      await siege.isShutOut(who, /a flood of streams/);
    });
  }, 180_000);

  it('of connections from one address leaves room for others', async () => {
    const { sockets, closed } = siege.victim.knock('127.0.0.2', 60);
    await siege.under(async () => {
      await until('most are turned away', () => closed() >= 45, PATIENCE_MS);
      await siege.isSuspected('127.0.0.2', /more connections than one address may have/);
    });
    for (const socket of sockets) socket.destroy();
  });

  it('of handshakes that are never finished is ended, and its address named', async () => {
    await siege.under(async () => {
      for (let round = 0; round < 2; round++) {
        const { closed } = siege.victim.knock('127.0.0.4', 8);
        await until('they are given up', () => closed() === 8, PATIENCE_MS);
      }
      await siege.isSuspected('127.0.0.4', /does not finish them/);
    });
  }, 180_000);
});

describe('a member who abuses gossip', () => {
  const [topics, ihave, iwant, graft, backoff, replay, invalid] = gossips as [Person, ...Person[]];
  const topic = (): string =>
    topicOf(siege.honest.node.networkPort.store.group(siege.group.groupId).block(0)!).topic;
  const ids = Array.from({ length: 50 }, (_, at) => noise(at));
  type Send = Awaited<ReturnType<typeof gossipByHand>>;

  it.each<[what: string, who: Person, once: (send: Send, at: number) => void]>([
    [
      'messages for topics that nobody has',
      topics,
      (send, at) => send({ messages: [{ topic: `unknown ${at}`, data: noise(at) }] }),
    ],
    ['IHAVE', ihave!, (send) => send(control({ ihave: [{ topicID: topic(), messageIDs: ids }] }))],
    ['IWANT', iwant!, (send) => send(control({ iwant: [{ messageIDs: ids }] }))],
    [
      'GRAFT of unknown topics',
      graft!,
      (send, at) => send(control({ graft: [{ topicID: `unknown ${at}` }] })),
    ],
    [
      'GRAFT during backoff',
      backoff!,
      (send) => {
        send(control({ graft: [{ topicID: topic() }] }));
        send(control({ prune: [{ topicID: topic(), peers: [], backoff: 60 }] }));
      },
    ],
  ])(
    'with a flood of %s is shut out',
    async (_, who, once) => {
      const host = await siege.attacker(who);
      const send = await gossipByHand(host, siege.victim);
      await siege.under(async () => {
        await siege.whileConnected(host, (at) => once(send, at));
        await siege.isShutOut(who, /a flood of gossip/);
      });
    },
    60_000,
  );

  it('with old announcements, again and again, is shut out', async () => {
    const host = await siege.attacker(replay!);
    const heard: Uint8Array[] = [];
    const { pubsub } = host.node.services;
    pubsub.subscribe(topic());
    pubsub.addEventListener('message', ({ detail }) => heard.push(detail.data));
    await until(
      'an announcement is heard',
      async () => {
        await siege.serveTheHonest();
        return heard.length > 0;
      },
      PATIENCE_MS,
    );
    // As many as a call may carry.
    const old = Array.from({ length: 40 }, () => ({ topic: topic(), data: heard[0]! }));
    const send = await gossipByHand(host, siege.victim);
    await siege.under(async () => {
      await siege.whileConnected(host, () => send({ messages: old }));
      await siege.isShutOut(replay!, /a flood of gossip/);
    });
  }, 180_000);

  it('with messages that nobody can open is shut out', async () => {
    const host = await siege.attacker(invalid!);
    const send = await gossipByHand(host, siege.victim);
    await siege.under(async () => {
      await siege.whileConnected(host, () =>
        send({ messages: [{ topic: topic(), data: new Uint8Array(64) }] }),
      );
      await siege.isShutOut(invalid!, /gossip that no honest member passes on/);
    });
  }, 180_000);
});
