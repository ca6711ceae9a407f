/**
 * What this node answers about the market. Packages are for anybody, since they are worth nothing without their keys;
 * of a chain a stranger is shown what concerns them, as proofs that they can check.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { type HandOvers, handOverIn } from '../../actors/checkpoint/hand-overs.ts';
import { historyGap } from '../../actors/checkpoint/marker.ts';
import { GroupView, type Purchase, StoredState } from '../../actors/group-view.ts';
import { prove } from '../../actors/history/prove.ts';
import { windowsOf } from '../../actors/market/market-chain.ts';
import { creationOf, trailOf } from '../../actors/market/trail.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { balanceTable } from '../../machines/tables.ts';
import type { GroupStore } from '../../storage/port.ts';
import type { Access } from '../access.ts';
import { RpcError } from '../errors.ts';
import * as limits from '../limits.ts';
import type { NetworkPort } from '../port.ts';
import { BoundedMap } from '../rate-limit.ts';
import type { Handlers } from '../rpc/server.ts';
import type { AnnouncementDesk } from './announcement-desk.ts';
import type { PackageShelf } from './packages.ts';

export interface MarketHandlerParts {
  readonly port: NetworkPort;
  readonly access: Access;
  readonly announcements: AnnouncementDesk;
  readonly packages: PackageShelf;
  readonly handOvers: HandOvers;
}

type MarketHandlers = Pick<
  Handlers,
  'package_get' | 'market_pull' | 'market_push' | 'offer_proof' | 'purchase_proofs' | 'sealer_proofs'
>;

/** Purchases whose trail is remembered. */
const TRAILS_MAX = 1_024;

export function marketHandlersOf(parts: MarketHandlerParts): MarketHandlers {
  const { port, access, announcements, packages, handOvers } = parts;
  const trails = new Trails();
  return {
    package_get: ({ hash, offset }) => {
      const { artifacts } = port.store;
      const size = packages.has(hash) ? artifacts.size(hash) : undefined;
      if (size === undefined) throw new RpcError('not_found', '');
      if (offset > size) throw new RpcError('bad_request', 'the package ends before that');
      return { size, bytes: artifacts.range(hash, offset, limits.PACKAGE_PART_BYTES_MAX)! };
    },
    market_pull: ({ after }) => announcements.page(after),
    market_push: ({ announcements: brought }, peer) => ({ taken: announcements.takeAll(brought, peer) }),
    offer_proof: ({ groupId, offer }, peer) => {
      const group = shown(port, access, groupId);
      const found = viewOf(group).offer(offer);
      if (found === undefined || !maySeeOffer(parts, groupId, found.seller, offer, peer))
        throw new RpcError('not_found', '');
      const txId = creationOf(group, found);
      if (txId === undefined) throw new RpcError('not_found', 'the offer is not in the log of this node');
      return { proof: prove(group, txId)!, ...windowsOf(viewOf(group).policy()) };
    },
    purchase_proofs: async ({ groupId, purchase }, peer) => {
      const group = shown(port, access, groupId);
      const found = viewOf(group).purchase(purchase);
      if (found === undefined || !maySeePurchase(parts, groupId, found, peer))
        throw new RpcError('not_found', '');
      const proofs = (await trails.of(group, found)).map((txId) => prove(group, txId)!);
      if (proofs.length === 0) throw new RpcError('not_found', 'the purchase is not in the log of this node');
      const { grantUntilMs, disputeUntilMs } = found;
      return { proofs, grantUntilMs, disputeUntilMs };
    },
    sealer_proofs: async ({ groupId, subject, after }, peer) => {
      const group = shown(port, access, groupId);
      const view = viewOf(group);
      const offer = view.offer(subject);
      const purchase = view.purchase(subject);
      const isShown =
        (offer !== undefined && maySeeOffer(parts, groupId, offer.seller, subject, peer)) ||
        (purchase !== undefined && maySeePurchase(parts, groupId, purchase, peer));
      if (!isShown) throw new RpcError('not_found', '');
      const heights = (await handOvers.heightsOf(group)) ?? [];
      const next = heights.filter((height) => height > after).slice(0, limits.HAND_OVERS_PER_ANSWER_MAX);
      const proofs: Uint8Array[] = [];
      for (const height of next) {
        proofs.push(proveHandOver(group, height));
        await turn();
      }
      return { proofs };
    },
  };
}

/** Trails of purchases. To find an end takes a look through the log, which nobody shall cause twice. */
class Trails {
  private readonly ended = new BoundedMap<Hex32, Promise<readonly Hex32[]>>(TRAILS_MAX);

  of(group: GroupStore, purchase: Purchase): Promise<readonly Hex32[]> {
    if (purchase.status === 'escrowed' || purchase.status === 'granted') return trailOf(group, purchase);
    const id = purchase.purchase;
    const known = this.ended.get(id);
    if (known !== undefined) return known;
    const looking = trailOf(group, purchase);
    this.ended.set(id, looking);
    // Some of the history may still be to come, and a disk that failed may be better later.
    const whole = purchase.disputeUntilMs === undefined ? 2 : 3;
    looking.then(
      (trail) => trail.length < whole && this.ended.delete(id),
      () => this.ended.delete(id),
    );
    return looking;
  }
}

/** Against its own block: whoever sealed that could seal before. */
function proveHandOver(group: GroupStore, height: number): Uint8Array {
  return prove(group, handOverIn(group, height)!, { headHeight: height })!;
}

const viewOf = (group: GroupStore): GroupView =>
  new GroupView(new StoredState(group), { height: group.head()!.height, tsMs: 0 });

function shown(port: NetworkPort, access: Access, groupId: Hex32): GroupStore {
  if (!access.has(groupId)) throw new RpcError('not_found', '');
  // A proof takes the whole history tree.
  if (historyGap(port.store.network, groupId) !== undefined) throw new RpcError('not_found', '');
  return port.store.group(groupId);
}

/** Members, guests of a group that may be discovered, whoever holds money in it, and everybody for what is announced. */
function maySeeOffer(
  { port, access, announcements }: MarketHandlerParts,
  groupId: Hex32,
  seller: Hex32,
  offer: Hex32,
  peer: Hex32,
): boolean {
  if (access.isMember(groupId, peer) || access.isDiscoverable(groupId)) return true;
  if (announcements.isAnnounced(seller, offer)) return true;
  const state = new StoredState(port.store.group(groupId));
  return access.keysOf(peer).some((key) => state.get(balanceTable, key) !== undefined);
}

/** Members, and its buyer. */
function maySeePurchase(
  { access }: MarketHandlerParts,
  groupId: Hex32,
  { buyer }: Purchase,
  peer: Hex32,
): boolean {
  return access.isMember(groupId, peer) || access.keysOf(peer).includes(buyer);
}
