/**
 * The task board of one group: tells when a task is overdue and when a lease has run out.
 *
 * It tells and does nothing else. Whether a lease has run out is for the rules to judge, by block time, when
 * somebody releases the task; nothing is sealed because of what is told here.
 */
import { type ActorRefFrom, createActor } from 'xstate';
import type { MomentEvent } from '../../events/bus.ts';
import type { WriteSet } from '../../machines/state.ts';
import { type TaskRecord, taskTable } from '../../machines/tables.ts';
import { isOpen } from '../../machines/task.machine.ts';
import type { GroupReader } from '../../storage/port.ts';
import type { Alarms } from '../alarms.ts';
import type { WatchedClock } from '../clock.ts';
import { DeadlineWatch } from '../deadline-watch.ts';
import type { Deadline } from '../deadlines.ts';
import { StoredState } from '../group-view.ts';
import { taskBoardMachine } from './task-board.machine.ts';

export interface TaskBoardOptions {
  readonly reader: GroupReader;
  readonly alarms: Alarms;
  readonly clock: WatchedClock;
  tell(event: MomentEvent): void;
  failed(error: Error): void;
}

type DeadlineKind = 'due' | 'lease';
const KINDS: readonly DeadlineKind[] = ['due', 'lease'];

export class TaskBoard {
  private readonly options: TaskBoardOptions;
  private readonly watch: DeadlineWatch;
  private readonly state: StoredState;
  private readonly lifecycle: ActorRefFrom<typeof taskBoardMachine>;

  constructor(options: TaskBoardOptions) {
    this.options = options;
    const { reader, alarms, clock, failed } = options;
    this.state = new StoredState(reader);
    this.watch = new DeadlineWatch({
      name: `tasks/${reader.groupId}`,
      alarms,
      clock,
      failed,
      read: () => this.storedDeadlines(),
      raise: (deadline) => this.raise(deadline),
      scheduled: (nextMs) =>
        this.lifecycle.send(nextMs === undefined ? { type: 'none' } : { type: 'deadline', atMs: nextMs }),
    });
    const machine = taskBoardMachine.provide({
      actions: { arm: (_, { atMs }) => this.watch.arm(atMs), disarm: () => this.watch.disarm() },
    });
    this.lifecycle = createActor(machine).start();
  }

  /** Reads the deadlines of all open tasks; what passed while nobody watched is told. */
  load(): Promise<void> {
    return this.watch.load();
  }

  /** Nothing to wait for: the board can go, and be made again when a task changes. */
  get isEmpty(): boolean {
    return this.watch.isEmpty;
  }

  /** Takes in what a committed block wrote. */
  observe(writes: WriteSet): void {
    const tasks = writes.of(taskTable);
    if (tasks === undefined) return;
    for (const [task, { value }] of tasks)
      for (const kind of KINDS) this.watch.set(`${kind}/${task}`, deadlineOf(value, kind));
    this.watch.schedule();
  }

  close(): void {
    this.lifecycle.send({ type: 'close' });
    this.watch.stop();
  }

  private *storedDeadlines(): Generator<Deadline> {
    for (const [task, record] of this.state.records(taskTable))
      for (const kind of KINDS) {
        const atMs = deadlineOf(record, kind);
        if (atMs !== undefined) yield { key: `${kind}/${task}`, atMs };
      }
  }

  private raise({ key, atMs }: Deadline): void {
    const at = key.indexOf('/');
    const kind = key.slice(0, at) as DeadlineKind;
    const task = key.slice(at + 1);
    const record = this.state.get(taskTable, task);
    // The state decides: what was on its way here when the task changed is not told.
    if (record === undefined || deadlineOf(record, kind) !== atMs) return;
    const { groupId } = this.options.reader;
    const assignee = record.assignee === undefined ? {} : { assignee: record.assignee };
    const lastMs = atMs - 1;
    if (kind === 'due')
      this.options.tell({ kind: 'task.overdue', groupId, task, dueMs: lastMs, ...assignee });
    else
      this.options.tell({
        kind: 'task.leaseExpired',
        groupId,
        task,
        leaseUntilMs: lastMs,
        attempt: record.attempt,
        ...assignee,
      });
  }
}

/**
 * The first millisecond in which a task is overdue or its lease has run out, as the rules count: whoever hears of
 * it may release the task at once. Nothing for a task that has ended.
 */
function deadlineOf(record: TaskRecord | undefined, kind: DeadlineKind): number | undefined {
  if (record === undefined || !isOpen(record)) return undefined;
  const lastMs = kind === 'due' ? record.dueMs : record.leaseUntilMs;
  return lastMs === undefined ? undefined : lastMs + 1;
}
