/**
 * Who a peer is to each group: by the key that its connection proved, by the keys that it has shown to act for,
 * and by the group's present state. Asked anew for every request, since membership ends.
 *
 * Whether a peer shares any group at all is asked at every stream of a stranger, and a node may have ten thousand
 * groups: what was found is remembered, and only groups with new blocks are looked at again.
 */
import { StoredState } from '../actors/group-view.ts';
import { isRemoved, Removals } from '../actors/removal.ts';
import type { Hex32 } from '../events/bytes.ts';
import type { Role } from '../events/effects.ts';
import { memberTable, policyTable, sealersTable } from '../machines/tables.ts';
import { StorageError } from '../storage/errors.ts';
import { PEER_TABLE_MAX } from './limits.ts';
import type { NetworkPort } from './port.ts';
import { BoundedMap } from './rate-limit.ts';

const RANK: Readonly<Record<Role, number>> = { viewer: 1, member: 2, admin: 3 };

/** A peer shares none of so many groups, as of so many blocks. */
interface NoneShared {
  readonly groups: number;
  readonly blocks: number;
}

export class Access {
  private readonly port: NetworkPort;
  /** Keys that connected peers have shown to act for, beside their own. Emptied when a peer goes. */
  private readonly shown = new Map<Hex32, ReadonlySet<Hex32>>();
  /** For each peer a group that was found to be shared; or that there was none, and when that was found. */
  private readonly found = new BoundedMap<Hex32, Hex32 | NoneShared>(PEER_TABLE_MAX);
  /** Counts blocks, and holds for each group its last one. */
  private blocks = 0;
  private readonly changed = new Map<Hex32, number>();
  private readonly removals = new Removals();

  constructor(port: NetworkPort) {
    this.port = port;
  }

  /** Takes the keys that a peer has proved to act for; they replace the earlier ones. */
  introduced(peer: Hex32, keys: Iterable<Hex32>): void {
    this.shown.set(peer, new Set(keys));
    this.found.delete(peer);
  }

  disconnected(peer: Hex32): void {
    this.shown.delete(peer);
    this.found.delete(peer);
  }

  /** A group has a new block, which may have changed its members. */
  groupChanged(groupId: Hex32): void {
    this.changed.set(groupId, ++this.blocks);
  }

  keysOf(peer: Hex32): Hex32[] {
    return [peer, ...(this.shown.get(peer) ?? [])];
  }

  /** Whether this node has the group, with at least its block 0. */
  has(groupId: Hex32): boolean {
    return (
      this.port.store.hasGroup(groupId) &&
      unlessDamaged(() => this.port.store.group(groupId).head() !== undefined, true)
    );
  }

  private state(groupId: Hex32): StoredState {
    return new StoredState(this.port.store.group(groupId));
  }

  /** The highest role of any of the peer's keys; nothing for strangers, and for groups that are not here. */
  roleOf(groupId: Hex32, peer: Hex32): Role | undefined {
    if (!this.has(groupId)) return undefined;
    return unlessDamaged(() => this.bestRole(this.state(groupId), peer), undefined);
  }

  private bestRole(state: StoredState, peer: Hex32): Role | undefined {
    let best: Role | undefined;
    for (const key of this.keysOf(peer)) {
      const role = state.get(memberTable, key)?.role;
      if (role !== undefined && (best === undefined || RANK[role] > RANK[best])) best = role;
    }
    return best;
  }

  isMember(groupId: Hex32, peer: Hex32): boolean {
    return this.roleOf(groupId, peer) !== undefined;
  }

  /** Whether the peer was a member, and is none any more. */
  wasMember(groupId: Hex32, peer: Hex32): boolean {
    if (!this.has(groupId) || this.isMember(groupId, peer)) return false;
    const group = this.port.store.group(groupId);
    return this.keysOf(peer).some((key) => isRemoved(group, key));
  }

  /**
   * The last block that a former member is shown: the one that removed them, so that they learn of it.
   * @returns nothing for strangers, and while the history is not here
   */
  async lastHeightFor(groupId: Hex32, peer: Hex32): Promise<number | undefined> {
    if (!this.wasMember(groupId, peer)) return undefined;
    return this.removals.heightOf(this.port.store.group(groupId), this.keysOf(peer));
  }

  isDiscoverable(groupId: Hex32): boolean {
    return unlessDamaged(() => this.state(groupId).get(policyTable, '')?.discoverable === true, false);
  }

  sealers(groupId: Hex32): readonly Hex32[] {
    return unlessDamaged(() => this.state(groupId).get(sealersTable, '') ?? [], []);
  }

  /** Whether the peer holds a key that may seal the group now. */
  seals(groupId: Hex32, peer: Hex32): boolean {
    const sealers = this.sealers(groupId);
    return this.keysOf(peer).some((key) => sealers.includes(key));
  }

  /** Whether any group is shared. */
  sharesGroup(peer: Hex32): boolean {
    const known = this.found.get(peer);
    if (typeof known === 'string' && this.isMember(known, peer)) return true;
    const groupIds = this.port.groupIds();
    const isAsBefore = typeof known === 'object' && known.groups === groupIds.length;
    const shared = isAsBefore
      ? this.firstShared(this.changedSince(known.blocks), peer)
      : this.firstShared(groupIds, peer);
    this.found.set(peer, shared ?? { groups: groupIds.length, blocks: this.blocks });
    return shared !== undefined;
  }

  private *changedSince(blocks: number): Generator<Hex32> {
    if (blocks === this.blocks) return;
    for (const [groupId, at] of this.changed) if (at > blocks) yield groupId;
  }

  private firstShared(groupIds: Iterable<Hex32>, peer: Hex32): Hex32 | undefined {
    for (const groupId of groupIds) if (this.isMember(groupId, peer)) return groupId;
    return undefined;
  }

  /** Members of a group, present ones, by key. */
  members(groupId: Hex32): Hex32[] {
    const records = unlessDamaged(() => [...this.state(groupId).records(memberTable)], []);
    return records.flatMap(([key, { role }]) => (role === undefined ? [] : [key]));
  }
}

/** What `read` gives. A group whose state is damaged shows nobody anything; its chain halts and says why. */
function unlessDamaged<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof StorageError && error.code === 'corrupt') return otherwise;
    throw error;
  }
}
