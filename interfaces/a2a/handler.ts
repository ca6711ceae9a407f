/**
 * A2A requests as work of a group. There is no executor behind it: a message becomes a task on the board, and the
 * agents of the group do it. What a task is, is read from the log at every request.
 *
 * A caller sees the tasks that he has handed over himself, by the key of his identity; one whose token only reads sees
 * all that came over A2A, as he sees all of the group elsewhere.
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
import { unwrap } from '../../actors/agent.ts';
import { RefusedError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import type { Task } from '../../actors/group-view.ts';
import { PendingError } from '../../actors/outbox.ts';
import { isOpen } from '../../actors/tasks/open-tasks.ts';
import { DESCRIPTION_BYTES_MAX, TASK_TITLE_CHARACTERS_MAX } from '../../events/limits.ts';
import type { BatteryNode } from '../../node.ts';
import { agentIn, groupOf, ownKey } from '../operations/call.ts';
import { type A2aCall, callOf } from './call.ts';
import { extendedCard, publicCard, signed } from './card.ts';
import { guarded, guardedStream } from './failure.ts';
import { follow, waitForEnd } from './follow.ts';
import { listPage } from './list.ts';
import type { PushDesk } from './push-desk.ts';
import type { A2aRecords, Handed } from './records.ts';
import { contextIdOf, describe, type Handle, parseHandle, taskIdOf, textOfMessage } from './wire.ts';

const MESSAGE_BYTES_MAX = 256 * 1024;
const ID_CHARACTERS_MAX = 256;
/** What is left of a long message in the description of its task, beside where the whole of it is. */
const EXCERPT_BYTES_MAX = DESCRIPTION_BYTES_MAX - 256;

const QUEUED_MAX = 10_000;

/** The task is kept on this node; who seals the group was not reached. */
class NotSealedYetError extends UnsupportedOperationError {
  constructor() {
    super(
      'the message is kept, and becomes a task when the sealer of the group is reached; send the very same message again to follow it',
    );
  }
}

/** A task that the caller may see. */
export interface Found extends Handle {
  readonly place: Group;
  readonly state: Task;
  readonly handed: Handed;
}

export interface HandlerOptions {
  readonly node: BatteryNode;
  readonly records: A2aRecords;
  readonly push: PushDesk;
  readonly report: (error: unknown) => void;
}

export class GroupHandler implements A2ARequestHandler {
  private readonly options: HandlerOptions;
  private readonly underWay = new Map<string, Promise<void>>();
  /** Tasks that wait in the outbox. */
  private readonly queued = new Set<string>();

  constructor(options: HandlerOptions) {
    this.options = options;
  }

  // The card.

  async getAgentCard(): Promise<AgentCard> {
    return publicCard('');
  }

  getAuthenticatedExtendedAgentCard(_: unknown, context: ServerCallContext): Promise<AgentCard> {
    return this.guarded(context, async ({ caller: { node, base } }) =>
      signed(node, extendedCard(base, node.groups()), base),
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

  /** The task of a message: a new one, or the one that the same message has become before. */
  private async accept(request: SendMessageRequest, call: A2aCall): Promise<Omit<Found, 'state'>> {
    const { message, configuration } = request;
    const checked = checkedMessage(message);
    const text = textOfMessage(checked);
    if (checked.taskId !== '') {
      this.find(checked.taskId, call);
      throw new UnsupportedOperationError(
        'a task of a group takes no more messages; cancel it, or send another message',
      );
    }
    const asked = configuration?.taskPushNotificationConfig;
    const push = asked && this.options.push.checked(asked);
    const place = this.groupOf(request.tenant, call);
    const { publicKey } = agentIn(call.operation, place);
    const group = place.groupId;
    const task = taskIdOf(publicKey, group, checked.messageId);
    const contextId = checked.contextId || contextIdOf(publicKey, group, checked.messageId);
    const { records } = this.options;
    const known = records.handed(group, task);
    const handed = known ?? { owner: publicKey, contextId, message: checked };
    // First what the task came from: a task is never without it, and the message comes again after a crash.
    if (known === undefined) await records.hand(group, task, handed);
    await this.once(`${group}${task}`, async () => {
      if (place.now.task(task) === undefined) await this.create(call, place, task, text);
    });
    if (place.now.task(task)!.creator !== publicKey)
      throw new UnsupportedOperationError(
        'another member has a task of that id; send the message under another id',
      );
    if (push !== undefined) await this.options.push.add({ group, task }, push);
    return { place, group, task, handed };
  }

  /** What comes twice at the same time is done once, and both wait for it. */
  private once(name: string, work: () => Promise<void>): Promise<void> {
    const under = this.underWay.get(name);
    if (under !== undefined) return under;
    const done = work().finally(() => this.underWay.delete(name));
    this.underWay.set(name, done);
    return done;
  }

  /** Puts the task on the board; what waits in the outbox for its sealer is not written again. */
  private async create(call: A2aCall, place: Group, task: string, text: string): Promise<void> {
    const name = `${place.groupId}${task}`;
    if (this.queued.has(name)) throw new NotSealedYetError();
    try {
      await create(call, place, task, text);
    } catch (error) {
      if (!(error instanceof PendingError)) throw error;
      // The oldest is forgotten: the group refuses a second task of one id by itself.
      const [oldest] = this.queued;
      if (this.queued.size >= QUEUED_MAX && oldest !== undefined) this.queued.delete(oldest);
      this.queued.add(name);
      throw new NotSealedYetError();
    }
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
      const groups = named === '' ? this.options.node.groups() : [this.groupOf(named, call)];
      const found = groups.flatMap((place) =>
        Array.from(this.options.records.allHanded(place.groupId), ([task, handed]) => {
          const state = place.now.task(task);
          const isOwn = state?.creator === handed.owner && this.isVisible(handed, call);
          return isOwn ? [{ place, group: place.groupId, task, state, handed }] : [];
        }).flat(),
      );
      const { tasks, ...page } = listPage(found, request);
      return { ...page, tasks: tasks.map((task) => withHistory(task, request.historyLength ?? 0)) };
    });
  }

  /** A task of A2A that the caller may see. @throws TaskNotFoundError for any other, as if there were none */
  find(id: string, call: A2aCall): Found {
    if (id === '') throw new RequestMalformedError('the id of the task is missing');
    const handle = parseHandle(id);
    const { node, records } = this.options;
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

function checkedMessage(message: Message | undefined): Message {
  if (message === undefined) throw new RequestMalformedError('the message is missing');
  const { messageId, contextId } = message;
  if (messageId === '' || messageId.length > ID_CHARACTERS_MAX || contextId.length > ID_CHARACTERS_MAX)
    throw new RequestMalformedError(`a message has an id of 1 to ${ID_CHARACTERS_MAX} characters`);
  if (JSON.stringify(message).length > MESSAGE_BYTES_MAX)
    throw new RequestMalformedError(`the message is larger than ${MESSAGE_BYTES_MAX} bytes`);
  return message;
}

/** Puts the task on the board; a text that is too long for its description becomes a claim, in the same transaction. */
async function create(call: A2aCall, place: Group, task: string, text: string): Promise<void> {
  const agent = agentIn(call.operation, place);
  const isLong = Buffer.byteLength(text) > DESCRIPTION_BYTES_MAX;
  const claim = isLong ? agent.prepareClaim({ text, tags: ['a2a', task] }) : undefined;
  const description =
    claim === undefined ? text : `${excerpt(text)}…\n\nThe whole message is the claim ${claim.claim}.`;
  const [first = ''] = text.split('\n', 1);
  const title = Array.from(first.trim()).slice(0, TASK_TITLE_CHARACTERS_MAX).join('');
  const terms = {
    assignee: undefined,
    dueMs: undefined,
    reward: undefined,
    leaseMs: undefined,
    tags: ['a2a'],
  };
  const operation = { type: 'task_create', task, title, description, ...terms } as const;
  unwrap(await agent.submit([...(claim?.operations ?? []), operation], claim?.artifacts));
}

function excerpt(text: string): string {
  const bytes = new TextEncoder().encode(text).subarray(0, EXCERPT_BYTES_MAX);
  return new TextDecoder().decode(bytes).replace(/\ufffd$/, '');
}

function withHistory(task: A2aTask, length: number | undefined): A2aTask {
  if (length === undefined) return task;
  if (length < 0) throw new RequestMalformedError('historyLength is not negative');
  return { ...task, history: length === 0 ? [] : task.history.slice(-length) };
}
