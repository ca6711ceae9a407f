/**
 * Which tasks of a group have not ended: so that asking for them costs what they are, and not what all tasks ever
 * were. Read from the state by the first who asks, and kept up with what is committed from then on. The board of the
 * group cannot stand in for it: boards are read for all groups at the start, and remember deadlines alone.
 */
import type { WriteSet } from '../../machines/state.ts';
import { taskTable } from '../../machines/tables.ts';
import { isOpen } from '../../machines/task.machine.ts';
import type { GroupReader } from '../../storage/port.ts';
import { StoredState } from '../group-view.ts';

/** More than this are not remembered, some 10 MB; then everything is read again for each question. */
export const OPEN_TASKS_MAX = 100_000;

export class OpenTasks {
  private readonly state: StoredState;
  private readonly max: number;
  private ids: Set<string> | undefined;
  private areTooMany = false;

  constructor(reader: Pick<GroupReader, 'state' | 'stateRange'>, max = OPEN_TASKS_MAX) {
    this.state = new StoredState(reader);
    this.max = max;
  }

  /** Their ids, in no order; nothing where they are too many to remember. */
  list(): Iterable<string> | undefined {
    if (this.areTooMany) return undefined;
    this.ids ??= this.read();
    return this.ids;
  }

  /** Takes in what a committed block wrote. */
  observe(writes: WriteSet): void {
    const { ids } = this;
    if (ids === undefined) return;
    for (const [task, { value }] of writes.of(taskTable) ?? [])
      if (value !== undefined && isOpen(value)) this.add(ids, task);
      else ids.delete(task);
  }

  private read(): Set<string> | undefined {
    const ids = new Set<string>();
    for (const [task, record] of this.state.records(taskTable)) {
      if (isOpen(record)) this.add(ids, task);
      if (this.areTooMany) return undefined;
    }
    return ids;
  }

  private add(ids: Set<string>, task: string): void {
    ids.add(task);
    if (ids.size <= this.max) return;
    this.areTooMany = true;
    this.ids = undefined;
  }
}
