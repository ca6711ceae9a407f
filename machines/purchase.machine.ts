/** The life of a purchase on the chain. Deadlines and persons are the rule's business (market.ts). */
import { setup } from 'xstate';
import type { PurchaseStatus } from '../events/effects.ts';
import { compile } from './compile.ts';

export const PURCHASE_EVENTS = ['grant', 'accept', 'settle', 'refund', 'dispute'] as const;
export type PurchaseEvent = (typeof PURCHASE_EVENTS)[number];

export const purchaseMachine = setup({ types: { events: {} as { type: PurchaseEvent } } }).createMachine({
  id: 'purchase',
  initial: 'escrowed',
  states: {
    escrowed: { on: { grant: 'granted', refund: 'refunded' } },
    granted: { on: { accept: 'settled', settle: 'settled', dispute: 'disputed' } },
    settled: { type: 'final' },
    refunded: { type: 'final' },
    /** The buyer proved a wrong key: refunded, and the seller is marked. */
    disputed: { type: 'final' },
  },
});

export const nextPurchaseStatus = compile<PurchaseStatus, PurchaseEvent>(purchaseMachine, PURCHASE_EVENTS);
