/**
 * The presence of all groups. A group gets its actor when its chain is loaded, when somebody beats in it, or when a
 * beat comes in; before that, nobody here has taken part in it and nobody can have been missed.
 */
import type { MomentEvent } from '../../events/bus.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { WriteSet } from '../../machines/state.ts';
import type { GroupReader } from '../../storage/port.ts';
import type { Alarms } from '../alarms.ts';
import type { WatchedClock } from '../clock.ts';
import type { Supervisor } from '../node/supervisor.ts';
import type { Timers } from '../timers.ts';
import { GroupPresence } from './group-presence.ts';

export interface PresencesOptions {
  readonly alarms: Alarms;
  readonly clock: WatchedClock;
  readonly timers: Timers;
  readonly supervisor: Supervisor;
  readerOf(groupId: Hex32): GroupReader;
  tell(event: MomentEvent): void;
  send(groupId: Hex32, beat: Uint8Array): void;
}

export class Presences {
  private readonly options: PresencesOptions;
  private readonly presences = new Map<Hex32, GroupPresence>();

  constructor(options: PresencesOptions) {
    this.options = options;
  }

  /** The presence of a group, started by the first who asks. */
  of(groupId: Hex32): GroupPresence {
    return this.presences.get(groupId) ?? this.open(groupId);
  }

  /** The presence of a group where it runs. */
  known(groupId: Hex32): GroupPresence | undefined {
    return this.presences.get(groupId);
  }

  /** Takes in what a committed block of a group wrote. */
  observe(groupId: Hex32, writes: WriteSet): void {
    this.presences.get(groupId)?.observe(writes);
  }

  /** Reads again who is present in a group: the disk may have a block whose commit was never told. */
  reload(groupId: Hex32): void {
    void this.presences.get(groupId)?.load();
  }

  stop(): void {
    for (const presence of this.presences.values()) presence.close();
    this.presences.clear();
  }

  private open(groupId: Hex32): GroupPresence {
    const { readerOf, send, supervisor, ...shared } = this.options;
    const presence = new GroupPresence({
      ...shared,
      reader: readerOf(groupId),
      send: (beat) => send(groupId, beat),
      failed: (error) => this.failed(groupId, error),
    });
    this.presences.set(groupId, presence);
    void presence.load();
    return presence;
  }

  /** Beats and those who beat stay; only the watching for stale members begins again. */
  private failed(groupId: Hex32, error: Error): void {
    const { supervisor } = this.options;
    supervisor.failed('presence', groupId, error, () => {
      const presence = this.presences.get(groupId);
      if (presence === undefined) return;
      supervisor.loaded('presence', groupId);
      void presence.load().then(() => {
        if (supervisor.failureOf('presence', groupId)?.isDown === false)
          supervisor.sound('presence', groupId);
      });
    });
  }
}
