/** Offers that can be bought from here: those of the groups on this node, and those that were announced. */
import { AmbiguousIdError } from '../../actors/errors.ts';
import { resolveId } from '../../actors/ids.ts';
import type { PeerHint } from '../../actors/invites.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { BatteryNode } from '../../node.ts';

/** An offer that can be bought from here, and how to get to it. */
export interface FoundOffer {
  readonly groupId: Hex32;
  readonly offer: Hex32;
  readonly isHere: boolean;
  /** What it was announced for, and where its sellers' nodes are. */
  readonly price?: bigint;
  readonly peers: readonly PeerHint[];
}

/**
 * The offer that was meant.
 * @param only the group it must be of, by id or, for one that is here, by name
 * @throws NotFoundError, AmbiguousIdError
 */
export function findOffer(node: BatteryNode, typed: string, only: string | undefined): FoundOffer {
  const given = typed.toLowerCase();
  const groups =
    only === undefined ? node.groups() : node.groups().filter(({ groupId }) => isMeant(groupId, only));
  // A group by its name is one of this node's; only ids may stand for one that is elsewhere.
  if (only !== undefined && groups.length === 0 && !/^[0-9a-f]{8,64}$/i.test(only))
    return findOffer(node, given, node.group(only).groupId);
  const heard = node.market.announcements
    .list()
    .map(({ announcement }) => announcement)
    .filter(({ groupId }) => only === undefined || isMeant(groupId, only));
  const found = new Map<string, FoundOffer>();
  for (const { groupId, offer, price, node: key, addresses } of heard) {
    const known = found.get(`${groupId}/${offer}`);
    const peers = [...(known?.peers ?? []), { key, addresses }];
    // Where two sellers announce one offer, one of them is wrong: the proof tells, and then the price is not
    // the seller's word.
    const said = known === undefined ? { price } : {};
    found.set(`${groupId}/${offer}`, { groupId, offer, isHere: false, peers, ...said });
  }
  for (const group of groups)
    for (const { offer } of group.now.offers()) {
      const key = `${group.groupId}/${offer}`;
      found.set(key, { groupId: group.groupId, offer, isHere: true, peers: found.get(key)?.peers ?? [] });
    }
  const offers = [...found.values()].filter(({ groupId, isHere }) => isHere || !hasGroup(groups, groupId));
  if (isWhole(given) && !offers.some(({ offer }) => offer === given)) {
    // It may be newer than what is here: whoever buys it asks the group first.
    const [one, ...others] = groups;
    if (one !== undefined && others.length === 0)
      return { groupId: one.groupId, offer: given, isHere: true, peers: [] };
    if (only !== undefined && isWhole(only)) return { groupId: only, offer: given, isHere: false, peers: [] };
  }
  const id = resolveId('offer', given, new Set(offers.map(({ offer }) => offer)));
  const fitting = offers.filter(({ offer }) => offer === id);
  if (fitting.length > 1)
    throw new AmbiguousIdError(
      'group with such an offer',
      given,
      fitting.map(({ groupId }) => groupId),
    );
  return fitting[0]!;
}

const isWhole = (given: string): boolean => /^[0-9a-f]{64}$/.test(given);
const isMeant = (groupId: Hex32, given: string): boolean => groupId.startsWith(given.toLowerCase());
const hasGroup = (groups: readonly { readonly groupId: Hex32 }[], id: Hex32): boolean =>
  groups.some(({ groupId }) => groupId === id);
