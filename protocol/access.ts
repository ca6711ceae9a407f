/**
 * Who a peer is to each group: by the key that its connection proved, by the keys that it has shown to act for,
 * and by the group's present state. Asked anew for every request, since membership ends.
 */
import { StoredState } from '../actors/group-view.ts';
import type { Hex32 } from '../events/bytes.ts';
import type { Role } from '../events/effects.ts';
import { memberTable, policyTable, sealersTable } from '../machines/tables.ts';
import type { NetworkPort } from './port.ts';

const RANK: Readonly<Record<Role, number>> = { viewer: 1, member: 2, admin: 3 };

export class Access {
  private readonly port: NetworkPort;
  /** Keys that connected peers have shown to act for, beside their own. Emptied when a peer goes. */
  private readonly shown = new Map<Hex32, ReadonlySet<Hex32>>();

  constructor(port: NetworkPort) {
    this.port = port;
  }

  /** Takes the keys that a peer has proved to act for; they replace the earlier ones. */
  introduced(peer: Hex32, keys: Iterable<Hex32>): void {
    this.shown.set(peer, new Set(keys));
  }

  disconnected(peer: Hex32): void {
    this.shown.delete(peer);
  }

  keysOf(peer: Hex32): Hex32[] {
    return [peer, ...(this.shown.get(peer) ?? [])];
  }

  /** Whether this node has the group, with at least its block 0. */
  has(groupId: Hex32): boolean {
    return this.port.store.hasGroup(groupId) && this.port.store.group(groupId).head() !== undefined;
  }

  private state(groupId: Hex32): StoredState {
    return new StoredState(this.port.store.group(groupId));
  }

  /** The highest role of any of the peer's keys; nothing for strangers, and for groups that are not here. */
  roleOf(groupId: Hex32, peer: Hex32): Role | undefined {
    if (!this.has(groupId)) return undefined;
    const state = this.state(groupId);
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

  isDiscoverable(groupId: Hex32): boolean {
    return this.state(groupId).get(policyTable, '')?.discoverable === true;
  }

  sealers(groupId: Hex32): readonly Hex32[] {
    return this.state(groupId).get(sealersTable, '') ?? [];
  }

  /** Whether the peer holds a key that may seal the group now. */
  seals(groupId: Hex32, peer: Hex32): boolean {
    const sealers = this.sealers(groupId);
    return this.keysOf(peer).some((key) => sealers.includes(key));
  }

  /** Whether any group is shared. */
  sharesGroup(peer: Hex32): boolean {
    return this.port.groupIds().some((groupId) => this.isMember(groupId, peer));
  }

  /** Members of a group, present ones, by key. */
  members(groupId: Hex32): Hex32[] {
    const state = this.state(groupId);
    return [...state.ids(memberTable as never, '')].filter(
      (key) => state.get(memberTable, key)?.role !== undefined,
    );
  }
}
