/** Targets of push notifications, as callers make, read and remove them. */
import { randomUUID } from 'node:crypto';
import type { TaskPushNotificationConfig } from '@a2a-js/sdk';
import { RequestMalformedError, TaskNotFoundError } from '@a2a-js/sdk/errors';
import { type Pusher, TARGETS_PER_TASK_MAX } from './push.ts';
import { parseTarget, type TargetPolicy } from './push-target.ts';
import type { A2aRecords, Target } from './records.ts';
import { formatHandle, type Handle } from './wire.ts';

const ID = /^[\w.-]{1,64}$/;
const SECRET_CHARACTERS_MAX = 4_096;
/** What a header may hold. */
const HEADER = /^[\x20-\x7e]*$/;

export class PushDesk {
  private readonly records: A2aRecords;
  private readonly pusher: Pusher;
  private readonly policy: TargetPolicy;
  /** Targets of each task that are on their way to the disk: they have their places already. */
  private readonly coming = new Map<string, number>();

  constructor(records: A2aRecords, pusher: Pusher, policy: TargetPolicy) {
    this.records = records;
    this.pusher = pusher;
    this.policy = policy;
  }

  /** @throws RequestMalformedError, PushTargetError for what is not to be told */
  checked(config: TaskPushNotificationConfig): TaskPushNotificationConfig {
    const { id, url, token, authentication } = config;
    parseTarget(url, this.policy);
    if (id !== '' && !ID.test(id)) throw new RequestMalformedError('an id is 1 to 64 of A-Z a-z 0-9 . _ -');
    const { scheme = '', credentials = '' } = authentication ?? {};
    for (const text of [token, scheme, credentials])
      if (text.length > SECRET_CHARACTERS_MAX || !HEADER.test(text))
        throw new RequestMalformedError('a token and credentials are what a header of HTTP can hold');
    if (authentication !== undefined && !/^[A-Za-z][\w-]*$/.test(scheme))
      throw new RequestMalformedError('the scheme of the authentication is one word, such as Bearer');
    return config;
  }

  /** Tells a target of a task; one of the same id is replaced. @param config as `checked` gave it */
  async add(
    { group, task }: Handle,
    config: TaskPushNotificationConfig,
  ): Promise<TaskPushNotificationConfig> {
    const { url, token, authentication, id } = config;
    const name = formatHandle({ group, task });
    const present = this.records.targets({ group, task });
    const isNew = !present.some((one) => one.config === id);
    const coming = this.coming.get(name) ?? 0;
    if (isNew && (present.length + coming >= TARGETS_PER_TASK_MAX || this.pusher.isFull({ group, task })))
      throw new RequestMalformedError(
        `there are as many targets as there may be, ${TARGETS_PER_TASK_MAX} of one task`,
      );
    const made = { group, task, config: id === '' ? randomUUID() : id, url, told: '' };
    const target = this.records.sealedTarget(made, { token, ...(authentication && { authentication }) });
    this.coming.set(name, coming + 1);
    try {
      await this.records.putTarget(target);
    } finally {
      const left = this.coming.get(name)! - 1;
      if (left === 0) this.coming.delete(name);
      else this.coming.set(name, left);
    }
    this.pusher.add(target);
    return this.describe(target, true);
  }

  /** @param isOwner whether the caller made them; to others their secrets are not shown */
  list(handle: Handle, isOwner: boolean): TaskPushNotificationConfig[] {
    return this.records.targets(handle).map((target) => this.describe(target, isOwner));
  }

  get(handle: Handle, id: string, isOwner: boolean): TaskPushNotificationConfig {
    return this.describe(this.target(handle, id), isOwner);
  }

  /** What is not there is removed already. */
  async delete({ group, task }: Handle, id: string): Promise<void> {
    const target = this.records.target(group, task, id);
    if (target === undefined) return;
    this.pusher.remove(target);
    await this.records.deleteTarget(target);
  }

  private target({ group, task }: Handle, id: string): Target {
    const target = ID.test(id) ? this.records.target(group, task, id) : undefined;
    if (target === undefined) throw new TaskNotFoundError('the task has no such target of notifications');
    return target;
  }

  private describe(target: Target, isOwner: boolean): TaskPushNotificationConfig {
    const { config, url } = target;
    const { token = '', authentication } = (isOwner ? this.records.secretsOf(target) : undefined) ?? {};
    return { tenant: '', id: config, taskId: formatHandle(target), url, token, authentication };
  }
}
