/** What a member is doing, as far as the log should remember it. Heartbeats never come here. */
import { METADATA_BYTES_MAX } from '../limits.ts';
import { type OperationsOf, oneOf, operation, optional, text } from './define.ts';

export const presenceStatus = oneOf('active', 'idle', 'busy', 'offline');

export const presenceOperations = {
  presence: operation(50, 'Changes the own status or metadata (member).', {
    status: presenceStatus,
    /** A JSON object as text. */
    metadata: optional(text({ maxBytes: METADATA_BYTES_MAX })),
  }),
};
export type PresenceOperation = OperationsOf<typeof presenceOperations>;
