/** The order machine: every event in every state, and that whoever looks late ends where whoever watched ends. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isFinal,
  nextOrderState,
  ORDER_EVENTS,
  ORDER_STATES,
} from '../../../../actors/market/order.machine.ts';
import { seeded } from '../../../support/seed.ts';

const MOVES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  requested: { refused: 'failed', escrow: 'escrowed', grant: 'granted' },
  escrowed: { grant: 'granted' },
  granted: { opened: 'verified', spoilt: 'unfit' },
  verified: {},
  unfit: {},
  failed: { retry: 'requested', escrow: 'escrowed', grant: 'granted' },
};
const ENDS: Readonly<Record<string, string>> = { settle: 'settled', refund: 'refunded', dispute: 'disputed' };

describe('the order machine', () => {
  it.each(ORDER_STATES.flatMap((state) => ORDER_EVENTS.map((event) => [state, event] as const)))(
    '%s on %s',
    (state, event) => {
      const moves: Readonly<Record<string, string>> | undefined = MOVES[state];
      const expected = moves === undefined ? undefined : (moves[event] ?? ENDS[event]);
      expect(nextOrderState(state, event)).toBe(expected);
    },
  );

  it('ends in four states, of which one can be tried again', () => {
    expect(ORDER_STATES.filter(isFinal)).toEqual(['settled', 'refunded', 'disputed', 'failed']);
  });

  it('whoever sees only the last thing that the chain did ends where whoever saw everything ends', () => {
    const paths = [
      ['escrow'],
      ['escrow', 'grant'],
      ['escrow', 'grant', 'settle'],
      ['escrow', 'grant', 'dispute'],
      ['escrow', 'refund'],
    ] as const;
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.nat(), (path, missed) => {
        const seen = path.slice(missed % path.length);
        const walk = (events: readonly (typeof ORDER_EVENTS)[number][]) =>
          events.reduce(
            (state, event) => nextOrderState(state, event) ?? state,
            'requested' as const as (typeof ORDER_STATES)[number],
          );
        expect(walk(seen)).toBe(walk(path));
      }),
      seeded('order paths', 50),
    );
  });
});
