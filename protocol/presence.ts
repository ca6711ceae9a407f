/**
 * Beats of members, as they were last heard: in memory only, beside what the chain says of their presence. Only
 * members are in it, since the beats of others are not taken.
 */
import type { Bus } from '../actors/bus.ts';
import type { GroupView, Presence } from '../actors/group-view.ts';
import type { Hex32 } from '../events/bytes.ts';
import { PRESENCE_STALE_MS_DEFAULT } from '../events/limits.ts';

export class Beats {
  private readonly bus: Bus;
  private readonly staleMs: number;
  private readonly groups = new Map<Hex32, Map<Hex32, { tsMs: number; isStale: boolean }>>();

  constructor(bus: Bus, staleMs = PRESENCE_STALE_MS_DEFAULT) {
    this.bus = bus;
    this.staleMs = staleMs;
  }

  heard(groupId: Hex32, member: Hex32, tsMs: number): void {
    const group = this.groups.get(groupId) ?? new Map<Hex32, { tsMs: number; isStale: boolean }>();
    this.groups.set(groupId, group);
    if ((group.get(member)?.tsMs ?? 0) < tsMs) group.set(member, { tsMs, isStale: false });
  }

  /** Tells of members who were heard and are not any more. */
  look(nowMs: number): void {
    for (const [groupId, group] of this.groups)
      for (const [member, beat] of group) {
        if (beat.isStale || nowMs - beat.tsMs <= this.staleMs) continue;
        beat.isStale = true;
        this.bus.moment({ kind: 'presence.stale', groupId, member });
      }
  }

  /** Presence by chain and by beat: a member is stale without either. */
  merge(
    view: GroupView,
    groupId: Hex32,
    nowMs: number,
  ): (Presence & { readonly beatMs: number | undefined })[] {
    const { staleMs } = this;
    return view.presence({ nowMs, staleMs }).map((presence) => {
      const beatMs = this.groups.get(groupId)?.get(presence.member)?.tsMs;
      const isHeard = beatMs !== undefined && nowMs - beatMs <= staleMs;
      return { ...presence, beatMs, isStale: presence.isStale && !isHeard };
    });
  }

  forget(groupId: Hex32): void {
    this.groups.delete(groupId);
  }
}
