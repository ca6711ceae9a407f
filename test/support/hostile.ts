/** Peers that do not keep to the protocol: a host with a key, and whatever a test makes it say. */
import type { Stream } from '@libp2p/interface';
import { encodeError } from '../../protocol/answer.ts';
import { Defence } from '../../protocol/defence.ts';
import { FrameStream } from '../../protocol/frames.ts';
import { Host } from '../../protocol/host.ts';
import { decodeRequest, encodeAnswer, RPC_PROTOCOL } from '../../protocol/rpc/methods.ts';
import { SYNC_PROTOCOL } from '../../protocol/sync/stream.ts';
import { forgeBlock } from './blocks.ts';
import { alice, hashOf, type Person, person } from './people.ts';
import { World } from './world.ts';

const hosts: Host[] = [];

/** A host of this person, listening on loopback. It speaks libp2p, and nothing else unless a test handles it. */
export async function hostile(who: Person, address = '127.0.0.1'): Promise<Host> {
  const host = await Host.start({
    signer: who,
    defence: new Defence({ nowMs: () => performance.now(), banned: () => {} }),
    listen: { host: address, port: 0 },
    mdns: false,
    sharesGroup: () => true,
    connected: () => {},
    disconnected: () => {},
    discovered: () => {},
    identified: () => {},
  });
  hosts.push(host);
  return host;
}

export async function closeHostile(): Promise<void> {
  for (const host of hosts.splice(0)) await host.stop();
}

/** A stream of frames to a peer. */
export async function frames(
  host: Host,
  to: { readonly key: string },
  protocol: string,
): Promise<{ frames: FrameStream; stream: Stream }> {
  const stream = await host.openStream(to.key, protocol);
  return { stream, frames: new FrameStream(stream, { bytesMax: 8 * 1024 * 1024, timeoutMs: 5_000 }) };
}

export const mallory = person('mallory');

/** A group that `founder` has founded, with `members` in it: made in memory, as its sealer has it. */
export function foundedWorld(members: readonly string[]): World {
  const world = new World();
  world.act(person('founder'), {
    type: 'genesis',
    rulesVersion: 1,
    name: 'world',
    currency: 'LB',
    policy: {
      faucet_amount: 100n,
      claim_reward_amount: 10n,
      transfer_fee_bps: 0,
      max_total_supply: undefined,
      max_account_balance: undefined,
      grant_window_ms: 3_600_000,
      dispute_window_ms: 3_600_000,
      discoverable: false,
    },
  });
  for (const member of members) world.act(person('founder'), { type: 'member_add', member, role: 'member' });
  return world;
}

/** Answers every sync request with `end` and with these blocks from the height asked for, however wrong. */
export async function serveBlocks(
  host: Host,
  blocks: readonly Uint8Array[],
  options: { end?: number; send?: (frames: FrameStream, from: number) => Promise<void> } = {},
): Promise<{ requests(): number }> {
  let requests = 0;
  await host.handle(SYNC_PROTOCOL, 16, async (stream) => {
    requests++;
    const answer = new FrameStream(stream, { bytesMax: 64, timeoutMs: 5_000 });
    const request = await answer.read();
    if (request === undefined) return;
    const from = heightIn(request);
    await answer.write(rangeAnswer(options.end ?? blocks.length), true);
    if (options.send !== undefined) await options.send(answer, from);
    else for (const block of blocks.slice(from)) await answer.write(block, true);
    await answer.flush();
    await answer.close();
  });
  return { requests: () => requests };
}

/** The height is what follows version and group id: one of the small encodings in tests. */
function heightIn(request: Uint8Array): number {
  const rest = request.subarray(1 + 1 + 2 + 32);
  return rest[0]! < 0x80 ? rest[0]! : rest[1]!;
}

export function rangeAnswer(end: number): Uint8Array {
  const bytes = Buffer.from([0x92, 0x00, 0xce, 0, 0, 0, 0]);
  if (end < 0x80) return Uint8Array.of(0x92, 0x00, end);
  if (end < 0x100) return Uint8Array.of(0x92, 0x00, 0xcc, end);
  if (end < 0x10000) return Uint8Array.of(0x92, 0x00, 0xcd, end >> 8, end & 255);
  bytes.writeUInt32BE(end, 3);
  return new Uint8Array(bytes);
}

/** Answers what a follower asks of a source beside blocks. */
export const answerQuestions = (host: Host, height: () => number): Promise<void> =>
  host.handle(RPC_PROTOCOL, 16, async (stream) => {
    const out = new FrameStream(stream, { bytesMax: 65_536, timeoutMs: 5_000 });
    const { name } = decodeRequest((await out.read())!);
    const answer =
      name === 'sync_status'
        ? encodeAnswer(name, { height: height(), isSealer: false, artifactsMissing: 0 })
        : encodeError('not_found');
    await out.write(answer);
    await out.close();
  });

/** Blocks that look right and are not, each in one thing; `alice` is a member who may not mint. */
export const FORGERIES: readonly [what: string, forge: (world: World) => Uint8Array][] = [
  ['a bad seal', (world) => forgeBlock(world, { spoilSeal: 1 })],
  ['a transaction that breaks a rule', (world) => forgeBlock(world, { transactions: [minted(world)] })],
  ['a transaction with a bad signature', (world) => forgeBlock(world, { transactions: [forged(world)] })],
  ['another block before it', (world) => forgeBlock(world, { header: { prev: hashOf('another') } })],
  ['another group', (world) => forgeBlock(world, { header: { groupId: hashOf('another') } })],
  ['a sealer who is none', (world) => forgeBlock(world, { signer: alice })],
];
function minted(of: World): Uint8Array {
  return of.transaction(alice, [{ type: 'mint', to: alice.publicKey, amount: 1n }]).bytes;
}

function forged(of: World): Uint8Array {
  const spoiled = of.transaction(alice, [{ type: 'profile_set', name: 'a' }]).bytes.slice();
  spoiled[spoiled.length - 1]! ^= 1;
  return spoiled;
}
