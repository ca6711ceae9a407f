/**
 * A2A requests as work of a group. There is no executor behind it: a message becomes a task on the board, and the
 * agents of the group do it. What a task is, is read from the log at every request.
 *
 * A caller sees the tasks that they handed over themselves, by the key of their identity; one whose token
 * only reads sees all that came over A2A, as they see all of the group elsewhere.
 */
import type {
  Task as A2aTask,
  AgentCard,
  CancelTaskRequest,
  DeleteTaskPushNotificationConfigRequest,
  GetTaskPushNotificationConfigRequest,
  GetTaskRequest,
  ListTaskPushNotificationConfigsRequest,
  ListTaskPushNotificationConfigsResponse,
  ListTasksRequest,
  ListTasksResponse,
  Message,
  SendMessageRequest,
  StreamResponse,
  SubscribeToTaskRequest,
  TaskPushNotificationConfig,
} from '@a2a-js/sdk';
import {
  RequestMalformedError,
  TaskNotCancelableError,
  TaskNotFoundError,
  UnsupportedOperationError,
} from '@a2a-js/sdk/errors';
import type { A2ARequestHandler, ServerCallContext } from '@a2a-js/sdk/server';
import { RefusedError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import { isOpen } from '../../machines/task.machine.ts';
import type { BatteryNode } from '../../node.ts';
import { agentIn, groupOf, ownKey } from '../operations/call.ts';
import { type A2aCall, callOf } from './call.ts';
import { extendedCard, publicCard, signed } from './card.ts';
import { guarded, guardedStream } from './failure.ts';
import { follow, waitForEnd } from './follow.ts';
import { type Accepted, checkedMessage, type Found, type Intake } from './intake.ts';
import { pageOf, tokenAfter } from './list.ts';
import type { PushDesk } from './push-desk.ts';
import type { A2aRecords, Handed } from './records.ts';
import type { TaskIndex } from './task-index.ts';
import { describe, parseHandle } from './wire.ts';

/** Of the tasks of one page, with their histories and artifacts; one task alone may have more. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;

export interface HandlerOptions {
  readonly node: BatteryNode;
  readonly records: A2aRecords;
  readonly push: PushDesk;
  readonly intake: Intake;
  readonly index: TaskIndex;
  readonly report: (error: unknown) => void;
}

export class GroupHandler implements A2ARequestHandler {
  private readonly options: HandlerOptions;

  constructor(options: HandlerOptions) {
    this.options = options;
  }

  // The card.

  async getAgentCard(): Promise<AgentCard> {
    return publicCard('');
  }

  getAuthenticatedExtendedAgentCard(_: unknown, context: ServerCallContext): Promise<AgentCard> {
    return this.guarded(context, async ({ caller: { node, place } }) =>
      signed(node, extendedCard(place.base, node.groups()), place),
    );
  }

  // Sending.

  sendMessage(request: SendMessageRequest, context: ServerCallContext): Promise<Message | A2aTask> {
    return this.guarded(context, async (call) => {
      const { place, task, handed } = await this.accept(request, call);
      const { returnImmediately = false, historyLength } = request.configuration ?? {};
      const state = returnImmediately
        ? place.now.task(task)!
        : await waitForEnd(place, task, handed, call.caller.signal);
      return withHistory(describe(place, state, handed), historyLength);
    });
  }

  sendMessageStream(
    request: SendMessageRequest,
    context: ServerCallContext,
  ): AsyncGenerator<StreamResponse, void> {
    const accept = this.accept.bind(this);
    return this.guardedStream(context, async function* (call) {
      const { place, task, handed } = await accept(request, call);
      yield* follow(place, task, handed, call.caller.signal);
    });
  }

  resubscribe(
    request: SubscribeToTaskRequest,
    context: ServerCallContext,
  ): AsyncGenerator<StreamResponse, void> {
    const find = this.find.bind(this);
    return this.guardedStream(context, async function* (call) {
      const { place, task, state, handed } = find(request.id, call);
      if (!isOpen(state)) throw new UnsupportedOperationError(`the task is over: it is ${state.status}`);
      yield* follow(place, task, handed, call.caller.signal);
    });
  }

  /** The task of a message: a new one, or the one that it names or has become before. */
  private async accept(request: SendMessageRequest, call: A2aCall): Promise<Accepted> {
    const { intake, push } = this.options;
    const checked = checkedMessage(request);
    const { taskId } = checked.message;
    const asked = request.configuration?.taskPushNotificationConfig;
    const target = asked && push.checked(asked);
    const accepted =
      taskId === ''
        ? await intake.begin(checked, this.groupOf(request.tenant, call), call)
        : await intake.goOn(checked, this.find(taskId, call), call);
    if (target !== undefined) await push.add(accepted, target);
    return accepted;
  }

  private groupOf(tenant: string, call: A2aCall): Group {
    const named = call.tenant ?? tenant;
    return groupOf(call.operation, named === '' ? undefined : named);
  }

  // Looking.

  getTask({ id, historyLength }: GetTaskRequest, context: ServerCallContext): Promise<A2aTask> {
    return this.guarded(context, async (call) => {
      const { place, state, handed } = this.find(id, call);
      return withHistory(describe(place, state, handed), historyLength);
    });
  }

  listTasks(request: ListTasksRequest, context: ServerCallContext): Promise<ListTasksResponse> {
    return this.guarded(context, async (call) => {
      const named = call.tenant ?? request.tenant;
      const groups = named === '' ? call.caller.node.groups() : [this.groupOf(named, call)];
      const { index, records } = this.options;
      const { page, ...rest } = pageOf(index.list(groups, ownKey(call.operation)), request);
      const { historyLength = 0, includeArtifacts } = request;
      const tasks: A2aTask[] = [];
      let bytes = 0;
      for (const { group, task } of page) {
        const place = this.options.node.group(group);
        const handed = historyLength === 0 ? records.handedAtFirst(group, task) : records.handed(group, task);
        const described = describe(place, place.now.task(task)!, handed!);
        const shown = includeArtifacts ? described : { ...described, artifacts: [] };
        const one = withHistory(shown, historyLength);
        bytes += historyLength === 0 && !includeArtifacts ? 0 : JSON.stringify(one).length;
        // Histories and artifacts are as long as others made them: the rest is another page.
        if (bytes > PAGE_BYTES_MAX && tasks.length > 0)
          return { ...rest, tasks, nextPageToken: tokenAfter(page[tasks.length - 1]!) };
        tasks.push(one);
      }
      return { ...rest, tasks };
    });
  }

  /** A task of A2A that the caller may see. @throws TaskNotFoundError for any other, as if there were none */
  find(id: string, call: A2aCall): Found {
    if (id === '') throw new RequestMalformedError('the id of the task is missing');
    const handle = parseHandle(id);
    const { records } = this.options;
    const { node } = call.caller;
    if (handle === undefined || !node.groupIds().includes(handle.group)) throw new TaskNotFoundError();
    const place = node.group(handle.group);
    const state = place.now.task(handle.task);
    const handed = records.handed(handle.group, handle.task);
    if (state?.creator !== handed?.owner) throw new TaskNotFoundError();
    if (state === undefined || handed === undefined || !this.isVisible(handed, call))
      throw new TaskNotFoundError();
    return { ...handle, place, state, handed };
  }

  private isVisible({ owner }: Handed, call: A2aCall): boolean {
    const own = ownKey(call.operation);
    return own === undefined || own === owner;
  }

  // Ending.

  cancelTask({ id }: CancelTaskRequest, context: ServerCallContext): Promise<A2aTask> {
    return this.guarded(context, async (call) => {
      const { place, task, state, handed } = this.find(id, call);
      if (!isOpen(state)) throw new TaskNotCancelableError(`the task is ${state.status}`);
      try {
        await agentIn(call.operation, place).cancelTask(task);
      } catch (error) {
        // It was over a moment before.
        if (!(error instanceof RefusedError) || error.refusal.code !== 'task_state') throw error;
        throw new TaskNotCancelableError(`the task is ${place.now.task(task)!.status}`);
      }
      return describe(place, place.now.task(task)!, handed);
    });
  }

  // Push notifications.

  createTaskPushNotificationConfig(
    config: TaskPushNotificationConfig,
    context: ServerCallContext,
  ): Promise<TaskPushNotificationConfig> {
    const { push } = this.options;
    return this.guarded(context, async (call) =>
      push.add(this.find(config.taskId, call), push.checked(config)),
    );
  }

  getTaskPushNotificationConfig(
    { taskId, id }: GetTaskPushNotificationConfigRequest,
    context: ServerCallContext,
  ): Promise<TaskPushNotificationConfig> {
    return this.guarded(context, async (call) => {
      const found = this.find(taskId, call);
      return this.options.push.get(found, id, isOwner(found, call));
    });
  }

  listTaskPushNotificationConfigs(
    { taskId }: ListTaskPushNotificationConfigsRequest,
    context: ServerCallContext,
  ): Promise<ListTaskPushNotificationConfigsResponse> {
    return this.guarded(context, async (call) => {
      const found = this.find(taskId, call);
      return { configs: this.options.push.list(found, isOwner(found, call)), nextPageToken: '' };
    });
  }

  deleteTaskPushNotificationConfig(
    { taskId, id }: DeleteTaskPushNotificationConfigRequest,
    context: ServerCallContext,
  ): Promise<void> {
    return this.guarded(context, (call) => this.options.push.delete(this.find(taskId, call), id));
  }

  private guarded<T>(context: ServerCallContext, work: (call: A2aCall) => Promise<T>): Promise<T> {
    return guarded(callOf(context), this.options.report, work);
  }

  private guardedStream<T>(
    context: ServerCallContext,
    work: (call: A2aCall) => AsyncGenerator<T>,
  ): AsyncGenerator<T, void> {
    return guardedStream(callOf(context), this.options.report, work);
  }
}

function isOwner({ handed }: Found, call: A2aCall): boolean {
  return ownKey(call.operation) === handed.owner;
}

function withHistory(task: A2aTask, length: number | undefined): A2aTask {
  if (length === undefined) return task;
  if (length < 0) throw new RequestMalformedError('historyLength is not negative');
  return { ...task, history: length === 0 ? [] : task.history.slice(-length) };
}
