/**
 * Push notifications: whoever asked for it is told of each task that changes, with the task as it is by then. States
 * that follow each other quickly are told as the last of them. What was told is on disk, so a node that was away tells
 * what it has missed; a target that does not answer is tried again for some minutes, and then given up for that state.
 *
 * A target costs nobody but who named it: between its tries it holds no place among those that are being told, the
 * owners of tasks share those places, and targets that failed before have no more than a part of them.
 */
import { A2A_CONTENT_TYPE, StreamResponse } from '@a2a-js/sdk';
import { isOpen } from '../../machines/task.machine.ts';
import type { BatteryNode } from '../../node.ts';
import { FairShare } from '../http/fair-share.ts';
import { versionOf } from '../operations/task-shape.ts';
import { PROTOCOL_VERSION } from './card.ts';
import { type Notification, PushTargetError, post, type TargetPolicy } from './push-target.ts';
import type { A2aRecords, Target } from './records.ts';
import { describe } from './wire.ts';

/** Targets of one task, and of all tasks that are not over. */
export const TARGETS_PER_TASK_MAX = 8;
const TARGETS_MAX = 10_000;
/** Notifications under way at once; one is a connection that waits, for ten seconds at the most. */
const SENDING_MAX = 256;
/** Of them, to targets that did not take the last one. */
const FAILING_MAX = 64;
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

const taskNameOf = ({ group, task }: Target): string => `${group}${task}`;
const nameOf = (target: Target): string => `${taskNameOf(target)}/${target.config}`;

/** A target of a task that is not over, or that is not told so yet. */
interface Followed {
  target: Target;
  /** Whose task it is: among owners, places are shared. */
  readonly owner: string;
  /** Whether it counts among the owner's; those of before a restart are there, whatever the share. */
  readonly hasPlace: boolean;
  /** Tries that failed, of the state that is to be told. */
  tries: number;
  /** It did not take the last one. */
  isFailing: boolean;
  /** It is being told, or it waits for its next try. */
  state: 'resting' | 'queued' | 'sending' | 'waiting';
  timer: NodeJS.Timeout | undefined;
}

export class Pusher {
  private readonly options: PusherOptions;
  private readonly followed = new Map<string, Followed>();
  private readonly byTask = new Map<string, Set<Followed>>();
  private readonly places = new FairShare(TARGETS_MAX);
  private readonly slots = new FairShare(SENDING_MAX);
  private failing = 0;
  /** Those that found no slot, in turn. */
  private readonly queue = new Set<Followed>();
  private readonly sending = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly unsubscribe: () => void;

  constructor(options: PusherOptions) {
    this.options = options;
    for (const target of options.records.targets()) if (!this.isDone(target)) this.follow(target);
    const changes = options.node.bus.log$.subscribe(({ groupId, event }) => {
      if (event.kind !== 'task.changed') return;
      for (const one of this.byTask.get(`${groupId}${event.task}`) ?? []) this.tell(one);
    });
    this.unsubscribe = () => changes.unsubscribe();
    for (const one of this.followed.values()) this.tell(one);
  }

  /** Whether the owner of a task has as many targets as there may be: as many as are left to others. */
  isFull(target: Pick<Target, 'group' | 'task'>): boolean {
    const owner = this.ownerOf(target);
    if (!this.places.take(owner)) return true;
    this.places.give(owner);
    return false;
  }

  /** Tells a new target from now on; it is on disk. */
  add(target: Target): void {
    // The new one of the same name has failed in nothing yet.
    this.remove(target);
    this.tell(this.follow(target));
  }

  remove(target: Target): void {
    const one = this.followed.get(nameOf(target));
    if (one === undefined) return;
    this.followed.delete(nameOf(one.target));
    const ofTask = this.byTask.get(taskNameOf(one.target));
    ofTask?.delete(one);
    if (ofTask?.size === 0) this.byTask.delete(taskNameOf(one.target));
    if (one.hasPlace) this.places.give(one.owner);
    this.queue.delete(one);
    clearTimeout(one.timer);
  }

  /** Ends what is under way; it is told after the next start. */
  async close(): Promise<void> {
    this.unsubscribe();
    this.stopping.abort();
    for (const { timer } of this.followed.values()) clearTimeout(timer);
    await Promise.allSettled(this.sending);
  }

  private follow(target: Target): Followed {
    const owner = this.ownerOf(target);
    const hasPlace = this.places.take(owner);
    const one: Followed = {
      ...{ target, owner, hasPlace, tries: 0, isFailing: false },
      state: 'resting',
      timer: undefined,
    };
    this.followed.set(nameOf(target), one);
    const ofTask = this.byTask.get(taskNameOf(target)) ?? new Set();
    this.byTask.set(taskNameOf(target), ofTask.add(one));
    return one;
  }

  private ownerOf({ group, task }: Pick<Target, 'group' | 'task'>): string {
    return this.options.records.handedAtFirst(group, task)?.owner ?? '';
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

  private isFollowed(one: Followed): boolean {
    return this.followed.get(nameOf(one.target)) === one;
  }

  /** Tells a target, if there is something to tell and a slot for it. Never throws: timers and events call it. */
  private tell(one: Followed): void {
    try {
      this.tellNow(one);
    } catch (error) {
      // A group that is damaged keeps its own targets waiting, and nothing else.
      this.queue.delete(one);
      if (one.state === 'queued') one.state = 'resting';
      this.options.report(error);
    }
  }

  private tellNow(one: Followed): void {
    const isFree = one.state === 'resting' || one.state === 'queued';
    if (!isFree || this.stopping.signal.aborted) return;
    const { target, owner } = one;
    // While the keys are locked, nothing proves to it who tells it; it is told after the next change.
    if (target.sealed !== undefined && this.options.node.isLocked) return;
    const task = this.taskOf(target);
    if (task === undefined || versionOf(task) === target.told) return;
    const { isFailing } = one;
    if ((isFailing && this.failing >= FAILING_MAX) || !this.slots.take(owner)) {
      one.state = 'queued';
      this.queue.add(one);
      return;
    }
    this.queue.delete(one);
    one.state = 'sending';
    if (isFailing) this.failing++;
    const sent = this.send(one)
      .catch((error: unknown) => this.options.report(error))
      .finally(() => {
        this.sending.delete(sent);
        this.slots.give(owner);
        if (isFailing) this.failing--;
        if (one.state === 'sending') one.state = 'resting';
        // What has changed meanwhile, and those who had no slot.
        if (this.isFollowed(one)) this.tell(one);
        this.tellQueued();
      });
    this.sending.add(sent);
  }

  /** Those who had no slot, in turn; an owner for whose first there is none has none for the others. */
  private tellQueued(): void {
    const passed = new Set<string>();
    for (const one of [...this.queue]) {
      const kind = `${one.isFailing} ${one.owner}`;
      if (passed.has(kind)) continue;
      this.tell(one);
      if (one.state === 'queued') passed.add(kind);
    }
  }

  /** One try. */
  private async send(one: Followed): Promise<void> {
    const { target } = one;
    const notification = this.notificationOf(target);
    if (notification === undefined) {
      this.remove(target);
      return;
    }
    try {
      await post(this.withSecrets(notification, target), this.options, this.stopping.signal);
    } catch (error) {
      if (!(error instanceof PushTargetError)) throw error;
      if (!this.stopping.signal.aborted && this.isFollowed(one)) await this.failed(one, notification, error);
      return;
    }
    one.isFailing = false;
    await this.told(one, notification.version);
  }

  private async failed(
    one: Followed,
    { version }: { readonly version: string },
    error: PushTargetError,
  ): Promise<void> {
    const { retryMs = RETRY_MS, givenUp } = this.options;
    const waitMs = retryMs[one.tries];
    one.isFailing = true;
    if (waitMs === undefined || error.code === 'target_refused') {
      givenUp?.(one.target, error);
      return this.told(one, version);
    }
    one.tries++;
    one.state = 'waiting';
    one.timer = setTimeout(() => {
      one.state = 'resting';
      this.tell(one);
    }, waitMs);
    one.timer.unref();
  }

  private async told(one: Followed, version: string): Promise<void> {
    // It may have been removed while it was told.
    if (!this.isFollowed(one)) return;
    const told = { ...one.target, told: version };
    await this.options.records.putTarget(told);
    if (!this.isFollowed(one)) return;
    one.target = told;
    one.tries = 0;
    if (this.isDone(told)) this.remove(told);
  }

  private notificationOf(target: Target): (Notification & { readonly version: string }) | undefined {
    const { node, records } = this.options;
    const task = this.taskOf(target);
    // A notification has the message that the task came from; what followed is got with the task.
    const first = records.handedAtFirst(target.group, target.task);
    if (task === undefined || first === undefined) return undefined;
    const { url } = target;
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
