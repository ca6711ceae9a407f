/**
 * Push notifications: whoever asked for it is told of each task that changes, with the task as it is by then. States
 * that follow each other quickly are told as the last of them. What was told is on disk, so a node that was away tells
 * what it has missed; a target that does not answer is tried again for some minutes, and then given up for that state.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { A2A_CONTENT_TYPE, StreamResponse } from '@a2a-js/sdk';
import { isOpen } from '../../machines/task.machine.ts';
import type { BatteryNode } from '../../node.ts';
import { versionOf } from '../operations/task-shape.ts';
import { PROTOCOL_VERSION } from './card.ts';
import { type Notification, PushTargetError, post, type TargetPolicy } from './push-target.ts';
import type { A2aRecords, Target } from './records.ts';
import { describe } from './wire.ts';

/** Targets of one task, and of all tasks that are not over. */
export const TARGETS_PER_TASK_MAX = 8;
const TARGETS_MAX = 10_000;
/** Notifications under way at once. */
const SENDING_MAX = 16;
/** Between tries; after the last of them the state is given up. */
const RETRY_MS: readonly number[] = [1_000, 4_000, 16_000, 64_000, 256_000];

export interface PusherOptions extends TargetPolicy {
  readonly node: BatteryNode;
  readonly records: A2aRecords;
  /** Told of what must not happen. */
  readonly report: (error: unknown) => void;
  /** Told of what was given up. */
  readonly givenUp?: (target: Target, error: PushTargetError) => void;
  readonly retryMs?: readonly number[];
}

const nameOf = ({ group, task, config }: Target): string => `${group}${task}/${config}`;

export class Pusher {
  private readonly options: PusherOptions;
  /** Targets of tasks that are not over, or that are not told so yet. */
  private readonly targets = new Map<string, Target>();
  private readonly sending = new Map<string, Promise<void>>();
  private readonly waiting = new Set<string>();
  private readonly stopping = new AbortController();
  private readonly unsubscribe: () => void;

  constructor(options: PusherOptions) {
    this.options = options;
    for (const target of options.records.targets())
      if (!this.isDone(target)) this.targets.set(nameOf(target), target);
    const heads = options.node.bus.head$.subscribe(({ groupId }) => this.look(groupId));
    this.unsubscribe = () => heads.unsubscribe();
    this.look();
  }

  get isFull(): boolean {
    return this.targets.size >= TARGETS_MAX;
  }

  /** Tells a new target from now on; it is on disk. */
  add(target: Target): void {
    this.targets.set(nameOf(target), target);
    this.look(target.group);
  }

  remove(target: Target): void {
    this.targets.delete(nameOf(target));
  }

  /** Ends what is under way; it is told after the next start. */
  async close(): Promise<void> {
    this.unsubscribe();
    this.stopping.abort();
    await Promise.allSettled(this.sending.values());
  }

  private taskOf({ group, task }: Target) {
    const { node } = this.options;
    return node.groupIds().includes(group) ? node.group(group).now.task(task) : undefined;
  }

  /** Whether there is nothing left to tell, ever. */
  private isDone(target: Target): boolean {
    const task = this.taskOf(target);
    return task === undefined || (!isOpen(task) && versionOf(task) === target.told);
  }

  private look(group?: string): void {
    for (const [name, target] of this.targets)
      if (group === undefined || target.group === group) this.tell(name, target);
  }

  private tell(name: string, target: Target): void {
    if (this.sending.has(name) || this.stopping.signal.aborted) return;
    // While the keys are locked, nothing proves to it who tells it; it is told after the next change.
    if (target.sealed !== undefined && this.options.node.isLocked) return;
    const task = this.taskOf(target);
    if (task === undefined || versionOf(task) === target.told) return;
    if (this.sending.size >= SENDING_MAX) {
      this.waiting.add(name);
      return;
    }
    const sent = this.send(name, target)
      .catch((error: unknown) => this.options.report(error))
      .finally(() => {
        this.sending.delete(name);
        // What has changed meanwhile, and those who had no turn.
        const next = [name, ...this.waiting];
        this.waiting.clear();
        for (const one of next) {
          const waiting = this.targets.get(one);
          if (waiting !== undefined) this.tell(one, waiting);
        }
      });
    this.sending.set(name, sent);
  }

  private async send(name: string, target: Target): Promise<void> {
    const { retryMs = RETRY_MS, records, givenUp } = this.options;
    for (let tries = 0; ; tries++) {
      const notification = this.notificationOf(target);
      if (notification === undefined) return void this.targets.delete(name);
      try {
        await post(this.withSecrets(notification, target), this.options, this.stopping.signal);
        return await this.told(name, target, notification.version);
      } catch (error) {
        if (!(error instanceof PushTargetError)) throw error;
        if (this.stopping.signal.aborted) return;
        const waitMs = retryMs[tries];
        if (waitMs === undefined || error.code === 'target_refused') {
          givenUp?.(target, error);
          return await this.told(name, target, notification.version);
        }
        await delay(waitMs, undefined, { signal: this.stopping.signal }).catch(() => {});
        if (
          this.stopping.signal.aborted ||
          records.target(target.group, target.task, target.config) === undefined
        )
          return;
      }
    }
  }

  private async told(name: string, target: Target, version: string): Promise<void> {
    // It may have been removed while it was told.
    if (!this.targets.has(name)) return;
    const told = { ...target, told: version };
    await this.options.records.putTarget(told);
    if (this.isDone(told)) this.targets.delete(name);
    else this.targets.set(name, told);
  }

  private notificationOf(target: Target): (Notification & { readonly version: string }) | undefined {
    const { node, records } = this.options;
    const task = this.taskOf(target);
    const handed = records.handed(target.group, target.task);
    if (task === undefined || handed === undefined) return undefined;
    const { url } = target;
    // A notification has the message that the task came from; what followed is got with the task.
    const first = { ...handed, later: [] };
    const payload = { $case: 'task' as const, value: describe(node.group(target.group), task, first) };
    return {
      url,
      version: versionOf(task),
      body: JSON.stringify(StreamResponse.toJSON({ payload })),
      headers: {
        'content-type': A2A_CONTENT_TYPE,
        'a2a-version': PROTOCOL_VERSION,
      },
    };
  }

  private withSecrets(notification: Notification, target: Target): Notification {
    const secrets = this.options.records.secretsOf(target);
    if (secrets === undefined)
      throw new PushTargetError('target_refused', 'what proves who tells the target does not open');
    const { token, authentication } = secrets;
    const proof = {
      ...(token === '' ? {} : { 'x-a2a-notification-token': token }),
      ...(authentication && { authorization: `${authentication.scheme} ${authentication.credentials}` }),
    };
    return { ...notification, headers: { ...notification.headers, ...proof } };
  }
}
