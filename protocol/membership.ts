/**
 * Coming into groups that are not here yet: by a join code, by the word of an admin who has added this node's key,
 * or by looking at what a peer shows.
 */
import { signTransaction } from '../actors/chain/sign.ts';
import type { StateEntry } from '../actors/checkpoint/format.ts';
import { type Checkpoint, CheckpointError, takeCheckpoint } from '../actors/checkpoint/take.ts';
import { NotFoundError, RefusedError } from '../actors/errors.ts';
import { type InviteCode, inviteAcceptance, type PeerHint } from '../actors/invites.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Signer } from '../crypto/identity.ts';
import { decodeBlock } from '../events/block.ts';
import { type Hex32, toHex } from '../events/bytes.ts';
import { decode } from '../events/codec.ts';
import { MalformedError } from '../events/reader.ts';
import type { Refusal } from '../events/refusals.ts';
import { claimTable, experienceTable } from '../machines/tables.ts';
import { isDialable } from './addresses.ts';
import { MisbehaviourError, NetworkError, RpcError, short } from './errors.ts';
import { CHECKPOINT_BLOCKS_MIN, NEARBY_MS } from './limits.ts';
import type { NetworkService } from './network-service.ts';
import { looksNearby } from './network-types.ts';
import { type AnswerOf, rulingCodec, type Verdict } from './rpc/methods.ts';
import { fetchCheckpoint } from './sync/checkpoint.ts';
import { fetchBlocks } from './sync/stream.ts';

/** The longest that block 0 and a checkpoint may take. */
const ADOPTION_MS_MAX = 120_000;

/**
 * Remembers where peers may be, and connects to the first of them that can be reached.
 * @param options.nearbyMs how long to wait for mDNS to find one of them, where no address leads to any
 */
export async function connectToAny(
  network: NetworkService,
  peers: readonly PeerHint[],
  { nearbyMs = 0 }: { readonly nearbyMs?: number } = {},
): Promise<Hex32> {
  let failure: unknown = new NetworkError(
    'peer_unreachable',
    'no peer is known to call; name one with --peer',
  );
  const seenMs = network.port.clock.nowMs();
  for (const { key, addresses } of peers) await network.book.add(key, addresses, { seenMs });
  for (const { key, addresses } of peers) {
    try {
      // What the caller named is tried also where the book is full, or does not keep it.
      await network.host.dial(key, [...new Set([...network.book.waysTo(key), ...addresses])]);
      return key;
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      failure = error;
    }
  }
  if (nearbyMs === 0) throw failure;
  const nearby = await network.peers.meets((peer) => peers.some(({ key }) => key === peer), nearbyMs);
  if (nearby !== undefined) return nearby;
  const { message } = failure as NetworkError;
  throw new NetworkError('peer_unreachable', `${message}; nor was it found on the local network`);
}

export interface JoinOptions {
  /** Who joins; the node's own identity, if not given. */
  readonly signer?: Signer;
  /** Peers to ask beside those of the code. */
  readonly peers?: readonly PeerHint[];
  readonly waitMs?: number;
  /**
   * How long to wait for mDNS to find a peer of the code where none of its addresses leads there, or anybody who knows
   * the code where it names nobody. Default: 6 s where the network uses mDNS.
   */
  readonly nearbyMs?: number;
}

/**
 * Joins a group by a code: connects, has the acceptance sealed, fetches the group, and follows it from now on.
 * Doing it again is harmless.
 * @throws RefusedError when the invite is not good any more, NetworkError, NotFoundError where the peer does not know it
 */
export async function join(
  network: NetworkService,
  code: InviteCode,
  options: JoinOptions = {},
): Promise<Hex32> {
  const { peers = [], nearbyMs = looksNearby(network.options) ? NEARBY_MS : 0 } = options;
  // Whoever made the code knows nothing of the links of this machine.
  const named = code.peers.map(({ key, addresses }) => ({ key, addresses: addresses.filter(isDialable) }));
  const hints = [...peers, ...named];
  if (hints.length === 0 && nearbyMs > 0) return joinNearby(network, code, { ...options, nearbyMs });
  return joinAt(network, code, await connectToAny(network, hints, { nearbyMs }), options);
}

/** Asks one after the other who is found on the local network, until somebody knows the code. */
async function joinNearby(
  network: NetworkService,
  code: InviteCode,
  options: JoinOptions & { readonly nearbyMs: number },
): Promise<Hex32> {
  const asked = new Set<Hex32>();
  const deadlineMs = performance.now() + options.nearbyMs;
  for (;;) {
    const leftMs = Math.max(0, deadlineMs - performance.now());
    const peer = await network.peers.meets((key) => !asked.has(key), leftMs);
    if (peer === undefined)
      throw new NetworkError(
        'peer_unreachable',
        `the code names no peer to ask, and nobody on the local network knows it (${asked.size} asked); name one with --peer`,
      );
    asked.add(peer);
    try {
      return await joinAt(network, code, peer, options);
    } catch (error) {
      if (!(error instanceof NotFoundError || error instanceof NetworkError)) throw error;
    }
  }
}

async function joinAt(
  network: NetworkService,
  code: InviteCode,
  peer: Hex32,
  { signer = network.port.signer, waitMs = 30_000 }: JoinOptions,
): Promise<Hex32> {
  const { groupId } = code;
  await network.client.introduce(peer);
  const transaction = signTransaction(signer, {
    groupId,
    operations: [inviteAcceptance(code, signer.publicKey)],
    tsMs: network.port.clock.nowMs(),
  });
  if ('code' in transaction) throw new RefusedError(transaction);
  const verdict = await submitOne(network, peer, groupId, transaction.bytes);
  const refusal = verdict.status === 'refused' ? refusalOf(verdict) : undefined;
  if (verdict.status === 'unrouted')
    throw new NetworkError(
      'peer_unreachable',
      'the peer cannot reach the group’s sealer now; try again later',
    );
  if (refusal !== undefined && refusal.code !== 'already_member') throw new RefusedError(refusal);
  await subscribe(network, groupId, peer, waitMs);
  return groupId;
}

async function submitOne(
  network: NetworkService,
  peer: Hex32,
  groupId: Hex32,
  transaction: Uint8Array,
): Promise<Verdict> {
  try {
    const submissions = [{ transaction, artifacts: [] }];
    const { verdicts } = await network.client.call(peer, 'tx_submit', {
      groupId,
      isRelayed: false,
      submissions,
    });
    const [verdict] = verdicts;
    if (verdict === undefined) throw new MisbehaviourError('no verdict');
    return verdict;
  } catch (error) {
    if (error instanceof RpcError && error.reason === 'not_found')
      throw new NotFoundError(`peer ${short(peer)} knows no such invite; ask for a new code`);
    throw error;
  }
}

/** Without the group's state a ruling cannot be checked; it only says why the code did not work. */
function refusalOf({ ruling }: Verdict): Refusal | undefined {
  try {
    return ruling === undefined ? undefined : decode(rulingCodec, ruling).refusal;
  } catch (error) {
    if (error instanceof MalformedError)
      throw new MisbehaviourError('a ruling that is none', { cause: error });
    throw error;
  }
}

/**
 * Follows a group of which this node (or one of its identities) is a member already, from a connected peer.
 * Resolves when the group is as new as that peer, or when the time is over.
 * @throws NotFoundError where the peer does not show it to us, NetworkError, RefusedError
 */
export async function subscribe(
  network: NetworkService,
  groupId: Hex32,
  peer: Hex32,
  waitMs = 30_000,
): Promise<boolean> {
  const { access, port, subscriptions } = network;
  await network.client.introduce(peer);
  if (!access.has(groupId)) await adopt(network, groupId, peer);
  await subscriptions.addSource(groupId, peer);
  await subscriptions.change(groupId, { isPaused: false });
  await network.peers.remember(peer);
  network.groups.follow(groupId);
  network.groups.heed(groupId);
  const isLevel = network.groups.pullNow(groupId, waitMs);
  port.outbox.groupIds().forEach((id) => void network.flush(id));
  return isLevel;
}

async function adopt(network: NetworkService, groupId: Hex32, peer: Hex32): Promise<void> {
  try {
    await adoptFrom(network, groupId, peer, await fetchFounding(network, groupId, peer));
  } catch (error) {
    if (error instanceof RpcError && error.reason === 'not_found')
      throw new NotFoundError(
        `peer ${short(peer)} shows this node no group ${short(groupId)}; is its key a member there?`,
      );
    if (error instanceof MalformedError) throw new MisbehaviourError('block 0 is none', { cause: error });
    throw error;
  }
}

/** Begins a group that is not here with what a peer gives: at a checkpoint, or with block 0. */
export async function adoptFrom(
  network: NetworkService,
  groupId: Hex32,
  peer: Hex32,
  founding: Uint8Array,
): Promise<void> {
  if (!(await adoptAtCheckpoint(network, groupId, peer, founding))) await network.port.adopt(founding);
}

/** Block 0 of a group, whose id is the group's. */
export async function fetchFounding(
  network: NetworkService,
  groupId: Hex32,
  peer: Hex32,
): Promise<Uint8Array> {
  const { port, host } = network;
  const nowMs = (): number => port.clock.nowMs();
  const signal = AbortSignal.timeout(ADOPTION_MS_MAX);
  const { blocks } = await fetchBlocks(host, peer, { groupId, from: 0, nowMs, signal });
  for await (const block of blocks) {
    if (toHex(sha256(decodeBlock(block).headerBytes)) !== groupId)
      throw new MisbehaviourError('block 0 of another group');
    return block;
  }
  throw new NotFoundError(`peer ${short(peer)} has no block of group ${short(groupId)}`);
}

/**
 * Begins a very long group at a checkpoint, where the peer seals it; whether that was so. What comes is checked; a
 * peer without a checkpoint to give only makes the way longer.
 */
async function adoptAtCheckpoint(
  network: NetworkService,
  groupId: Hex32,
  peer: Hex32,
  founding: Uint8Array,
): Promise<boolean> {
  const { host, client, options } = network;
  const { height, isSealer } = await client.call(peer, 'sync_status', { groupId });
  if (!isSealer || height < (options.checkpointBlocksMin ?? CHECKPOINT_BLOCKS_MIN)) return false;
  try {
    const checkpoint = await fetchCheckpoint(host, peer, groupId, AbortSignal.timeout(ADOPTION_MS_MAX));
    await beginAtCheckpoint(network, groupId, founding, checkpoint);
    return true;
  } catch (error) {
    if (error instanceof CheckpointError || error instanceof MisbehaviourError)
      host.shutOut(peer, error.message);
    if (error instanceof NetworkError && !(error instanceof MisbehaviourError)) return false;
    throw error;
  }
}

/**
 * Begins a group at a checkpoint.
 * @param founding block 0, whose id is the group's
 * @throws CheckpointError, StorageError
 */
export async function beginAtCheckpoint(
  { port, groups }: NetworkService,
  groupId: Hex32,
  founding: Uint8Array,
  checkpoint: Checkpoint,
): Promise<void> {
  const batch = takeCheckpoint(groupId, founding, checkpoint);
  await groups.artifacts.beginAt(groupId, batch.head!.height, artifactsIn(checkpoint.entries));
  await port.adoptAt(groupId, batch, checkpoint.sealed);
}

/** The artifacts that a state names: texts of claims, records of runs. */
function* artifactsIn(entries: readonly StateEntry[]): Generator<Hex32> {
  for (const { key } of entries)
    for (const { prefix } of [claimTable, experienceTable])
      if (key.startsWith(prefix)) yield key.slice(prefix.length);
}

export type AvailableGroup = AnswerOf<'group_list_available'>['groups'][number] & { readonly peer: Hex32 };

/** The groups that connected peers show: those of which we are members, and discoverable ones. */
export async function discoverGroups(network: NetworkService): Promise<AvailableGroup[]> {
  const found: AvailableGroup[] = [];
  for (const { key: peer } of network.status().peers) {
    try {
      await network.client.introduce(peer);
      let after: Hex32 | undefined;
      do {
        const page: AnswerOf<'group_list_available'> = await network.client.call(
          peer,
          'group_list_available',
          { after },
        );
        found.push(...page.groups.map((group) => ({ ...group, peer })));
        // A page that leads nowhere new would be asked for ever.
        after =
          page.next !== undefined && page.next > (after ?? '') && found.length < 1_024
            ? page.next
            : undefined;
      } while (after !== undefined);
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
    }
  }
  return found;
}
