/**
 * Which tasks of a group have not ended: so that asking for them costs what they are, and not what all tasks ever
 * were. Read from the state by the first who asks, and kept up with what is committed from then on.
 */
import { decode } from '../../events/codec.ts';
import type { TaskStatus } from '../../events/effects.ts';
import type { WriteSet } from '../../machines/state.ts';
import { taskTable } from '../../machines/tables.ts';
import type { GroupReader } from '../../storage/port.ts';

/** More than this are not remembered, some 10 MB; then everything is read again for each question. */
export const OPEN_TASKS_MAX = 100_000;

const OPEN: ReadonlySet<TaskStatus> = new Set(['pending', 'assigned', 'in_progress']);

/** Whether a task can still be worked on. */
export function isOpen({ status }: { readonly status: TaskStatus }): boolean {
  return OPEN.has(status);
}

export class OpenTasks {
  private readonly reader: Pick<GroupReader, 'stateRange'>;
  private readonly max: number;
  private ids: Set<string> | undefined;
  private areTooMany = false;

  constructor(reader: Pick<GroupReader, 'stateRange'>, max = OPEN_TASKS_MAX) {
    this.reader = reader;
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
    for (const [key, value] of this.reader.stateRange(taskTable.prefix)) {
      if (isOpen(decode(taskTable.codec, value))) this.add(ids, key.slice(taskTable.prefix.length));
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
