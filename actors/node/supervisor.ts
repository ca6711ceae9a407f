/**
 * Runs the node machine: the one place where an actor of a group says that it has failed, and where anybody
 * learns why it is down and when it comes back.
 */
import { type ActorRefFrom, createActor } from 'xstate';
import type { Hex32 } from '../../events/bytes.ts';
import { MalformedError } from '../../events/reader.ts';
import { StorageError } from '../../storage/errors.ts';
import type { WatchedClock } from '../clock.ts';
import { BrokenHistoryError } from '../errors.ts';
import { machineClock, type Timers } from '../timers.ts';
import { type ActorName, type Failure, type NodeStatus, nodeMachine, type Part } from './node.machine.ts';

/** An actor that has failed and not been sound since, by the part and the group that it serves. */
export interface PartFailure extends Failure {
  readonly part: Part;
  /** The group's id; `census` is the reading of all groups at the start. */
  readonly groupId: string;
}

export interface SupervisorOptions {
  readonly clock: WatchedClock;
  readonly timers: Timers;
}

export class Supervisor {
  private readonly clock: WatchedClock;
  private readonly actor: ActorRefFrom<typeof nodeMachine>;
  /** How to start each failed actor again; bounded by the groups and their parts. */
  private readonly restarts = new Map<ActorName, () => void>();

  constructor({ clock, timers }: SupervisorOptions) {
    this.clock = clock;
    const machine = nodeMachine.provide({
      actions: { restartActor: (_, { actor }) => this.restarts.get(actor)?.() },
    });
    this.actor = createActor(machine, { clock: machineClock(timers) }).start();
  }

  get status(): NodeStatus {
    return this.actor.getSnapshot().value;
  }

  /** Why a part of a group is down or on probation, if it is. */
  failureOf(part: Part, groupId: Hex32): Failure | undefined {
    return this.actor.getSnapshot().context.failures[`${part}/${groupId}`];
  }

  /** Everything that is down or on probation. */
  failures(): PartFailure[] {
    const { failures } = this.actor.getSnapshot().context;
    return Object.entries(failures).map(([actor, failure]) => {
      const [part, groupId] = actor.split('/') as [Part, string];
      return { part, groupId, ...failure };
    });
  }

  opened(): void {
    this.actor.send({ type: 'opened' });
  }

  /** Nothing is started again from here on. */
  drain(): void {
    this.actor.send({ type: 'drain' });
  }

  drained(): void {
    this.actor.send({ type: 'drained' });
    this.restarts.clear();
  }

  /**
   * A part of a group has failed; the others go on.
   * @param restart starts it again; it must not throw, but call `failed` again
   * @returns when that will be, wall time in milliseconds; nothing where only a person can help
   */
  failed(part: Part, groupId: Hex32, error: Error, restart: () => void): number | undefined {
    const actor: ActorName = `${part}/${groupId}`;
    this.restarts.set(actor, restart);
    const nowMs = this.clock.nowMs();
    this.actor.send({ type: 'failed', actor, reason: error.message, isDamaged: isDamage(error), nowMs });
    return this.failureOf(part, groupId)?.retryAtMs;
  }

  /** The part runs again. How often it failed is remembered until it has done some work. */
  loaded(part: Part, groupId: Hex32): void {
    if (this.restarts.size > 0) this.actor.send({ type: 'loaded', actor: `${part}/${groupId}` });
  }

  /** The part has done some work. */
  sound(part: Part, groupId: Hex32): void {
    const actor: ActorName = `${part}/${groupId}`;
    // Called for every block, and nearly always about an actor that never failed.
    if (this.restarts.delete(actor)) this.actor.send({ type: 'sound', actor });
  }
}

/** Whether what is stored cannot be read or does not judge: to start again would only find the same. */
function isDamage(error: unknown): boolean {
  if (error instanceof StorageError) return error.code === 'corrupt' || error.code.endsWith('_format');
  // What comes from outside is refused before it gets here, so these bytes came from the disk.
  return error instanceof MalformedError || error instanceof BrokenHistoryError;
}
