/** What can be done with a purchase follows its state and the clock, by the same edges as the rules. */
import { expect, test } from 'vitest';
import type { Purchase } from '../../../actors/group-view.ts';
import { purchaseFields } from '../../../interfaces/cli/verbs/purchases.ts';
import { nextStep } from '../../../interfaces/operations/next-step.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const purchase: Purchase = {
  purchase: 'aa'.repeat(32),
  offer: 'bb'.repeat(32),
  buyer: 'cc'.repeat(32),
  buyerKey: 'dd'.repeat(32),
  amount: 10n,
  status: 'escrowed',
  createdMs: NOW - 1_000,
  grantUntilMs: NOW,
  disputeWindowMs: 1_000,
  disputeUntilMs: undefined,
  sealedKey: undefined,
};
const granted: Purchase = { ...purchase, status: 'granted', disputeUntilMs: NOW };

test.each([
  ['before the end of the time to grant', purchase, NOW, 'seller', ['grant']],
  ['after it', purchase, NOW + 1, 'buyer', ['refund-purchase']],
  ['before the end of the time to dispute', granted, NOW, 'buyer', ['accept-purchase', 'dispute-purchase']],
  ['after it, too', granted, NOW + 1, 'anyone', ['settle-purchase']],
] as const)('%s', (_, record, nowMs, by, verbs) => {
  expect(nextStep(record, nowMs)).toMatchObject({ by, verbs });
});

test.each(['settled', 'refunded', 'disputed'] as const)('nothing is next when it is %s', (status) => {
  expect(nextStep({ ...purchase, status }, NOW)).toBeUndefined();
});

test('a deadline that passed is no deadline any more', () => {
  const next = (nowMs: number): string | undefined =>
    purchaseFields(purchase, (key) => key, nowMs).find(([label]) => label === 'next')![1];
  expect(next(NOW)).toBe('seller: grant until 2026-01-31T12:00');
  expect(next(NOW + 1)).toBe('buyer: refund-purchase');
});
