/** A task followed through the log: every change of it, in order, none skipped, until it is over. */
import { type StreamResponse, TaskState } from '@a2a-js/sdk';
import type { Group } from '../../actors/group.ts';
import type { Task } from '../../actors/group-view.ts';
import { isOpen } from '../../machines/task.machine.ts';
import type { Handed } from './records.ts';
import { artifactOf, describe, said, stateOf } from './wire.ts';

/** The task as it is, then its changes. Ends when it is over, when the caller has gone, or the node closes. */
export async function* follow(
  group: Group,
  taskId: string,
  handed: Handed,
  signal: AbortSignal,
): AsyncGenerator<StreamResponse> {
  const view = group.now;
  const task = view.task(taskId)!;
  const described = describe(group, task, handed);
  yield { payload: { $case: 'task', value: described } };
  if (!isOpen(task)) return;
  const { id, contextId } = described;
  // What the first answer has in it is not told again.
  const after = { height: view.height, index: Number.MAX_SAFE_INTEGER - 1 };
  for await (const { event, tsMs, height } of group.events({ after, kinds: ['task.changed'], signal })) {
    if (event.kind !== 'task.changed' || event.task !== taskId) continue;
    const now = group.now.task(taskId)!;
    const artifact = event.status === 'completed' ? artifactOf(group, now) : undefined;
    if (artifact !== undefined)
      yield {
        payload: {
          $case: 'artifactUpdate',
          value: { taskId: id, contextId, artifact, append: false, lastChunk: true, metadata: undefined },
        },
      };
    const text = event.status === 'failed' ? now.error : event.note;
    const message =
      text === undefined ? undefined : said({ id, contextId }, `${event.event}-${height}`, text);
    const status = { state: stateOf(event.status), message, timestamp: new Date(tsMs).toISOString() };
    yield {
      payload: { $case: 'statusUpdate', value: { taskId: id, contextId, status, metadata: undefined } },
    };
    if (isEnd(status.state)) return;
  }
}

/** Waits until a task is over, or the caller has gone. */
export async function waitForEnd(
  group: Group,
  taskId: string,
  handed: Handed,
  signal: AbortSignal,
): Promise<Task> {
  for await (const _ of follow(group, taskId, handed, signal));
  return group.now.task(taskId)!;
}

function isEnd(state: TaskState): boolean {
  return (
    state === TaskState.TASK_STATE_COMPLETED ||
    state === TaskState.TASK_STATE_FAILED ||
    state === TaskState.TASK_STATE_CANCELED
  );
}
