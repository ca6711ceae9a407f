/**
 * The Tasks extension (io.modelcontextprotocol/tasks): work that is handed to a group is a handle, which the client
 * asks for until the work is over. There is no store behind it: the handle names a task of the group's log, whose own
 * states are the states of the handle.
 *
 *     pending, assigned, in_progress   working
 *     completed                        completed, with the result
 *     failed                           completed, with a result that is an error: `failed` is for the protocol's own
 *     cancelled                        cancelled
 */
import {
  type CallToolResult,
  MissingRequiredClientCapabilityError,
  type Server,
  type ServerContext,
  type StandardSchemaV1,
} from '@modelcontextprotocol/server';
import type { Group } from '../../actors/group.ts';
import type { Task } from '../../actors/group-view.ts';
import { isOpen } from '../../machines/task.machine.ts';
import { taskOf } from '../cli/resolve.ts';
import { agentIn, groupOf } from '../operations/call.ts';
import type { Call, Operation } from '../operations/operation.ts';
import { delegate, outcomeOf } from '../operations/task-desk.ts';
import { invalid, invalidFor } from './invalid.ts';
import { quickCall, type Session } from './session.ts';

export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** How often a client should ask: work of agents takes seconds at least. */
const POLL_MS = 1_000;

const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';

/** Whether the client of a request knows what to do with a handle. @param envelope the `_meta` of the request */
export function takesHandles(envelope: Readonly<Record<string, unknown>> | undefined): boolean {
  const capabilities = envelope?.[CAPABILITIES_KEY] as { extensions?: object } | undefined;
  return capabilities?.extensions !== undefined && Object.hasOwn(capabilities.extensions, TASKS_EXTENSION);
}

export function takesHandlesIn(context: ServerContext): boolean {
  return takesHandles(envelopeOf(context));
}

function envelopeOf({ mcpReq }: ServerContext): Readonly<Record<string, unknown>> | undefined {
  return mcpReq.envelope as Readonly<Record<string, unknown>> | undefined;
}

/**
 * The handle that a call gives back at once, where the operation is long and the client takes handles; else nothing.
 * What it names is on disk before it is given out.
 */
export async function handleFor(
  { name }: Operation,
  call: Call,
  input: unknown,
  context: ServerContext,
): Promise<CallToolResult | undefined> {
  if (!takesHandlesIn(context)) return undefined;
  const found = await taskFor(name, call, input);
  if (found === undefined) return undefined;
  const handle = { resultType: 'task', ...stateOf(found.group, found.group.now.task(found.task)!) };
  // The SDK knows no type for it; what it knows of results of tools is that they are objects.
  return handle as unknown as CallToolResult;
}

async function taskFor(
  name: string,
  call: Call,
  input: unknown,
): Promise<{ group: Group; task: string } | undefined> {
  if (name === 'delegate_task') return delegate(call, input as Parameters<typeof delegate>[1]);
  if (name !== 'wait_for_task') return undefined;
  const { group_id, task_id } = input as { group_id?: string; task_id: string };
  const group = groupOf(call, group_id);
  return { group, task: taskOf(group.now, task_id).task };
}

function stateOf(group: Group, task: Task) {
  const handle = `${group.groupId}.${Buffer.from(task.task).toString('base64url')}`;
  return {
    taskId: handle,
    status: isOpen(task) ? 'working' : task.status === 'cancelled' ? 'cancelled' : 'completed',
    statusMessage: `the task ${task.task} is ${task.status}`,
    createdAt: new Date(task.createdMs).toISOString(),
    lastUpdatedAt: new Date(task.updatedMs).toISOString(),
    // The log forgets nothing.
    ttlMs: null,
    pollIntervalMs: POLL_MS,
  };
}

/** A task of the log that a handle names. */
export interface FoundTask {
  readonly group: Group;
  readonly task: Task;
}

/** How a task is, with its result where it has one. */
export function detailOf(session: Session, { group, task }: FoundTask): Record<string, unknown> {
  const state = stateOf(group, task);
  if (state.status !== 'completed') return state;
  const structuredContent = outcomeOf(quickCall(session, NEVER), group, task);
  const content = [{ type: 'text', text: JSON.stringify(structuredContent) }];
  return { ...state, result: { content, structuredContent, isError: task.status === 'failed' } };
}

/** What is said at once is not taken back. */
const NEVER = new AbortController().signal;

/** Answers for handles. */
export function serveHandles(server: Server, session: Session): void {
  server.setRequestHandler('tasks/get', PARAMS, ({ taskId }, context) => {
    return detailOf(session, found(session, taskId, context));
  });
  server.setRequestHandler('tasks/cancel', PARAMS, async ({ taskId }, context) => {
    const { group, task } = found(session, taskId, context);
    if (isOpen(task)) await cancel(session, group, task, context);
    return {};
  });
  server.setRequestHandler('tasks/update', PARAMS, ({ taskId }, context) => {
    // No task of a group asks its client for anything, so there is nothing that an answer could be for.
    found(session, taskId, context);
    return {};
  });
}

async function cancel(session: Session, group: Group, { task }: Task, context: ServerContext): Promise<void> {
  const call = quickCall(session, context.mcpReq.signal);
  try {
    if (!session.scopes.has('write')) throw invalid('to cancel a task needs the scope write');
    await agentIn(call, group).cancelTask(task);
  } catch (error) {
    throw invalidFor(session, error, call);
  }
}

/** @throws ProtocolError for a handle that names nothing, MissingRequiredClientCapabilityError */
function found(session: Session, handle: string, context: ServerContext): FoundTask {
  if (!takesHandlesIn(context))
    throw new MissingRequiredClientCapabilityError({
      requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } },
    });
  const named = taskOfHandle(session, handle);
  if (named === undefined) throw invalid('there is no such task');
  return named;
}

/** The task that a handle names; nothing for a text that is none. */
export function taskOfHandle({ node }: Session, handle: string): FoundTask | undefined {
  const [groupId, encoded] = handle.split('.') as [string, string | undefined];
  if (encoded === undefined || !node.groupIds().includes(groupId)) return undefined;
  const group = node.group(groupId);
  const task = group.now.task(Buffer.from(encoded, 'base64url').toString());
  return task === undefined ? undefined : { group, task };
}

/** Parameters that name a handle, as the SDK takes schemas of methods that it does not know. */
const HANDLE: StandardSchemaV1<unknown, { taskId: string }> = {
  '~standard': {
    version: 1,
    vendor: 'battery-node',
    validate(value) {
      const taskId: unknown = (value as { taskId?: unknown } | undefined)?.taskId;
      return typeof taskId === 'string'
        ? { value: { taskId } }
        : { issues: [{ message: 'taskId is missing' }] };
    },
  },
};
const PARAMS = { params: HANDLE };
