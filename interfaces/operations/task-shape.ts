/** A task as interfaces give it out. Title, description and error are its creator's and assignee's words. */
import type { Group } from '../../actors/group.ts';
import type { Task } from '../../actors/group-view.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { given, namesIn, ownKey } from './call.ts';
import type { Call } from './operation.ts';
import { flag, list, number, optional, output, pointOut, text, tokensOut, type ValueOf } from './schema.ts';

const status = text();

/** What a change of a task gives back. */
export const taskChange = output({
  task_id: text(),
  status,
  attempt: number(),
  tx_id: text(),
  height: number(),
});

export const taskShape = output({
  task_id: text(),
  title: text(),
  status,
  attempt: number(),
  creator: text(),
  creator_name: text(),
  is_own: flag(),
  description: optional(text()),
  assignee: optional(text()),
  tags: list(text()),
  due_ms: optional(pointOut()),
  lease_until_ms: optional(pointOut()),
  reward: optional(tokensOut('whole tokens, for the assignee')),
  result: optional(text('id of a claim')),
  error: optional(text()),
});
export type TaskWire = ValueOf<typeof taskShape>;

/** Which state of a task somebody was told: another text for every change. */
export function versionOf({ status, attempt, updatedMs }: Task): string {
  return `${status} ${attempt} ${updatedMs}`;
}

/** Describes tasks of one group; names are looked up once for all of them. */
export class TaskDesk {
  private readonly own: Hex32 | undefined;
  private readonly nameOf: (key: Hex32) => string;

  constructor(call: Call, group: Group) {
    this.own = ownKey(call);
    this.nameOf = namesIn(call, group);
  }

  describe(task: Task): TaskWire {
    const { creator, assignee, description, dueMs, leaseUntilMs, reward, result, error } = task;
    return {
      task_id: task.task,
      title: task.title,
      status: task.status,
      attempt: task.attempt,
      creator,
      creator_name: this.nameOf(creator),
      is_own: creator === this.own,
      tags: [...task.tags],
      ...given({ description, assignee, due_ms: dueMs, lease_until_ms: leaseUntilMs, result, error }),
      ...given({ reward: reward?.toString() }),
    };
  }
}
