import { expect, test } from 'vitest';
import { describeFact, nameOrId } from '../../../interfaces/cli/facts.ts';

const key = 'ab'.repeat(32);
const other = 'cd'.repeat(32);

test('a fact is said in words, with dates and spans instead of milliseconds', () => {
  const fact = {
    kind: 'task.changed',
    rewardFrom: 'mint',
    leaseUntilMs: Date.UTC(2026, 0, 31, 12),
    leaseMs: 90_000,
    tsMs: Date.UTC(2026, 0, 31),
    policy: { grant_window_ms: 86_400_000 },
  };
  expect(describeFact(fact, (id) => id)).toBe(
    'reward from: mint, lease until: 2026-01-31T12:00:00.000Z, lease: 1m 30s, time: 2026-01-31T00:00:00.000Z, policy: {grant_window_ms: 1d}',
  );
});

test('members have names, and other ids are shown as whoever prints wants them', () => {
  const name = nameOrId(
    () => 'bob',
    new Set([key]),
    (id) => id,
  );
  expect(describeFact({ to: key, claim: other }, name)).toBe(`to: bob, claim: ${other}`);
});

test('what a member wrote cannot act on a terminal', () => {
  expect(describeFact({ name: 'a\u001b[2J' }, (id) => id)).toBe('name: a\\u001b[2J');
});
