/**
 * The tasks of all groups, as far as they are watched: the boards, and the open tasks of those groups that were
 * asked about them.
 *
 * A node may hold ten thousand groups, of which a handful is in use, and a deadline counts in all of them. So, a
 * moment after the start, every group's tasks are read once, in slices between other work, and only the groups that
 * have something to wait for keep a board. The others get one when a task of theirs changes. No chain is loaded for
 * it: a board reads the state and nothing else.
 */
import type { MomentEvent } from '../../events/bus.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { WriteSet } from '../../machines/state.ts';
import { taskTable } from '../../machines/tables.ts';
import type { GroupReader } from '../../storage/port.ts';
import type { Alarms } from '../alarms.ts';
import type { WatchedClock } from '../clock.ts';
import type { Supervisor } from '../node/supervisor.ts';
import type { Timers } from '../timers.ts';
import { OpenTasks } from './open-tasks.ts';
import { TaskBoard } from './task-board.ts';

/** How long after the start the tasks are read: a command that is over by then never pays for it. */
export const CENSUS_DELAY_MS = 500;
/** Groups read between two turns of the event loop: about a millisecond. */
const CENSUS_SLICE_GROUPS = 32;

export interface TaskBoardsOptions {
  readonly alarms: Alarms;
  readonly clock: WatchedClock;
  readonly timers: Timers;
  readonly supervisor: Supervisor;
  groupIds(): readonly Hex32[];
  readerOf(groupId: Hex32): GroupReader;
  tell(event: MomentEvent): void;
}

export class TaskBoards {
  private readonly options: TaskBoardsOptions;
  private readonly boards = new Map<Hex32, TaskBoard>();
  /** Of the groups that somebody has asked about their open tasks. */
  private readonly open = new Map<Hex32, OpenTasks>();
  private readonly cancelCensus: () => void;
  private isStopped = false;

  constructor(options: TaskBoardsOptions) {
    this.options = options;
    this.cancelCensus = options.timers.after(CENSUS_DELAY_MS, () => this.census());
  }

  /** Ids of the tasks of a group that have not ended; nothing where they are too many to remember. */
  openTasks(groupId: Hex32): Iterable<string> | undefined {
    let known = this.open.get(groupId);
    if (known === undefined) {
      known = new OpenTasks(this.options.readerOf(groupId));
      this.open.set(groupId, known);
    }
    return known.list();
  }

  /** Takes in what a committed block of a group wrote. */
  observe(groupId: Hex32, writes: WriteSet): void {
    if (writes.of(taskTable) === undefined) return;
    this.open.get(groupId)?.observe(writes);
    if (!this.isWatched(groupId)) return;
    const known = this.boards.get(groupId);
    // A new board reads the state, which has this block already.
    if (known === undefined) void this.start(groupId);
    else known.observe(writes);
  }

  /** Reads a group's tasks again: the disk may have a block whose commit was never told. */
  reload(groupId: Hex32): void {
    this.open.delete(groupId);
    if (!this.isWatched(groupId)) return;
    const known = this.boards.get(groupId);
    void (known === undefined ? this.visit(groupId) : known.load());
  }

  /** One that is down reads everything when it is started again. */
  private isWatched(groupId: Hex32): boolean {
    return !this.isStopped && this.options.supervisor.failureOf('tasks', groupId)?.isDown !== true;
  }

  stop(): void {
    this.isStopped = true;
    this.cancelCensus();
    for (const board of this.boards.values()) board.close();
    this.boards.clear();
  }

  /** Makes the group's board and lets it read its tasks; what keeps it from that goes to the supervisor. */
  private async start(groupId: Hex32): Promise<TaskBoard | undefined> {
    try {
      const board = this.make(groupId);
      await board.load();
      return board;
    } catch (error) {
      this.failed(groupId, undefined, error as Error);
      return undefined;
    }
  }

  private make(groupId: Hex32): TaskBoard {
    const { alarms, clock, readerOf, tell } = this.options;
    const board: TaskBoard = new TaskBoard({
      reader: readerOf(groupId),
      alarms,
      clock,
      tell,
      failed: (error) => this.failed(groupId, board, error),
    });
    this.boards.set(groupId, board);
    return board;
  }

  private failed(groupId: Hex32, board: TaskBoard | undefined, error: Error): void {
    if (this.isStopped) return;
    board?.close();
    if (this.boards.get(groupId) === board) this.boards.delete(groupId);
    this.options.supervisor.failed('tasks', groupId, error, () => void this.restart(groupId));
  }

  private async restart(groupId: Hex32): Promise<void> {
    if (this.isStopped) return;
    const { supervisor } = this.options;
    // Reading the state is all its work, so a board that has read it is sound. A failure says so by itself.
    supervisor.loaded('tasks', groupId);
    await this.start(groupId);
    if (supervisor.failureOf('tasks', groupId)?.isDown === false) supervisor.sound('tasks', groupId);
  }

  /** A registry that cannot be read fails this and whoever asks for it; the node goes on with what it has. */
  private census(): void {
    const { supervisor } = this.options;
    this.takeCensus().then(
      () => supervisor.sound('tasks', 'census'),
      (error: Error) => {
        if (!this.isStopped) supervisor.failed('tasks', 'census', error, () => this.census());
      },
    );
  }

  private async takeCensus(): Promise<void> {
    let count = 0;
    for (const groupId of this.options.groupIds()) {
      if (++count % CENSUS_SLICE_GROUPS === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.isStopped) return;
      if (!this.boards.has(groupId)) await this.visit(groupId);
    }
  }

  private async visit(groupId: Hex32): Promise<void> {
    const board = await this.start(groupId);
    if (board === undefined || !board.isEmpty || this.boards.get(groupId) !== board) return;
    board.close();
    this.boards.delete(groupId);
  }
}
