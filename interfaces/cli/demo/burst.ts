/**
 * Many small transactions at once, for a rate that means something: the agents pay each other one token round the
 * table, so that nobody is richer afterwards. Every payment is signed, sealed and on disk before it counts.
 */

import type { Agent } from '../../../actors/agent.ts';
import { AGENTS, ensureBudget, type Workshop } from './cast.ts';

/** A second's work or less; a multiple of the agents, so that every round of the table is closed. */
const PAYMENTS = 3_000;
const CALLERS = 64;

export async function payRound(workshop: Workshop): Promise<void> {
  const { agents, narrator } = workshop;
  // Each payment costs its payer a fee of one token beside the one that comes back around the table.
  const paid = BigInt(Math.ceil(PAYMENTS / AGENTS.length));
  for (const name of AGENTS) await ensureBudget(workshop, name, paid + 2n);
  narrator.tells(
    `${PAYMENTS.toLocaleString('en-US')} payments of one token round the table, ${CALLERS} under way at a time`,
  );
  const ring = AGENTS.map((name) => agents[name]);
  const startMs = performance.now();
  const waits = await pay(ring);
  const seconds = (performance.now() - startMs) / 1000;
  const median = waits.sort((a, b) => a - b)[waits.length >> 1]!;
  const rate = Math.round(PAYMENTS / seconds).toLocaleString('en-US');
  narrator.tells(
    `${rate} transactions/s signed, sealed and flushed; half of the receipts within ${median.toFixed(1)} ms`,
  );
}

/** Returns how long each receipt took, milliseconds. */
async function pay(ring: readonly Agent[]): Promise<number[]> {
  const waits: number[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < PAYMENTS) {
      // Submitted in the order of the ring, so no balance ever falls by more than the one token.
      const at = next++;
      const from = ring[at % ring.length]!;
      const to = ring[(at + 1) % ring.length]!;
      const startMs = performance.now();
      await from.transfer(to.publicKey, 1n);
      waits.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return waits;
}
