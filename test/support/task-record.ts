/** Task records as the state holds them, for tests that put them there without a chain. */
import { encode } from '../../events/codec.ts';
import { type TaskRecord, taskTable } from '../../machines/tables.ts';
import { founder } from './people.ts';

/** A pending task of the founder, but for what is said otherwise. */
export function taskRecord(differing: Partial<TaskRecord> = {}): TaskRecord {
  return {
    status: 'pending',
    creator: founder.publicKey,
    createdMs: 0,
    updatedMs: 0,
    dueMs: undefined,
    assignee: undefined,
    taken: false,
    attempt: 0,
    leaseMs: undefined,
    leaseUntilMs: undefined,
    reward: undefined,
    rewardFrom: 'mint',
    result: undefined,
    error: undefined,
    ...differing,
  };
}

/** The state's entry of a task; without a record, that it is gone. */
export function taskEntry(task: string, record?: TaskRecord): readonly [string, Uint8Array | undefined] {
  return [taskTable.prefix + task, record && encode(taskTable.codec, record)];
}
