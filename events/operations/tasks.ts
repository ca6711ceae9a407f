/** Work: created, taken, done. Every assignment counts up the attempt, which later operations name. */
import { milliseconds, oneOf, timestamp } from '../fields.ts';
import {
  TASK_ERROR_BYTES_MAX,
  TASK_ID_CHARACTERS_MAX,
  TASK_NOTE_BYTES_MAX,
  TASK_TITLE_CHARACTERS_MAX,
} from '../limits.ts';
import {
  amount,
  description,
  id,
  type OperationsOf,
  operation,
  optional,
  reason,
  tags,
  text,
  uint,
} from './define.ts';

const task = text({ maxCharacters: TASK_ID_CHARACTERS_MAX, min: 1 });
const attempt = uint(0xffff_ffff);
/** Where a reward comes from: made on completion (an admin promises it), or held in escrow since creation. */
export const rewardSource = oneOf('mint', 'escrow');

export const taskOperations = {
  task_create: operation(40, 'Creates a task (member).', {
    task,
    title: text({ maxCharacters: TASK_TITLE_CHARACTERS_MAX, min: 1 }),
    description: optional(description),
    assignee: optional(id),
    dueMs: optional(timestamp),
    reward: optional(amount),
    /** Named by the author, so that no change of their role has somebody else pay. Nothing: as their role says. */
    rewardFrom: optional(rewardSource),
    leaseMs: optional(milliseconds),
    tags,
  }),
  task_assign: operation(41, 'Takes a pending task, or (creator, admin) assigns and reassigns it.', {
    task,
    assignee: id,
  }),
  task_start: operation(42, 'Starts the work (assignee).', { task, attempt }),
  task_progress: operation(43, 'Reports progress and renews the lease (assignee).', {
    task,
    attempt,
    note: optional(text({ maxBytes: TASK_NOTE_BYTES_MAX })),
  }),
  task_complete: operation(44, 'Completes the work (assignee).', { task, attempt, result: optional(id) }),
  task_fail: operation(45, 'Gives the work up as failed (assignee).', {
    task,
    attempt,
    error: optional(text({ maxBytes: TASK_ERROR_BYTES_MAX })),
  }),
  task_release: operation(
    46,
    'Returns the task to pending (assignee, creator, admin; anyone once its lease ran out).',
    {
      task,
      attempt,
    },
  ),
  task_cancel: operation(47, 'Cancels the task (creator or admin).', { task, reason: optional(reason) }),
};
export type TaskOperation = OperationsOf<typeof taskOperations>;
