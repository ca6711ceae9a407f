/** What people are told of a refusal: every code, with the payload that the rules really give. */
import { describe, expect, test } from 'vitest';
import { BrokenHistoryError, RefusedError } from '../../../actors/errors.ts';
import { type RefusalCode, refuse } from '../../../events/refusals.ts';
import { ExplainedRefusal } from '../../../interfaces/cli/errors.ts';
import { EXIT } from '../../../interfaces/cli/exit-codes.ts';
import { failureOf } from '../../../interfaces/cli/failures.ts';
import { explain } from '../../../interfaces/cli/refusals/explain.ts';
import { plainSay, type Say } from '../../../interfaces/cli/refusals/say.ts';
import { personOf } from '../../support/people.ts';
import { SCENARIOS } from '../../support/refusals/all.ts';
import { refusalOf } from '../../support/refusals/run.ts';
import type { Scenario } from '../../support/refusals/scenario.ts';
import { START_MS, World } from '../../support/world.ts';

const say: Say = {
  ...plainSay(START_MS + 3_600_000),
  name: (key) => personOf(key).name,
  tokens: (amount) => `${amount} LB`,
  signer: 'bob',
};

/** Inner names, numbers of milliseconds, whole ids, and what stands where nothing was known. */
const RAW = /\b[a-z]+[A-Z]\w*|\b[a-z]+(_[a-z]+)+\b|\b1[6-9]\d{11}\b|\bundefined\b|\bnull\b|\[object/;
/** What people type: keys of the policy, keys of members, texts in quotes. */
const TYPED = /\b(max_total_supply|max_account_balance|\w+_(window_ms|bps|amount))\b|[0-9a-f]{64}|"[^"]*"/g;

describe('every refusal in words', () => {
  test.each(Object.entries(SCENARIOS) as [RefusalCode, Scenario][])('%s', async (_, scenario) => {
    const world = new World();
    for (const step of scenario.given) step(world);
    const refusal = (await refusalOf(world, scenario))!;
    const { why, next } = explain(refusal, say);
    for (const text of [why, next]) {
      expect(text.length).toBeGreaterThan(10);
      expect(text).not.toMatch(/[.;]$/);
      // These repeat the declaration of a field.
      if (refusal.code === 'malformed' || refusal.code === 'block_malformed') continue;
      expect(text.replaceAll(TYPED, '')).not.toMatch(RAW);
    }
    expect(next).not.toMatch(/lb (remove|revoke|retract|cancel)/);
  });

  test('times are dates, with their distance', () => {
    const refusal = refuse('grant_window_closed', { purchase: 'ab'.repeat(32), untilMs: START_MS });
    expect(explain(refusal, say).why).toMatch(/ended at 2026-01-01 00:00:00 UTC \(1h ago\)$/);
  });

  test('amounts have their unit, and what is missing is worked out', () => {
    const refusal = refuse('balance_too_low', { account: 'ab'.repeat(32), balance: 30n, needed: 100n });
    const { why, next } = explain(refusal, { ...say, name: () => 'bob' });
    expect(why).toBe('bob has 30 LB, and this takes 100 LB in all');
    expect(next).toContain('get 70 LB more');
  });

  test('an attempt is over, or has not come yet', () => {
    const stale = (attempt: number) =>
      explain(refuse('task_attempt_stale', { task: 't', attempt, current: 3 }), say).why;
    expect(stale(2)).toContain('attempt 2 of the task t is over: it is at attempt 3 now');
    expect(stale(9)).toContain('there is no attempt 9 of the task t yet: it is at attempt 3');
  });

  test('what is wrong with a transaction in a block is said with the block', () => {
    const inner = refuse('amount_zero', {});
    const refusal = refuse('block_transaction_refused', { index: 2, txId: undefined, refusal: inner });
    expect(explain(refusal, say).why).toBe('transaction 2 of the block is not valid: the amount is 0');
  });
});

describe('failures made of refusals', () => {
  const zero = refuse('amount_zero', {});

  test('say why and what next, and give both to machines', () => {
    const failure = failureOf(new ExplainedRefusal(zero, explain(zero, say)))!;
    expect(failure).toMatchObject({ exitCode: EXIT.refused, code: 'refused' });
    expect(failure.message).toBe('the amount is 0; name at least one token');
    expect(failure.details).toEqual({ refusal: zero, next: 'name at least one token' });
  });

  test('of what was never signed are the fault of the command line', () => {
    const error = new RefusedError(refuse('malformed', { what: 'x: expected y' }));
    expect(failureOf(error)).toMatchObject({ exitCode: EXIT.usage });
  });

  test('a broken history names its height and the reason in words', () => {
    const refusal = refuse('block_wrong_sealer', { sealer: 'ab'.repeat(32) });
    expect(failureOf(new BrokenHistoryError(7, refusal))!.message).toMatch(
      /^the history is broken at height 7: the block was sealed by abababababab, who may not seal; /,
    );
  });
});
