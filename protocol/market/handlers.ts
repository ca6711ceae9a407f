/**
 * What this node answers about the market. Packages are for anybody, since they are worth nothing without their keys;
 * of a chain a stranger is shown what concerns him, as proofs that he can check.
 */

import { GroupView, StoredState } from '../../actors/group-view.ts';
import { prove } from '../../actors/history/prove.ts';
import { creationOf, trailOf } from '../../actors/market/trail.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { balanceTable } from '../../machines/tables.ts';
import type { GroupStore } from '../../storage/port.ts';
import type { Access } from '../access.ts';
import { RpcError } from '../errors.ts';
import * as limits from '../limits.ts';
import type { NetworkPort } from '../port.ts';
import type { Handlers } from '../rpc/server.ts';
import type { AnnouncementDesk } from './announcement-desk.ts';
import type { PackageShelf } from './packages.ts';

export interface MarketHandlerParts {
  readonly port: NetworkPort;
  readonly access: Access;
  readonly announcements: AnnouncementDesk;
  readonly packages: PackageShelf;
}

type MarketHandlers = Pick<
  Handlers,
  'package_get' | 'market_pull' | 'market_push' | 'offer_proof' | 'purchase_proofs'
>;

export function marketHandlersOf(parts: MarketHandlerParts): MarketHandlers {
  const { port, access, announcements, packages } = parts;
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
      return { proof: prove(group, txId)! };
    },
    purchase_proofs: async ({ groupId, purchase }, peer) => {
      const group = shown(port, access, groupId);
      const found = viewOf(group).purchase(purchase);
      const isConcerned =
        found !== undefined && (access.isMember(groupId, peer) || access.keysOf(peer).includes(found.buyer));
      if (!isConcerned) throw new RpcError('not_found', '');
      const proofs = (await trailOf(group, found)).map((txId) => prove(group, txId)!);
      if (proofs.length === 0) throw new RpcError('not_found', 'the purchase is not in the log of this node');
      const { grantUntilMs, disputeUntilMs } = found;
      return { proofs, grantUntilMs, disputeUntilMs };
    },
  };
}

const viewOf = (group: GroupStore): GroupView =>
  new GroupView(new StoredState(group), { height: group.head()!.height, tsMs: 0 });

function shown(port: NetworkPort, access: Access, groupId: Hex32): GroupStore {
  if (!access.has(groupId)) throw new RpcError('not_found', '');
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
