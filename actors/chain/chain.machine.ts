/**
 * The life of a group's chain in this node. It follows while somebody else seals, seals while one of its own
 * keys may, and halts with a reason when it can do neither; a halted chain is loaded again on request.
 */
import { assign, setup } from 'xstate';

export type ChainEvent =
  | { type: 'loaded'; seals: boolean }
  | { type: 'sealersChanged'; seals: boolean }
  | { type: 'failed'; reason: string }
  | { type: 'reload' }
  | { type: 'close' };

export const chainMachine = setup({
  types: { context: {} as { reason: string | undefined }, events: {} as ChainEvent },
  guards: {
    seals: ({ event }) => 'seals' in event && event.seals,
  },
  actions: {
    keepReason: assign({ reason: ({ event }) => (event.type === 'failed' ? event.reason : undefined) }),
    forgetReason: assign({ reason: undefined }),
  },
}).createMachine({
  id: 'chain',
  initial: 'loading',
  context: { reason: undefined },
  on: { close: '.closed' },
  states: {
    loading: {
      entry: 'forgetReason',
      on: {
        loaded: [{ guard: 'seals', target: 'sealing' }, { target: 'following' }],
        failed: { target: 'halted', actions: 'keepReason' },
      },
    },
    following: {
      on: {
        sealersChanged: [{ guard: 'seals', target: 'sealing' }],
        failed: { target: 'halted', actions: 'keepReason' },
      },
    },
    sealing: {
      on: {
        sealersChanged: [{ guard: 'seals', target: 'sealing' }, { target: 'following' }],
        failed: { target: 'halted', actions: 'keepReason' },
      },
    },
    halted: { on: { reload: 'loading' } },
    closed: { type: 'final' },
  },
});
