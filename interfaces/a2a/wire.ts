/**
 * A task of a group as A2A has it. The states of the one are states of the other:
 *
 *     pending, assigned    submitted
 *     in_progress          working
 *     completed            completed, with its result as an artifact
 *     failed               failed, with the error as the message
 *     cancelled            canceled
 */
import {
  type Task as A2aTask,
  type Artifact,
  type Message,
  type Part,
  Role,
  TaskState,
  type TaskStatus,
} from '@a2a-js/sdk';
import { ContentTypeNotSupportedError, RequestMalformedError } from '@a2a-js/sdk/errors';
import type { Group } from '../../actors/group.ts';
import type { Task } from '../../actors/group-view.ts';
import { sha256 } from '../../crypto/hash.ts';
import { type Hex32, toHex, utf8 } from '../../events/bytes.ts';
import { CLAIM_TEXT_BYTES_MAX } from '../../events/limits.ts';
import type { Handed } from './records.ts';

const STATES: Readonly<Record<Task['status'], TaskState>> = {
  pending: TaskState.TASK_STATE_SUBMITTED,
  assigned: TaskState.TASK_STATE_SUBMITTED,
  in_progress: TaskState.TASK_STATE_WORKING,
  completed: TaskState.TASK_STATE_COMPLETED,
  failed: TaskState.TASK_STATE_FAILED,
  cancelled: TaskState.TASK_STATE_CANCELED,
};

export function stateOf(status: Task['status']): TaskState {
  return STATES[status];
}

/** Where a task is: its group and its id there. */
export interface Handle {
  readonly group: Hex32;
  readonly task: string;
}

/** A task's id over A2A, which names its group too. */
export function formatHandle({ group, task }: Handle): string {
  return `${group}.${Buffer.from(task).toString('base64url')}`;
}

export function parseHandle(id: string): Handle | undefined {
  const [, group, task] = /^([0-9a-f]{64})\.([\w-]{1,128})$/.exec(id) ?? [];
  return group === undefined ? undefined : { group, task: Buffer.from(task!, 'base64url').toString() };
}

/**
 * The id of the task that a message becomes. It follows from who says it and what the message is called, so that the
 * same message is the same task, however often it comes.
 */
export function taskIdOf(owner: Hex32, group: Hex32, messageId: string): string {
  return `a2a-${hashOf('task', owner, group, messageId).slice(0, 24)}`;
}

/** The context of a message that names none. */
export function contextIdOf(owner: Hex32, group: Hex32, messageId: string): string {
  return `context-${hashOf('context', owner, group, messageId).slice(0, 24)}`;
}

function hashOf(...parts: readonly string[]): string {
  return toHex(sha256(utf8(JSON.stringify(parts))));
}

/** A task, the message that it came from, and those that followed. */
export function describe(group: Group, task: Task, handed: Handed): A2aTask {
  const id = formatHandle({ group: group.groupId, task: task.task });
  const { contextId, message, later } = handed;
  const artifact = artifactOf(group, task);
  return {
    id,
    contextId,
    status: statusOf({ id, contextId }, task),
    artifacts: artifact === undefined ? [] : [artifact],
    history: [message, ...later].map((one) => ({ ...one, taskId: id, contextId })),
    metadata: { groupId: group.groupId, taskId: task.task, attempt: task.attempt },
  };
}

/** The status of a task now. */
function statusOf(names: { id: string; contextId: string }, task: Task): TaskStatus {
  const { status, error, updatedMs, attempt } = task;
  const message = error === undefined ? undefined : said(names, `${status}-${attempt}`, error);
  return { state: STATES[status], message, timestamp: new Date(updatedMs).toISOString() };
}

/** What the one who works says, as a message. */
export function said(
  { id, contextId }: { id: string; contextId: string },
  name: string,
  text: string,
): Message {
  return {
    messageId: `${id}/${name}`,
    contextId,
    taskId: id,
    role: Role.ROLE_AGENT,
    parts: [textPart(text)],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  };
}

/** The result of a task: a claim of the group. */
export function artifactOf(group: Group, { result }: Task): Artifact | undefined {
  if (result === undefined) return undefined;
  const text = group.claimContent(result)?.text;
  return {
    artifactId: result,
    name: 'result',
    description: 'A claim of the group, by who completed the task',
    parts: text === undefined ? [] : [textPart(text)],
    metadata: { claim: result },
    extensions: [],
  };
}

function textPart(text: string): Part {
  return {
    content: { $case: 'text', value: text },
    metadata: undefined,
    filename: '',
    mediaType: 'text/plain',
  };
}

/**
 * What a message says, as text.
 * @throws ContentTypeNotSupportedError for files, RequestMalformedError for nothing or too much
 */
export function textOfMessage({ parts }: Message): string {
  const text = parts.map(textOfPart).join('\n\n').trim();
  if (text === '')
    throw new RequestMalformedError('the message says nothing: it needs a part with text or data');
  if (Buffer.byteLength(text) > CLAIM_TEXT_BYTES_MAX)
    throw new RequestMalformedError(`the message has more than ${CLAIM_TEXT_BYTES_MAX} bytes of text`);
  if (text.includes('\0') || !text.isWellFormed())
    throw new RequestMalformedError('the message has text that is no Unicode, or NUL in it');
  return text;
}

function textOfPart({ content }: Part): string {
  if (content?.$case === 'text') return content.value;
  if (content?.$case === 'data') return JSON.stringify(content.value, undefined, 2) ?? '';
  throw new ContentTypeNotSupportedError(
    'a group takes work as text or data, not as files; link to them in the text',
  );
}
