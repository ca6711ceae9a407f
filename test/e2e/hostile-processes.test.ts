/**
 * Peers that lie, flood, dawdle and pry, against a node that is up as a process of its own: in every case it goes on
 * serving an honest peer, during and after, its memory stays bounded, and its log and its metrics name who did it.
 *
 * Each attack comes from a key of its own, so that one victim can bear them all.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Group } from '../../actors/group.ts';
import { fromHex } from '../../events/bytes.ts';
import type { Host } from '../../protocol/host.ts';
import { subscribe } from '../../protocol/membership.ts';
import {
  decodeAnswer,
  encodeRequest,
  type MethodName,
  type RequestOf,
  RPC_PROTOCOL,
} from '../../protocol/rpc/methods.ts';
import { CHECKPOINT_PROTOCOL } from '../../protocol/sync/checkpoint.ts';
import { SYNC_PROTOCOL } from '../../protocol/sync/stream.ts';
import { topicOf } from '../../protocol/topic.ts';
import { control, gossipByHand, noise } from '../support/gossip.ts';
import {
  answerQuestions,
  closeHostile,
  FORGERIES,
  foundedWorld,
  frames,
  hostile,
  serveBlocks,
} from '../support/hostile.ts';
import { closePeers, type Peer, peer } from '../support/network.ts';
import { alice, hashOf, type Person, person } from '../support/people.ts';
import { Victim } from '../support/victim.ts';
import type { World } from '../support/world.ts';
import { lbJson } from './spawn-lb.ts';

/** What all attacks together may leave behind; one of them at its height has more, and gives it back. */
const GROWTH_BYTES_MAX = 192 * 1024 * 1024;
const PROTOCOLS = [RPC_PROTOCOL, SYNC_PROTOCOL, CHECKPOINT_PROTOCOL];

const liars = FORGERIES.map((_, at) => person(`liar ${at}`));
const boaster = person('boaster');
const honestSource = person('honest source');
const dawdler = person('dawdler');
const gossips = ['topics', 'ihave', 'iwant', 'graft', 'backoff', 'replay', 'invalid'].map((what) =>
  person(`gossip ${what}`),
);

let victim: Victim;
let honest: Peer;
/** The group that the victim seals, as the honest member has it. */
let group: Group;
/** A group that the victim follows, and that its sealer has in memory. */
let world: World;
let source: Host;
let bytesAtFirst = 0;
let claims = 0;

/** Has the honest member write something; resolves when the victim has sealed it. */
async function serveTheHonest(): Promise<void> {
  const { height } = await group.as('node').publishClaim({ text: `honest ${++claims}` });
  expect(height).toBeGreaterThan(0);
}

/** Runs an attack, and writes with the honest member all the while. */
async function under(attack: () => Promise<void>): Promise<void> {
  let isOver = false;
  const attacking = attack().finally(() => {
    isOver = true;
  });
  attacking.catch(() => {});
  do {
    await serveTheHonest();
    // Well below what a member may ask for in a minute.
    await new Promise((resolve) => setTimeout(resolve, 400));
  } while (!isOver);
  await attacking;
  await serveTheHonest();
  expect(victim.isAlive).toBe(true);
  await until('the memory is given back', () => victim.anonymousBytes - bytesAtFirst < GROWTH_BYTES_MAX);
}

async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until log and metrics name a peer that is shut out. */
async function isShutOut({ publicKey }: Person, reason: RegExp): Promise<void> {
  const series = `lb_peer_banned_seconds{peer="${publicKey.slice(0, 16)}"}`;
  await until(`${reason} shuts out`, () =>
    victim.logged('peer.banned').some((line) => line.peer === publicKey && reason.test(`${line.reason}`)),
  );
  expect(await victim.metric(series)).toBeGreaterThan(0);
}

/** Waits until log and metrics name a peer, or an address, that is suspected. */
async function isSuspected(who: string, reason: RegExp, withinMs?: number): Promise<void> {
  const label = who.length === 64 ? who.slice(0, 16) : who;
  const isNamed = (): boolean =>
    victim.logged('peer.suspected').some((line) => line.who === who && reason.test(`${line.reason}`));
  await until(`${label} is suspected: ${reason}`, isNamed, withinMs);
  expect(await victim.metric(`lb_peer_suspected{who="${label}"}`)).toBeGreaterThan(0);
}

/** Does something again and again until the victim has had enough. */
async function whileConnected(host: Host, once: (at: number) => unknown): Promise<void> {
  const deadlineMs = performance.now() + 90_000;
  for (let at = 0; host.isConnected(victim.key) && performance.now() < deadlineMs; at++) {
    await once(at);
    if (at % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A host of this person that is connected to the victim. */
async function attacker(who: Person): Promise<Host> {
  const host = await hostile(who);
  await host.dial(victim.key, victim.addresses);
  return host;
}

async function ask<M extends MethodName>(host: Host, name: M, request: RequestOf<M>): Promise<unknown> {
  const { frames: out } = await frames(host, victim, RPC_PROTOCOL);
  await out.write(encodeRequest(name, request));
  const answer = await out.read();
  void out.close();
  return decodeAnswer(name, answer!);
}

/** Enough for a reader who takes nothing to fill every buffer on the way. */
async function writeMuch(): Promise<void> {
  const description = 'x'.repeat(4_000);
  for (let at = 0; at < 40; at++)
    await group.as('node').do(
      ...Array.from({ length: 28 }, (_, nth) => ({
        type: 'task_create' as const,
        task: `t${at}-${nth}`,
        title: 'large',
        description,
        assignee: undefined,
        dueMs: undefined,
        reward: undefined,
        leaseMs: undefined,
        tags: [],
      })),
    );
}

beforeAll(async () => {
  victim = await Victim.start({ LB_P2P_MAX_REQ_PER_MIN: '100' });
  honest = await peer({ receiptWaitMs: 60_000 });
  const { group_id } = await lbJson<{ group_id: string }>(['create-group', '--name', 'private'], victim);
  for (const key of [honest.key, ...[dawdler, ...gossips].map(({ publicKey }) => publicKey)])
    await lbJson(['add-member', '--pub', key, '--role', 'member'], victim);
  await honest.network.host.dial(victim.key, victim.addresses);
  await subscribe(honest.network, group_id, victim.key);
  group = honest.node.group(group_id);
  await writeMuch();

  world = foundedWorld([
    victim.key,
    ...[alice, boaster, honestSource, ...liars].map(({ publicKey }) => publicKey),
  ]);
  source = await hostile(alice);
  await serveBlocks(source, world.chain.blocks);
  await answerQuestions(source, () => world.chain.blocks.length - 1);
  const place = source.addresses()[0]!.split('/').at(-1);
  await lbJson(['subscribe', world.groupId, '--peer', `${alice.publicKey}@127.0.0.1:${place}`], victim);
  bytesAtFirst = victim.anonymousBytes;
}, 180_000);

afterAll(async () => {
  await closePeers();
  await closeHostile();
  await victim?.stop();
});

it('slow readers hold a window each, and are named when their time is over', async () => {
  const host = await attacker(dawdler);
  const request = Uint8Array.from([0x93, 1, 0xc4, 32, ...fromHex(group.groupId), 0]);
  for (let at = 0; at < 4; at++) {
    const { stream, frames: out } = await frames(host, victim, SYNC_PROTOCOL);
    stream.pause();
    await out.write(request);
  }
  await under(() => isSuspected(dawdler.publicKey, /stand still/, 120_000));
}, 180_000);

it('slow writers lose their streams, and then their connection', async () => {
  const who = person('slow writer');
  const host = await attacker(who);
  for (let at = 0; at < 8; at++) (await host.openStream(victim.key, RPC_PROTOCOL)).send(Uint8Array.of(0));
  await under(() => isShutOut(who, /stand still/));
}, 180_000);

it('somebody else at an address is not taken for the one who was called', async () => {
  const impostor = await hostile(person('impostor'), '127.0.0.3');
  const port = impostor.addresses()[0]!.split('/').at(-1);
  const called = person('somebody else').publicKey;
  await under(async () => {
    await lbJson(['peer-add', `${called}@127.0.0.3:${port}`], victim).catch(() => {});
    await isSuspected('127.0.0.3', new RegExp(`does not prove the key ${called.slice(0, 8)}`));
  });
  await lbJson(['peer-remove', called], victim);
}, 180_000);

describe('frames', () => {
  it.each(PROTOCOLS)('of garbage on %s shut the peer out', async (protocol) => {
    const who = person(`garbage ${protocol}`);
    const { frames: out } = await frames(await attacker(who), victim, protocol);
    await out.write(Uint8Array.of(0xc1, 1, 2, 3));
    await under(() => isShutOut(who, /that is none/));
  });

  it.each(PROTOCOLS)('of a declared 2 GB on %s cost nothing', async (protocol) => {
    const who = person(`two gigabytes ${protocol}`);
    const { stream } = await frames(await attacker(who), victim, protocol);
    stream.send(Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0));
    await under(() => isShutOut(who, /2147483647 bytes/));
  });

  it('with a path where an id should be are no requests', async () => {
    const who = person('path as text');
    const { frames: out } = await frames(await attacker(who), victim, RPC_PROTOCOL);
    const request = encodeRequest('sync_status', { groupId: '00'.repeat(32) });
    const path = new TextEncoder().encode('../../../../../../../etc/passwd\0');
    await out.write(Uint8Array.from([...request.subarray(0, 4), 0xd9, 32, ...path]));
    await under(() => isShutOut(who, /a request that is none/));
  });
});

describe('a source', () => {
  it.each(FORGERIES.map(([what, forge], at) => [what, forge, liars[at]!] as const))(
    'of a block with %s is shut out',
    async (_, forge, liar) => {
      const host = await hostile(liar);
      await serveBlocks(host, [...world.chain.blocks, forge(world)]);
      await host.dial(victim.key, victim.addresses);
      await under(() => isShutOut(liar, /a block that is not valid/));
    },
  );

  it('that promises a longer chain and sends nothing is shut out', async () => {
    const host = await hostile(boaster);
    await serveBlocks(host, world.chain.blocks, { end: 1_000_000 });
    await host.dial(victim.key, victim.addresses);
    await under(() => isShutOut(boaster, /promised more/));
  });

  it('that is honest serves the group after all of them', async () => {
    world.act(person('founder'), { type: 'profile_set', name: 'honest' });
    const height = world.chain.blocks.length - 1;
    const host = await hostile(honestSource);
    await serveBlocks(host, world.chain.blocks);
    await host.dial(victim.key, victim.addresses);
    await until('the honest block is here', async () => {
      const { groups } = await lbJson<{ groups: { group_id: string; height: number }[] }>(['info'], victim);
      return groups.find(({ group_id }) => group_id === world.groupId)?.height === height;
    });
  });
});

describe('a flood', () => {
  it('of requests is told so, then shut out', async () => {
    const who = person('asker');
    const host = await attacker(who);
    let limited = 0;
    await under(async () => {
      await whileConnected(host, () =>
        ask(host, 'ping', {}).catch((error: { reason?: string }) => {
          if (error.reason === 'rate_limited') limited++;
        }),
      );
      await isShutOut(who, /a flood of requests/);
    });
    expect(limited).toBeGreaterThan(100);
  }, 180_000);

  it('of streams is shut out', async () => {
    const who = person('opener');
    const host = await attacker(who);
    await under(async () => {
      await whileConnected(host, () =>
        Promise.allSettled(
          Array.from({ length: 32 }, () =>
            host.openStream(victim.key, RPC_PROTOCOL).then((stream) => stream.abort(new Error('no more'))),
          ),
        ),
      );
      await isShutOut(who, /a flood of streams/);
    });
  }, 180_000);

  it('of connections from one address leaves room for others', async () => {
    const { sockets, closed } = victim.knock('127.0.0.2', 60);
    await under(async () => {
      await until('most are turned away', () => closed() >= 45);
      await isSuspected('127.0.0.2', /more connections than one address may have/);
    });
    for (const socket of sockets) socket.destroy();
  });

  it('of handshakes that are never finished is ended, and its address named', async () => {
    await under(async () => {
      for (let round = 0; round < 2; round++) {
        const { closed } = victim.knock('127.0.0.4', 8);
        await until('they are given up', () => closed() === 8);
      }
      await isSuspected('127.0.0.4', /does not finish them/);
    });
  }, 180_000);
});

describe('a member who abuses gossip', () => {
  const [topics, ihave, iwant, graft, backoff, replay, invalid] = gossips as [Person, ...Person[]];
  const topic = (): string => topicOf(honest.node.networkPort.store.group(group.groupId).block(0)!).topic;
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
      const host = await attacker(who);
      const send = await gossipByHand(host, victim);
      await under(async () => {
        await whileConnected(host, (at) => once(send, at));
        await isShutOut(who, /a flood of gossip/);
      });
    },
    60_000,
  );

  it('with old announcements, again and again, is shut out', async () => {
    const host = await attacker(replay!);
    const heard: Uint8Array[] = [];
    const { pubsub } = host.node.services;
    pubsub.subscribe(topic());
    pubsub.addEventListener('message', ({ detail }) => heard.push(detail.data));
    await until('an announcement is heard', async () => {
      await serveTheHonest();
      return heard.length > 0;
    });
    const old = Array.from({ length: 100 }, () => ({ topic: topic(), data: heard[0]! }));
    const send = await gossipByHand(host, victim);
    await under(async () => {
      await whileConnected(host, () => send({ messages: old }));
      await isShutOut(replay!, /a flood of gossip/);
    });
  }, 180_000);

  it('with messages that nobody can open is shut out', async () => {
    const host = await attacker(invalid!);
    const send = await gossipByHand(host, victim);
    await under(async () => {
      await whileConnected(host, () => send({ messages: [{ topic: topic(), data: new Uint8Array(64) }] }));
      await isShutOut(invalid!, /gossip that no honest member passes on/);
    });
  }, 180_000);
});

it('a stranger learns nothing of a private group, not even whether it is there', async () => {
  const who = person('prying');
  const host = await attacker(who);
  const { claim } = await group.as('node').publishClaim({ text: 'a secret' });
  const answersFor = (groupId: string): Promise<unknown[]> =>
    Promise.all(
      [
        ask(host, 'group_head', { groupId, height: undefined }),
        ask(host, 'sync_status', { groupId }),
        ask(host, 'peer_exchange', { groupId }),
        ask(host, 'tx_status', { groupId, txIds: [claim] }),
        ask(host, 'cas_have', { groupId, hashes: [claim] }),
        ask(host, 'cas_get', { groupId, hashes: [claim] }),
        ask(host, 'market_list_offers', { groupId, after: undefined }),
      ].map((answer) => answer.catch((error: Error) => error.message)),
    );
  await under(async () => {
    const answers = await answersFor(group.groupId);
    expect(new Set(answers)).toEqual(new Set(['the peer answered: not_found']));
    expect(await answersFor(hashOf('no such group'))).toEqual(answers);
    const path = Buffer.from('../../../../../../../etc/passwd\0').toString('hex');
    expect(await answersFor(path)).toEqual(answers);
    expect(await ask(host, 'group_list_available', { after: undefined })).toMatchObject({ groups: [] });
    await isSuspected(who.publicKey, /groups that are none of its own/);
  });
});
