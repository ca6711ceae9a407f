/**
 * The life of an order: one purchase from the buyer's side, from the moment the signed transaction is on
 * disk.
 *
 * Where the chain has got to counts, not what this node remembers: each event is something that was seen (on the
 * chain, in a proof, in the package), and what to do follows from the state alone. So whoever starts again
 * after a crash looks, takes the events that they missed, and goes on.
 */
import { setup } from 'xstate';
import { compile } from '../../machines/compile.ts';

export const ORDER_STATES = [
  'requested',
  'escrowed',
  'granted',
  'verified',
  'unfit',
  'settled',
  'refunded',
  'disputed',
  'failed',
] as const;
export type OrderState = (typeof ORDER_STATES)[number];

export const ORDER_EVENTS = [
  'refused',
  'retry',
  'escrow',
  'grant',
  'opened',
  'spoilt',
  'settle',
  'refund',
  'dispute',
] as const;
export type OrderEvent = (typeof ORDER_EVENTS)[number];

/** The chain may have gone on to the end while nobody looked. */
const ENDS = { settle: 'settled', refund: 'refunded', dispute: 'disputed' } as const;

export const orderMachine = setup({ types: { events: {} as { type: OrderEvent } } }).createMachine({
  id: 'order',
  initial: 'requested',
  states: {
    /** The purchase is signed and on disk, and may have been sent. */
    requested: { on: { refused: 'failed', escrow: 'escrowed', grant: 'granted', ...ENDS } },
    /** The money is in escrow; the seller's turn. */
    escrowed: { on: { grant: 'granted', ...ENDS } },
    /** The seller has granted a key, which is still to be tried. */
    granted: { on: { opened: 'verified', spoilt: 'unfit', ...ENDS } },
    /** The key is the one that was promised, and the package opens with it; to be accepted. */
    verified: { on: ENDS },
    /** The key is the one that was promised, and the package does not open with it: no rule can judge that. */
    unfit: { on: ENDS },
    settled: { type: 'final' },
    refunded: { type: 'final' },
    disputed: { type: 'final' },
    /** The rules refused the purchase: nothing was paid. The same transaction may be tried again. */
    failed: { on: { retry: 'requested', escrow: 'escrowed', grant: 'granted', ...ENDS } },
  },
});

/** The next state, or nothing where the event changes nothing. */
export const nextOrderState = compile<OrderState, OrderEvent>(orderMachine, ORDER_EVENTS);

/** Nothing more happens to an order in these; `failed` ends it unless somebody tries again. */
const FINAL: ReadonlySet<OrderState> = new Set(['settled', 'refunded', 'disputed', 'failed']);
export const isFinal = (state: OrderState): boolean => FINAL.has(state);
