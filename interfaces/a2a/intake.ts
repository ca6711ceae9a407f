/**
 * Messages, as they come in: a first one becomes a task on the board of its group, a later one for the same task a
 * claim in the task's thread, where the agents of the group find it. Whatever comes again is done once.
 */
import type { Message, SendMessageRequest } from '@a2a-js/sdk';
import { RequestMalformedError, UnsupportedOperationError } from '@a2a-js/sdk/errors';
import { type Agent, unwrap } from '../../actors/agent.ts';
import type { Group } from '../../actors/group.ts';
import type { Task } from '../../actors/group-view.ts';
import { PendingError } from '../../actors/outbox.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { DESCRIPTION_BYTES_MAX, TASK_TITLE_CHARACTERS_MAX } from '../../events/limits.ts';
import { isOpen } from '../../machines/task.machine.ts';
import { agentIn, given } from '../operations/call.ts';
import type { A2aCall } from './call.ts';
import type { A2aRecords, FollowUp, Handed } from './records.ts';
import type { TaskIndex } from './task-index.ts';
import { contextIdOf, type Handle, taskIdOf, textOfMessage } from './wire.ts';

const MESSAGE_BYTES_MAX = 256 * 1024;
const ID_CHARACTERS_MAX = 256;
/** What is left of a long message in the description of its task, beside where the whole of it is. */
const EXCERPT_BYTES_MAX = DESCRIPTION_BYTES_MAX - 256;
/** Messages that may follow the first one of a task. */
export const FOLLOW_UPS_MAX = 64;
/** All of them: they are read whenever somebody asks for the task. */
const FOLLOW_UPS_BYTES_MAX = 4 * 1024 * 1024;

const QUEUED_MAX = 10_000;

/** It is kept on this node; who seals the group was not reached. */
class NotSealedYetError extends UnsupportedOperationError {
  constructor() {
    super(
      'the message is kept, and reaches the group when its sealer is reached; send the very same message again to follow it',
    );
  }
}

/** A task that the caller may see. */
export interface Found extends Handle {
  readonly place: Group;
  readonly state: Task;
  readonly handed: Handed;
}

/** A message that has its task: where that is. */
export type Accepted = Omit<Found, 'state'>;

/** A message that was looked at, and what it says. */
interface Checked {
  readonly message: Message;
  readonly text: string;
}

/**
 * What a request says.
 * @throws RequestMalformedError, ContentTypeNotSupportedError
 */
export function checkedMessage({ message }: SendMessageRequest): Checked {
  if (message === undefined) throw new RequestMalformedError('the message is missing');
  const { messageId, contextId } = message;
  if (messageId === '' || messageId.length > ID_CHARACTERS_MAX || contextId.length > ID_CHARACTERS_MAX)
    throw new RequestMalformedError(`a message has an id of 1 to ${ID_CHARACTERS_MAX} characters`);
  if (JSON.stringify(message).length > MESSAGE_BYTES_MAX)
    throw new RequestMalformedError(`the message is larger than ${MESSAGE_BYTES_MAX} bytes`);
  return { message, text: textOfMessage(message) };
}

export class Intake {
  private readonly records: A2aRecords;
  private readonly index: TaskIndex;
  private readonly underWay = new Map<string, Promise<void>>();
  /** The last message of each task that is being taken in. */
  private readonly turns = new Map<string, Promise<void>>();
  /** What waits in the outbox. */
  private readonly queued = new Set<string>();

  constructor(records: A2aRecords, index: TaskIndex) {
    this.records = records;
    this.index = index;
  }

  /** The task of a first message: a new one, or the one that the same message has become before. */
  async begin({ message, text }: Checked, place: Group, call: A2aCall): Promise<Accepted> {
    const agent = agentIn(call.operation, place);
    const { publicKey } = agent;
    const group = place.groupId;
    const task = taskIdOf(publicKey, group, message.messageId);
    const contextId = message.contextId || contextIdOf(publicKey, group, message.messageId);
    const known = this.records.handed(group, task);
    const handed = known ?? { owner: publicKey, contextId, message, later: [] };
    // First what the task came from: a task is never without it, and the message comes again after a crash.
    if (known === undefined) {
      await this.records.hand(group, task, handed);
      this.index.add(group, task, handed);
    }
    await this.once(`${group}${task}`, {
      isDone: () => place.now.task(task) !== undefined,
      work: () => createTask(agent, task, text),
    });
    if (place.now.task(task)!.creator !== publicKey)
      throw new UnsupportedOperationError(
        'another member has a task of that id; send the message under another id',
      );
    return { place, group, task, handed };
  }

  /**
   * Says something about a task that is there, as a claim in its thread.
   * @throws UnsupportedOperationError where the task is over, or has as many messages as it may
   */
  async goOn({ message }: Checked, found: Found, call: A2aCall): Promise<Accepted> {
    const { place, group, task, state, handed } = found;
    if (message.contextId !== '' && message.contextId !== handed.contextId)
      throw new RequestMalformedError('the task is of another context');
    // The first message, sent again by one who has learnt of its task meanwhile.
    if (message.messageId === handed.message.messageId) return found;
    const agent = agentIn(call.operation, place);
    const known = this.records.followUp(group, task, message.messageId);
    await this.once(`${group}${task}/${message.messageId}`, {
      isDone: () => known !== undefined && place.now.claim(claimOf(agent, task, known).claim) !== undefined,
      work: () =>
        this.inTurn(`${group}${task}`, async () => {
          if (!isOpen(state))
            throw new UnsupportedOperationError(
              `the task is over: it is ${state.status}; send a new message`,
            );
          const followUp = known ?? (await this.keep(message, found, agent));
          const { operations, artifacts } = claimOf(agent, task, followUp);
          unwrap(await agent.submit(operations, artifacts));
        }),
    });
    return { ...found, handed: this.records.handed(group, task)! };
  }

  /** On disk before it is said, so that the very same claim can be made after a crash. */
  private async keep(
    message: Message,
    { place, group, task, state }: Found,
    agent: Agent,
  ): Promise<FollowUp> {
    const before = this.records.followUps(group, task);
    if (before.length >= FOLLOW_UPS_MAX)
      throw new UnsupportedOperationError(
        `${FOLLOW_UPS_MAX} messages followed the first already; send a new one`,
      );
    const sizes = [...before.map((one) => one.message), message].map((one) => JSON.stringify(one).length);
    if (sizes.reduce((sum, one) => sum + one, 0) > FOLLOW_UPS_BYTES_MAX)
      throw new UnsupportedOperationError(
        `the messages that followed the first have ${FOLLOW_UPS_BYTES_MAX} bytes already; send a new one`,
      );
    const [first] = before;
    const parent = longMessageOf(state) ?? (first && claimOf(agent, task, first).claim);
    const isThere = parent !== undefined && place.now.claim(parent) !== undefined;
    // The order of messages is the order of their times.
    const createdMs = Math.max(Date.now(), (before.at(-1)?.createdMs ?? 0) + 1);
    const followUp = { message, createdMs, ...(isThere ? { parent } : {}) };
    await this.records.addFollowUp(group, task, followUp);
    return followUp;
  }

  /** One after the other for each task: their number is bounded, and the first of them begins the thread. */
  private inTurn(name: string, work: () => Promise<void>): Promise<void> {
    const done = (this.turns.get(name) ?? Promise.resolve()).then(work, work);
    this.turns.set(name, done);
    const forget = (): void => {
      if (this.turns.get(name) === done) this.turns.delete(name);
    };
    done.then(forget, forget);
    return done;
  }

  /** What comes twice at the same time is done once, and both wait for it; nor is what waits in the outbox done again. */
  private once(name: string, what: Work): Promise<void> {
    const under = this.underWay.get(name);
    if (under !== undefined) return under;
    const done = this.unlessDone(name, what).finally(() => this.underWay.delete(name));
    this.underWay.set(name, done);
    return done;
  }

  private async unlessDone(name: string, { isDone, work }: Work): Promise<void> {
    if (isDone()) return void this.queued.delete(name);
    if (this.queued.has(name)) throw new NotSealedYetError();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof PendingError)) throw error;
      // The oldest is forgotten: the group refuses the same a second time by itself.
      const [oldest] = this.queued;
      if (this.queued.size >= QUEUED_MAX && oldest !== undefined) this.queued.delete(oldest);
      this.queued.add(name);
      throw new NotSealedYetError();
    }
  }
}

interface Work {
  isDone(): boolean;
  work(): Promise<void>;
}

/** The claim that a later message is. The same for the same message, however often it is made. */
function claimOf(agent: Agent, task: string, { message, createdMs, parent }: FollowUp) {
  return agent.prepareClaim({
    text: textOfMessage(message),
    tags: ['a2a', task],
    createdMs,
    ...given({ parent }),
  });
}

/** Puts the task on the board; a text that is too long for its description becomes a claim, in the same transaction. */
async function createTask(agent: Agent, task: string, text: string): Promise<void> {
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
    rewardFrom: undefined,
    leaseMs: undefined,
    tags: ['a2a'],
  };
  const operation = { type: 'task_create', task, title, description, ...terms } as const;
  unwrap(await agent.submit([...(claim?.operations ?? []), operation], claim?.artifacts));
}

/** The claim that has the whole of a message which was too long for the description. */
function longMessageOf({ description = '' }: Task): Hex32 | undefined {
  return /\n\nThe whole message is the claim ([0-9a-f]{64})\.$/.exec(description)?.[1];
}

function excerpt(text: string): string {
  const bytes = new TextEncoder().encode(text).subarray(0, EXCERPT_BYTES_MAX);
  return new TextDecoder().decode(bytes).replace(/\ufffd$/, '');
}
