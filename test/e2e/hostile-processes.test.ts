/**
 * Peers that lie, dawdle and pry, against a node that is up as a process of its own: in every case it goes on serving
 * an honest peer, during and after, its memory stays bounded, and its log and its metrics name who did it.
 *
 * Each attack comes from a key of its own, so that one victim can bear them all.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromHex } from '../../events/bytes.ts';
import { encodeRequest, RPC_PROTOCOL } from '../../protocol/rpc/methods.ts';
import { CHECKPOINT_PROTOCOL } from '../../protocol/sync/checkpoint.ts';
import { SYNC_PROTOCOL } from '../../protocol/sync/stream.ts';
import {
  answerQuestions,
  FORGERIES,
  foundedWorld,
  frames,
  hostile,
  serveBlocks,
} from '../support/hostile.ts';
import { writeMuch } from '../support/network.ts';
import { alice, hashOf, person } from '../support/people.ts';
import { PATIENCE_MS, Siege } from '../support/siege.ts';
import { until } from '../support/until.ts';
import type { World } from '../support/world.ts';
import { lbJson } from './spawn-lb.ts';

const PROTOCOLS = [RPC_PROTOCOL, SYNC_PROTOCOL, CHECKPOINT_PROTOCOL];

const liars = FORGERIES.map((_, at) => person(`liar ${at}`));
const boaster = person('boaster');
const honestSource = person('honest source');
const dawdler = person('dawdler');

let siege: Siege;
/** A group that the victim follows, and that its sealer has in memory. */
let world: World;

beforeAll(async () => {
  siege = await Siege.begin([dawdler]);
  const { victim } = siege;
  await writeMuch(siege.group, 40);

  world = foundedWorld([
    victim.key,
    ...[alice, boaster, honestSource, ...liars].map(({ publicKey }) => publicKey),
  ]);
  const source = await hostile(alice);
  await serveBlocks(source, world.chain.blocks);
  await answerQuestions(source, () => world.chain.blocks.length - 1);
  const place = source.addresses()[0]!.split('/').at(-1);
  await lbJson(['subscribe', world.groupId, '--peer', `${alice.publicKey}@127.0.0.1:${place}`], victim);
}, 180_000);

afterAll(() => siege?.end());

it('slow readers hold a window each, and are named when their time is over', async () => {
  const host = await siege.attacker(dawdler);
  const request = Uint8Array.from([0x93, 1, 0xc4, 32, ...fromHex(siege.group.groupId), 0]);
  for (let at = 0; at < 4; at++) {
    const { stream, frames: out } = await frames(host, siege.victim, SYNC_PROTOCOL);
    stream.pause();
    await out.write(request);
  }
  await siege.under(() => siege.isSuspected(dawdler.publicKey, /stand still/, 120_000));
}, 180_000);

it('slow writers lose their streams, and then their connection', async () => {
  const who = person('slow writer');
  const host = await siege.attacker(who);
  for (let at = 0; at < 8; at++)
    (await host.openStream(siege.victim.key, RPC_PROTOCOL)).send(Uint8Array.of(0));
  await siege.under(() => siege.isShutOut(who, /stand still/));
}, 180_000);

it('somebody else at an address is not taken for the one who was called', async () => {
  const impostor = await hostile(person('impostor'), '127.0.0.3');
  const port = impostor.addresses()[0]!.split('/').at(-1);
  const called = person('somebody else').publicKey;
  await siege.under(async () => {
    await lbJson(['peer-add', `${called}@127.0.0.3:${port}`], siege.victim).catch(() => {});
    await siege.isSuspected('127.0.0.3', new RegExp(`does not prove the key ${called.slice(0, 8)}`));
  });
  await lbJson(['peer-remove', called], siege.victim);
}, 180_000);

describe('frames', () => {
  it.each(PROTOCOLS)('of garbage on %s shut the peer out', async (protocol) => {
    const who = person(`garbage ${protocol}`);
    const { frames: out } = await frames(await siege.attacker(who), siege.victim, protocol);
    await out.write(Uint8Array.of(0xc1, 1, 2, 3));
    await siege.under(() => siege.isShutOut(who, /that is none/));
  });

  it.each(PROTOCOLS)('of a declared 2 GB on %s cost nothing', async (protocol) => {
    const who = person(`two gigabytes ${protocol}`);
    const { stream } = await frames(await siege.attacker(who), siege.victim, protocol);
    stream.send(Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0));
    await siege.under(() => siege.isShutOut(who, /2147483647 bytes/));
  });

  it('with a path where an id should be are no requests', async () => {
    const who = person('path as text');
    const { frames: out } = await frames(await siege.attacker(who), siege.victim, RPC_PROTOCOL);
    const request = encodeRequest('sync_status', { groupId: '00'.repeat(32) });
    const path = new TextEncoder().encode('../../../../../../../etc/passwd\0');
    await out.write(Uint8Array.from([...request.subarray(0, 4), 0xd9, 32, ...path]));
    await siege.under(() => siege.isShutOut(who, /a request that is none/));
  });
});

describe('a source', () => {
  it.each(FORGERIES.map(([what, forge], at) => [what, forge, liars[at]!] as const))(
    'of a block with %s is shut out',
    async (_, forge, liar) => {
      const host = await hostile(liar);
      await serveBlocks(host, [...world.chain.blocks, forge(world)]);
      await host.dial(siege.victim.key, siege.victim.addresses);
      await siege.under(() => siege.isShutOut(liar, /a block that is not valid/));
    },
  );

  it('that promises a longer chain and sends nothing is shut out', async () => {
    const host = await hostile(boaster);
    await serveBlocks(host, world.chain.blocks, { end: 1_000_000 });
    await host.dial(siege.victim.key, siege.victim.addresses);
    await siege.under(() => siege.isShutOut(boaster, /promised more/));
  });

  it('that is honest serves the group after all of them', async () => {
    world.act(person('founder'), { type: 'profile_set', name: 'honest' });
    const height = world.chain.blocks.length - 1;
    const host = await hostile(honestSource);
    await serveBlocks(host, world.chain.blocks);
    await host.dial(siege.victim.key, siege.victim.addresses);
    await until(
      'the honest block is here',
      async () => {
        const { groups } = await lbJson<{ groups: { group_id: string; height: number }[] }>(
          ['info'],
          siege.victim,
        );
        return groups.find(({ group_id }) => group_id === world.groupId)?.height === height;
      },
      PATIENCE_MS,
    );
  });
});

it('a stranger learns nothing of a private group, not even whether it is there', async () => {
  const who = person('prying');
  const host = await siege.attacker(who);
  const { claim } = await siege.group.as('node').publishClaim({ text: 'a secret' });
  const answersFor = (groupId: string): Promise<unknown[]> =>
    Promise.all(
      [
        siege.ask(host, 'group_head', { groupId, height: undefined }),
        siege.ask(host, 'sync_status', { groupId }),
        siege.ask(host, 'peer_exchange', { groupId }),
        siege.ask(host, 'tx_status', { groupId, txIds: [claim] }),
        siege.ask(host, 'cas_have', { groupId, hashes: [claim] }),
        siege.ask(host, 'cas_get', { groupId, hashes: [claim] }),
        siege.ask(host, 'market_list_offers', { groupId, after: undefined }),
      ].map((answer) => answer.catch((error: Error) => error.message)),
    );
  await siege.under(async () => {
    const answers = await answersFor(siege.group.groupId);
    expect(new Set(answers)).toEqual(new Set(['the peer answered: not_found']));
    expect(await answersFor(hashOf('no such group'))).toEqual(answers);
    const path = Buffer.from('../../../../../../../etc/passwd\0').toString('hex');
    expect(await answersFor(path)).toEqual(answers);
    expect(await siege.ask(host, 'group_list_available', { after: undefined })).toMatchObject({ groups: [] });
    await siege.isSuspected(who.publicKey, /groups that are none of its own/);
  });
});
