/** Peers that lie, flood, dawdle and pry: the victim names them, shuts them out and serves the others. */
import { type Socket, connect as tcpConnect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fromHex } from '../../../events/bytes.ts';
import { dialAddress } from '../../../protocol/addresses.ts';
import { decodeAnswer, encodeRequest, RPC_PROTOCOL } from '../../../protocol/rpc/methods.ts';
import { CHECKPOINT_PROTOCOL, fetchCheckpoint } from '../../../protocol/sync/checkpoint.ts';
import { SYNC_PROTOCOL } from '../../../protocol/sync/stream.ts';
import { forgeBlock } from '../../support/blocks.ts';
import { closeHostile, foundedWorld, frames, hostile, mallory, serveBlocks } from '../../support/hostile.ts';
import { closePeers, connect, joinGroup, type Peer, peer, writeMuch } from '../../support/network.ts';
import { alice, hashOf, person, stranger } from '../../support/people.ts';
import { until } from '../../support/until.ts';
import type { World } from '../../support/world.ts';

afterEach(async () => {
  await closePeers();
  await closeHostile();
});

const PROTOCOLS = [RPC_PROTOCOL, SYNC_PROTOCOL, CHECKPOINT_PROTOCOL];

/** Whether the victim still answers somebody honest. */
async function servesTheHonest(victim: Peer): Promise<void> {
  const honest = await peer({ listen: undefined as never });
  await connect(honest, victim);
  const { nowMs } = await honest.network.client.call(victim.key, 'ping', {});
  expect(nowMs).toBeGreaterThan(0);
}

/** A victim that follows a group of which it is a member, with `mallory` as its source. */
async function victimOf(options: Parameters<typeof peer>[0] = {}): Promise<{ victim: Peer; world: World }> {
  const victim = await peer({ syncIntervalMs: 60_000, ...options });
  const world = foundedWorld([victim.key, mallory.publicKey, alice.publicKey]);
  const chain = await victim.node.networkPort.adopt(world.chain.blocks[0]!);
  await chain.follow(world.chain.blocks.slice(1));
  await victim.network.subscriptions.addSource(world.groupId, mallory.publicKey);
  return { victim, world };
}

const isNamed = (victim: Peer, key: string): boolean =>
  victim.log.some((line) => line.includes(key.slice(0, 8))) && victim.network.defence.counters.bans > 0;

it('somebody else at an address is refused', async () => {
  const a = await peer();
  const b = await peer();
  const c = await peer();
  const wrong = b.network.host.addresses().map((address) => dialAddress({ key: c.key, address }));
  expect(wrong).toHaveLength(1);
  await expect(a.network.host.dial(c.key, b.network.host.addresses())).rejects.toMatchObject({
    code: 'peer_unreachable',
  });
  expect(a.network.host.isConnected(c.key)).toBe(false);
  await servesTheHonest(b);
});

describe('frames', () => {
  it.each(PROTOCOLS)('of garbage on %s shut the peer out', async (protocol) => {
    const victim = await peer();
    const host = await hostile(mallory);
    await host.dial(victim.key, victim.network.host.addresses());
    const { frames: out } = await frames(host, victim, protocol);
    await out.write(Uint8Array.of(0xc1, 1, 2, 3));
    await until('mallory is shut out', () => victim.network.defence.isBanned(mallory.publicKey));
    expect(isNamed(victim, mallory.publicKey)).toBe(true);
    await until('the connection is gone', () => !host.isConnected(victim.key));
    await expect(
      host
        .dial(victim.key, victim.network.host.addresses())
        .then(() => host.openStream(victim.key, protocol)),
    ).rejects.toThrow();
    await servesTheHonest(victim);
  });

  it.each(PROTOCOLS)('of a declared 2 GB on %s cost nothing', async (protocol) => {
    const victim = await peer();
    const host = await hostile(mallory);
    await host.dial(victim.key, victim.network.host.addresses());
    const { stream } = await frames(host, victim, protocol);
    stream.send(Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0));
    await until('mallory is shut out', () => isNamed(victim, mallory.publicKey));
    expect(victim.log.join()).toContain('2147483647 bytes');
    await servesTheHonest(victim);
  });

  it('with a group id that is a path are no requests', async () => {
    const victim = await peer();
    const host = await hostile(mallory);
    await host.dial(victim.key, victim.network.host.addresses());
    const { frames: out } = await frames(host, victim, RPC_PROTOCOL);
    const request = encodeRequest('sync_status', { groupId: '00'.repeat(32) });
    const path = new TextEncoder().encode('../../../../../../../etc/passwd\0');
    expect(path).toHaveLength(32);
    // As a text where an id should be: same length, other type.
    await out.write(Uint8Array.from([...request.subarray(0, 4), 0xd9, 32, ...path]));
    expect(() => decodeAnswer('sync_status', new Uint8Array(0))).toThrow();
    await until('mallory is shut out', () => isNamed(victim, mallory.publicKey));
  });

  it('that name a path as the bytes of an id find nothing', async () => {
    const victim = await peer();
    const host = await hostile(mallory);
    await host.dial(victim.key, victim.network.host.addresses());
    const groupId = Buffer.from('../../../../../../../etc/passwd\0').toString('hex');
    const { frames: out } = await frames(host, victim, RPC_PROTOCOL);
    await out.write(encodeRequest('sync_status', { groupId }));
    const answer = await out.read();
    expect(() => decodeAnswer('sync_status', answer!)).toThrow(/not_found/);
  });
});

describe('a source', () => {
  const other = (): World => foundedWorld([hashOf('somebody')]);
  it.each<[string, (world: World) => Uint8Array]>([
    ['with a bad seal', (world) => forgeBlock(world, { spoilSeal: 1 })],
    [
      'with a transaction that breaks a rule',
      (world) =>
        forgeBlock(world, {
          transactions: [world.transaction(alice, [{ type: 'mint', to: alice.publicKey, amount: 1n }]).bytes],
        }),
    ],
    ['with another block before it', (world) => forgeBlock(world, { header: { prev: hashOf('another') } })],
    ['of another group', (world) => forgeBlock(world, { header: { groupId: hashOf('another') } })],
    ['sealed by somebody who may not', (world) => forgeBlock(world, { signer: alice })],
    ['that is no block', () => Uint8Array.of(1, 2, 3)],
    [
      'of a forged transaction',
      (world) => {
        const { bytes } = world.transaction(alice, [{ type: 'profile_set', name: 'a' }]);
        const spoiled = bytes.slice();
        spoiled[spoiled.length - 1]! ^= 1;
        return forgeBlock(world, { transactions: [spoiled] });
      },
    ],
  ])('of a block %s is shut out, and another one serves', async (_, forge) => {
    expect(other().groupId).not.toBe('');
    const { victim, world } = await victimOf();
    const { groupId } = world;
    const host = await hostile(mallory);
    await serveBlocks(host, [...world.chain.blocks, forge(world)]);
    await victim.network.host.dial(mallory.publicKey, host.addresses());
    await until('mallory is shut out', () => isNamed(victim, mallory.publicKey));
    expect(victim.node.group(groupId).head.height).toBe(3);

    world.act(person('founder'), { type: 'profile_set', name: 'honest' });
    const good = await hostile(alice);
    await serveBlocks(good, world.chain.blocks);
    await victim.network.host.dial(alice.publicKey, good.addresses());
    await until('the honest block is here', () => victim.node.group(groupId).head.height === 4);
  });

  it('that promises a longer chain and sends nothing is shut out', async () => {
    const { victim, world } = await victimOf();
    const host = await hostile(mallory);
    await serveBlocks(host, world.chain.blocks, { end: 1_000_000 });
    await victim.network.host.dial(mallory.publicKey, host.addresses());
    await until('mallory is shut out', () => isNamed(victim, mallory.publicKey));
    expect(victim.network.status().groups[0]).toMatchObject({ height: 3, target: 3 });
  });

  it('that dawdles is left for another', async () => {
    const { victim, world } = await victimOf({ stallMs: 300 });
    const { groupId } = world;
    world.act(person('founder'), { type: 'profile_set', name: 'honest' });
    const slow = await hostile(mallory);
    await serveBlocks(slow, world.chain.blocks, { end: 5, send: () => new Promise(() => {}) });
    const good = await hostile(alice);
    await serveBlocks(good, world.chain.blocks);
    await victim.network.host.dial(mallory.publicKey, slow.addresses());
    await victim.network.host.dial(alice.publicKey, good.addresses());
    await until('the block is here', () => victim.node.group(groupId).head.height === 4);
  });

  it('that drips is left for another, and what came of it is kept', async () => {
    const { victim, world } = await victimOf({ stallMs: 1_000 });
    const { groupId } = world;
    const height = () => victim.node.group(groupId).head.height;
    for (let at = 0; at < 40; at++) world.act(person('founder'), { type: 'profile_set', name: `${at}` });
    const { blocks } = world.chain;
    const slow = await hostile(mallory);
    let isLeft = false;
    await serveBlocks(slow, blocks, {
      // Each frame comes in time: all of them would take half a minute.
      send: async (out, from) => {
        try {
          for (const block of blocks.slice(from)) {
            await out.write(block);
            await new Promise((resolve) => setTimeout(resolve, 700));
          }
        } catch {
          isLeft = true;
        }
      },
    });
    await victim.network.host.dial(mallory.publicKey, slow.addresses());
    await until('mallory is asked', () => victim.network.status().groups[0]!.target > 40);
    const good = await hostile(alice);
    await serveBlocks(good, blocks);
    await victim.network.host.dial(alice.publicKey, good.addresses());
    await until('the first blocks are kept', () => height() > 3, 15_000);
    await until('all blocks are here', () => height() === blocks.length - 1, 15_000);
    await until('mallory is left', () => isLeft, 10_000);
  });

  it('that offers what the victim has is asked once, not for ever', async () => {
    const { victim, world } = await victimOf();
    const host = await hostile(mallory);
    const served = await serveBlocks(host, world.chain.blocks);
    await victim.network.host.dial(mallory.publicKey, host.addresses());
    await until('it was asked', () => served.requests() > 0);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(served.requests()).toBeLessThan(5);
  });
});

describe('a flood', () => {
  it('of requests is told so, then shut out', async () => {
    const victim = await peer({ requestsPerMinute: 20 });
    const host = await hostile(mallory);
    await host.dial(victim.key, victim.network.host.addresses());
    let limited = 0;
    for (let at = 0; at < 400 && !victim.network.defence.isBanned(mallory.publicKey); at++) {
      try {
        const { frames: out } = await frames(host, victim, RPC_PROTOCOL);
        await out.write(encodeRequest('ping', {}));
        const answer = await out.read();
        void out.close();
        decodeAnswer('ping', answer!);
      } catch (error) {
        if ((error as { reason?: string }).reason === 'rate_limited') limited++;
      }
    }
    expect(limited).toBeGreaterThan(50);
    expect(isNamed(victim, mallory.publicKey)).toBe(true);
    expect(victim.network.defence.counters.rateLimited).toBeGreaterThan(50);
    await servesTheHonest(victim);
  });

  it('of connections and half-open handshakes from one address leaves room for others', async () => {
    const victim = await peer({ connectionsPerAddress: 4 });
    const port = Number(victim.network.host.addresses()[0]!.split('/').at(-1));
    const sockets: Socket[] = [];
    let closed = 0;
    for (let at = 0; at < 60; at++) {
      const socket = tcpConnect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
      socket.on('error', () => {});
      socket.on('close', () => closed++);
      sockets.push(socket);
    }
    await until('most are turned away', () => closed >= 50);
    await servesTheHonest(victim);
    await until('those who never say anything go too', () => closed === 60, 15_000);
    for (const socket of sockets) socket.destroy();
  });

  it('of streams is bounded', async () => {
    const victim = await peer();
    const host = await hostile(mallory);
    await host.dial(victim.key, victim.network.host.addresses());
    const opened = await Promise.allSettled(
      Array.from({ length: 300 }, () =>
        host.openStream(victim.key, RPC_PROTOCOL).then((stream) => stream.send(Uint8Array.of(0))),
      ),
    );
    expect(opened.length).toBe(300);
    const open = victim.network.host.node.getConnections().flatMap(({ streams }) => streams);
    expect(open.length).toBeLessThanOrEqual(80);
    await servesTheHonest(victim);
  });

  it('of unread sync streams holds a window each and no more', async () => {
    const victim = await peer();
    const member = await hostile(mallory);
    const group = await victim.node.createGroup({ name: 'large' });
    await group.as('node').addMember(mallory.publicKey, 'member');
    await writeMuch(group, 120);
    await member.dial(victim.key, victim.network.host.addresses());
    const request = Uint8Array.from([0x93, 1, 0xc4, 32, ...fromHex(group.groupId), 0]);
    for (let at = 0; at < 4; at++) {
      const { stream, frames: out } = await frames(member, victim, SYNC_PROTOCOL);
      stream.pause();
      await out.write(request);
    }
    const buffered = (): number =>
      victim.network.host.node
        .getConnections()
        .flatMap(({ streams }) => streams)
        .reduce((bytes, { writeBufferLength }) => bytes + writeBufferLength, 0);
    await until('the streams are full', () => buffered() > 0);
    expect(buffered()).toBeLessThan(4 * 1024 * 1024);
    await servesTheHonest(victim);
  });
});

describe('a stranger', () => {
  it('learns nothing of a private group, not even whether it is there', async () => {
    const victim = await peer();
    const group = await victim.node.createGroup({ name: 'private' });
    const { claim } = await group.as('node').publishClaim({ text: 'a secret' });
    const prying = await peer();
    await connect(prying, victim);
    const { client } = prying.network;
    const ask = (groupId: string): Promise<unknown>[] => [
      client.call(victim.key, 'group_head', { groupId, height: undefined }),
      client.call(victim.key, 'sync_status', { groupId }),
      client.call(victim.key, 'peer_exchange', { groupId }),
      client.call(victim.key, 'tx_status', { groupId, txIds: [claim] }),
      client.call(victim.key, 'cas_have', { groupId, hashes: [claim] }),
      client.call(victim.key, 'cas_get', { groupId, hashes: [claim] }),
      client.call(victim.key, 'market_list_offers', { groupId, after: undefined }),
      client.call(victim.key, 'tx_submit', {
        groupId,
        isRelayed: false,
        submissions: [{ transaction: group.block(0).block.transactions[0]!, artifacts: [] }],
      }),
    ];
    const answersOf = async (groupId: string): Promise<unknown[]> =>
      (await Promise.allSettled(ask(groupId))).map((one) =>
        one.status === 'rejected' ? (one.reason as Error).message : one.value,
      );
    const answers = await answersOf(group.groupId);
    expect(new Set(answers)).toEqual(new Set(['the peer answered: not_found']));
    expect(answers).toEqual(await answersOf(hashOf('no such group')));
    const checkpoint = fetchCheckpoint(
      prying.network.host,
      victim.key,
      group.groupId,
      AbortSignal.timeout(5_000),
    );
    await expect(checkpoint).rejects.toMatchObject({ reason: 'not_found' });
    const { artifacts } = await client.call(victim.key, 'cas_get', { groupId: undefined, hashes: [claim] });
    expect(artifacts).toEqual([undefined]);
    const { groups } = await client.call(victim.key, 'group_list_available', { after: undefined });
    expect(groups).toEqual([]);
    expect(victim.network.host.node.services.pubsub.getPeers()).toEqual([]);
    expect(prying.network.host.node.services.pubsub.getPeers()).toEqual([]);
    await expect(
      import('../../../protocol/membership.ts').then(({ subscribe }) =>
        subscribe(prying.network, group.groupId, victim.key),
      ),
    ).rejects.toMatchObject({ code: 'not_found' });
  });

  it('sees a discoverable group and its offers, and no more', async () => {
    const victim = await peer();
    const group = await victim.node.createGroup({ name: 'open', policy: { discoverable: true } });
    const prying = await peer();
    await connect(prying, victim);
    const { client } = prying.network;
    const { groups } = await client.call(victim.key, 'group_list_available', { after: undefined });
    expect(groups).toMatchObject([{ groupId: group.groupId, name: 'open', isMember: false }]);
    await expect(
      client.call(victim.key, 'group_head', { groupId: group.groupId, height: undefined }),
    ).rejects.toThrow(/not_found/);
  });

  it('a peer that shows keys it does not hold is shut out', async () => {
    const victim = await peer();
    const host = await hostile(stranger);
    await host.dial(victim.key, victim.network.host.addresses());
    const { frames: out } = await frames(host, victim, RPC_PROTOCOL);
    await out.write(
      encodeRequest('introduce', { identities: [{ key: victim.key, signature: new Uint8Array(64) }] }),
    );
    await until('the stranger is shut out', () => isNamed(victim, stranger.publicKey));
  });

  it('who was a member is none any more', async () => {
    const sealer = await peer();
    const member = await peer();
    const { groupId } = await sealer.node.createGroup({ name: 'left' });
    await joinGroup(sealer, member, groupId);
    await sealer.node.group(groupId).as('node').removeMember(member.key);
    await expect(
      member.network.client.call(sealer.key, 'group_head', { groupId, height: undefined }),
    ).rejects.toThrow(/not_found/);
  });
});
