/**
 * A damaged group, fetched again from its other members.
 *
 * What this node has of the group is left where it is and not read any more; the group gets an empty place, and every
 * block is verified and judged again on its way there. Nothing is given up before a peer has shown that it has as much
 * of the group: whoever sealed it may be the only one who had its last blocks.
 */
import { NotFoundError, RefusedError, UsageError } from '../actors/errors.ts';
import type { PeerHint } from '../actors/invites.ts';
import type { Hex32 } from '../events/bytes.ts';
import { StorageError } from '../storage/errors.ts';
import { NetworkError, RpcError, short } from './errors.ts';
import { adoptFrom, connectToAny, fetchFounding, subscribe } from './membership.ts';
import type { NetworkService } from './network-service.ts';
import { fetchBlocks } from './sync/stream.ts';

export interface RepairOptions {
  /** Peers to ask before those that the node knows. */
  readonly peers?: readonly PeerHint[];
  /** Whether blocks that only this node had may be given up. */
  readonly acceptsLoss?: boolean;
  readonly waitMs?: number;
}

export interface Repair {
  readonly groupId: Hex32;
  /** Who gave it. */
  readonly from: Hex32;
  /** Where the group ended here before, if that could be read. */
  readonly heightBefore: number | undefined;
  readonly height: number;
  /** Whether all that the peer has is here. */
  readonly isLevel: boolean;
}

/** How long a repair waits for the group's blocks, unless told otherwise. */
export const REPAIR_WAIT_MS = 60_000;

/**
 * Fetches a group of this node again, all of it, and goes on with that.
 * @throws NetworkError where no peer that has the group is reached, UsageError where blocks would be given up
 */
export async function repairGroup(
  network: NetworkService,
  groupId: Hex32,
  options: RepairOptions = {},
): Promise<Repair> {
  const { port } = network;
  const { peers = [], acceptsLoss = false, waitMs = REPAIR_WAIT_MS } = options;
  const heightBefore = readableHeight(network, groupId);
  const { peer, height } = await bestSource(network, groupId, peers);
  if (heightBefore !== undefined && height < heightBefore && !acceptsLoss) {
    const lost = `peer ${short(peer)} has the group up to height ${height}, and this node had it up to ${heightBefore}`;
    throw new UsageError(
      `${lost}: name a peer that has more, or say that the blocks above may be given up (--accept-loss)`,
    );
  }
  const release = port.holdSealing(groupId);
  let isBegun = false;
  try {
    const founding = await fetchFounding(network, groupId, peer);
    isBegun = true;
    await port.renew(groupId);
    await network.groups.artifacts.forget(groupId);
    await adoptFrom(network, groupId, peer, founding);
    await fetchRest(network, groupId, peer, waitMs).catch((error: unknown) => {
      // A connection that breaks here costs nothing: the group is followed from now on, and the rest comes so.
      if (!(error instanceof NetworkError)) throw error;
    });
    port.renewed(groupId);
    const isLevel = await subscribe(network, groupId, peer, waitMs);
    const reached = port.store.group(groupId).head()?.height ?? -1;
    return { groupId, from: peer, heightBefore, height: reached, isLevel };
  } finally {
    if (isBegun) releaseAt(network, groupId, height, release);
    else release();
  }
}

/** Lets a group be sealed once it is as long as the peer showed it: before, others have blocks at its next heights. */
function releaseAt({ port }: NetworkService, groupId: Hex32, height: number, release: () => void): void {
  if ((port.store.group(groupId).head()?.height ?? -1) >= height) {
    release();
    return;
  }
  const following = port.bus.head$.subscribe((head) => {
    if (head.groupId !== groupId || head.height < height) return;
    following.unsubscribe();
    release();
  });
}

/** The blocks that come after what is here already, from the peer that was chosen. */
async function fetchRest(
  { host, port }: NetworkService,
  groupId: Hex32,
  peer: Hex32,
  waitMs: number,
): Promise<void> {
  const from = (port.store.group(groupId).head()?.height ?? -1) + 1;
  const nowMs = (): number => port.clock.nowMs();
  const signal = AbortSignal.timeout(waitMs);
  const { end, blocks } = await fetchBlocks(host, peer, { groupId, from, nowMs, signal });
  if (end === from) return;
  const refusal = await port.chain(groupId).follow(blocks);
  if (refusal !== undefined) throw new RefusedError(refusal);
}

/** Where the group ends here, as far as that can be read. */
function readableHeight({ port }: NetworkService, groupId: Hex32): number | undefined {
  try {
    return port.store.group(groupId).head()?.height;
  } catch (error) {
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}

/** Of the peers that can be reached, the one that has most of the group. */
async function bestSource(
  network: NetworkService,
  groupId: Hex32,
  given: readonly PeerHint[],
): Promise<{ peer: Hex32; height: number }> {
  if (given.length > 0) await connectToAny(network, given);
  await network.dialer.tried();
  const keys = new Set([...given.map(({ key }) => key), ...network.peers.connectedKeys()]);
  let best: { peer: Hex32; height: number } | undefined;
  let failure: unknown;
  for (const peer of keys) {
    try {
      await network.client.introduce(peer);
      const { height } = await network.client.call(peer, 'sync_status', { groupId });
      if (best === undefined || height > best.height) best = { peer, height };
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      failure ??= error;
    }
  }
  if (best !== undefined) return best;
  if (failure instanceof RpcError && failure.reason === 'not_found')
    throw new NotFoundError(`no peer that was reached shows this node the group ${short(groupId)}`);
  throw new NetworkError(
    'peer_unreachable',
    'no peer that has the group was reached; name one with --peer, or restore the node from a backup',
    { cause: failure },
  );
}
