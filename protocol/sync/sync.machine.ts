/** The life of one group's sync: it pulls when told to, waits longer after each failure, and rests while paused. */
import { setup } from 'xstate';

export type SyncEvent =
  | { type: 'pull' }
  | { type: 'done' }
  | { type: 'failed' }
  | { type: 'pause' }
  | { type: 'resume' };

export const syncMachine = setup({ types: { events: {} as SyncEvent } }).createMachine({
  id: 'sync',
  initial: 'idle',
  on: { pause: '.paused' },
  states: {
    idle: { on: { pull: 'syncing' } },
    syncing: { on: { done: 'idle', failed: 'backoff' } },
    /** Never for ever: the next pull, by time or by an announcement, tries again. */
    backoff: { on: { pull: 'syncing' } },
    paused: { on: { resume: 'idle' } },
  },
});
