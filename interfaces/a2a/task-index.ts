/**
 * The tasks that came over A2A as lists need them: whose, of which context, in which state, changed when. Read from the
 * records once, by the first list, and kept up with the log from then on, so that a page reads what is on it alone.
 */
import type { Group } from '../../actors/group.ts';
import type { Task } from '../../actors/group-view.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { BatteryNode } from '../../node.ts';
import type { A2aRecords, Handed } from './records.ts';

/** More than this are not remembered, some 40 MB; then all records are read again for each list. */
export const INDEX_MAX = 100_000;

/** A task as lists know it. */
export interface Listed {
  readonly group: Hex32;
  readonly task: string;
  readonly owner: Hex32;
  readonly contextId: string;
  readonly status: Task['status'];
  readonly updatedMs: number;
}

type Known = Omit<Listed, 'status' | 'updatedMs'> & {
  /** Nothing while the task is not on the board, or where it is another's of the same id. */
  now: Pick<Listed, 'status' | 'updatedMs'> | undefined;
};

export class TaskIndex {
  private readonly node: BatteryNode;
  private readonly records: A2aRecords;
  private readonly max: number;
  private known: Map<string, Known> | undefined;
  private readonly unsubscribe: () => void;

  constructor(node: BatteryNode, records: A2aRecords, max = INDEX_MAX) {
    this.node = node;
    this.records = records;
    this.max = max;
    const changes = node.bus.log$.subscribe(({ groupId, event }) => {
      if (event.kind !== 'task.changed') return;
      const changed = this.known?.get(`${groupId}${event.task}`);
      if (changed !== undefined) this.look(changed);
    });
    this.unsubscribe = () => changes.unsubscribe();
  }

  close(): void {
    this.unsubscribe();
  }

  /** A task has been handed over, and is in the records. */
  add(group: Hex32, task: string, handed: Handed): void {
    if (this.known === undefined) return;
    this.known.set(`${group}${task}`, this.entryOf(group, task, handed));
    if (this.known.size > this.max) this.known = undefined;
  }

  /** The tasks of some groups that are on the board, in no order: those of an owner, or of all. */
  *list(groups: readonly Group[], owner: Hex32 | undefined): Generator<Listed> {
    const asked = new Set(groups.map(({ groupId }) => groupId));
    for (const one of this.entries()) {
      if (!asked.has(one.group) || (owner !== undefined && one.owner !== owner)) continue;
      // What was not there when it was last looked at may have come while nobody told of it.
      if (one.now === undefined) this.look(one);
      if (one.now !== undefined) yield { ...one, ...one.now };
    }
  }

  private entries(): Iterable<Known> {
    if (this.known !== undefined) return this.known.values();
    const found = new Map<string, Known>();
    for (const groupId of this.node.groupIds())
      for (const [task, handed] of this.records.allHanded(groupId))
        found.set(`${groupId}${task}`, this.entryOf(groupId, task, handed));
    if (found.size <= this.max) this.known = found;
    return found.values();
  }

  private entryOf(
    group: Hex32,
    task: string,
    { owner, contextId }: Pick<Handed, 'owner' | 'contextId'>,
  ): Known {
    const entry: Known = { group, task, owner, contextId, now: undefined };
    this.look(entry);
    return entry;
  }

  private look(entry: Known): void {
    const group = this.node.group(entry.group);
    const task = group.standing().status === 'halted' ? undefined : group.now.task(entry.task);
    entry.now =
      task?.creator === entry.owner ? { status: task.status, updatedMs: task.updatedMs } : undefined;
  }
}
