import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../actors/errors.ts';
import {
  assertArguments,
  parseAmount,
  parseCount,
  parseFutureTime,
  parseList,
  parseObject,
  parseSpan,
  parseTime,
} from '../../../interfaces/cli/parse.ts';
import { POLICY_HELP, POLICY_KEYS, parsePolicy } from '../../../interfaces/cli/policy.ts';

const NOW = 1_700_000_000_000;

describe('what people type', () => {
  test.each([
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['250', 250],
    ['5ms', 5],
  ])('the span %s', (text, ms) => {
    expect(parseSpan(text, '--lease')).toBe(ms);
  });

  test.each(['', 'h', '-1h', '1.5h', '1y', 'soon', '1h soon'])('%j is no span', (text) => {
    expect(() => parseSpan(text, '--lease')).toThrow(UsageError);
  });

  test('times are absolute, or counted from now', () => {
    expect(parseTime('24h', '--since', NOW, 'ago')).toBe(NOW - 86_400_000);
    expect(parseTime('24h', '--due', NOW, 'from now')).toBe(NOW + 86_400_000);
    expect(parseTime(String(NOW), '--since', NOW, 'ago')).toBe(NOW);
    expect(parseTime('2023-11-14T22:13:20Z', '--since', 0, 'ago')).toBe(NOW);
    expect(() => parseTime('2023-99-99', '--since', NOW, 'ago')).toThrow(UsageError);
    expect(() => parseTime('yesterday', '--since', NOW, 'ago')).toThrow(UsageError);
  });

  test('amounts are whole and bounded', () => {
    expect(parseAmount('9223372036854775807', '--amount')).toBe(2n ** 63n - 1n);
    for (const text of ['0', '9223372036854775808', '-1', '1.0', '0x10', '1e3', ' 1', ''])
      expect(() => parseAmount(text, '--amount')).toThrow(UsageError);
  });

  test('counts have bounds', () => {
    expect(parseCount('20', '--limit')).toBe(20);
    for (const text of ['0', '1000001', 'x', '1.5'])
      expect(() => parseCount(text, '--limit')).toThrow(UsageError);
  });

  test('lists lose blanks and doubles', () => {
    expect(parseList(' a, b,,a ')).toEqual(['a', 'b']);
    expect(parseList(undefined)).toEqual([]);
  });

  test('metadata is an object', () => {
    expect(parseObject('{"a":1}', '--metadata')).toEqual({ a: 1 });
    for (const text of ['[]', '1', 'null', '{', ''])
      expect(() => parseObject(text, '--metadata')).toThrow(UsageError);
  });

  test('the policy by its declaration', () => {
    const texts = ['faucet_amount=5', 'grant_window_ms=2h', 'max_total_supply=none', 'discoverable=true'];
    expect(parsePolicy(texts, '--set')).toEqual({
      faucet_amount: 5n,
      grant_window_ms: 7_200_000,
      max_total_supply: undefined,
      discoverable: true,
    });
    for (const text of ['faucet_amount', 'nope=1', 'discoverable=yes', 'faucet_amount=none', '__proto__=1'])
      expect(() => parsePolicy([text], '--set')).toThrow(UsageError);
  });

  test.each([
    ['transfer_fee_bps=abc', 'expected 1/10,000 parts from 0 to 5000'],
    ['transfer_fee_bps=5001', 'expected 1/10,000 parts from 0 to 5000'],
    ['faucet_amount=1d', 'expected whole tokens, such as 100'],
    ['faucet_amount=none', 'expected whole tokens, such as 100'],
    ['max_total_supply=lots', 'expected whole tokens, such as 100000, or "none"'],
    ['grant_window_ms=soon', 'expected a span from 1s to 90d'],
    ['dispute_window_ms=91d', 'expected a span from 1s to 90d'],
    ['discoverable=yes', 'expected true or false'],
    ['faucet=5', 'did you mean faucet_amount?'],
  ])('%s is told what its key takes', (text, says) => {
    expect(() => parsePolicy([text], '--set')).toThrow(says);
  });

  test('a key of the policy is named once', () => {
    expect(() => parsePolicy(['faucet_amount=1', 'faucet_amount=2'], '--set')).toThrow('twice');
  });

  test('the help of the policy has every key', () => {
    for (const key of POLICY_KEYS) expect(POLICY_HELP).toContain(key);
  });

  test('spans have bounds, and none is beyond the calendar', () => {
    expect(parseSpan('1s', '--lease', 1_000, 60_000)).toBe(1_000);
    expect(() => parseSpan('2m', '--lease', 1_000, 60_000)).toThrow(
      '--lease 2m: expected a span from 1s to 1m',
    );
    expect(() => parseSpan('999999999w', '--lease')).toThrow(UsageError);
    expect(() => parseTime('999999999d', '--due', NOW, 'from now')).toThrow(UsageError);
  });

  test('a time to come is one', () => {
    expect(parseFutureTime('1h', '--expires', NOW)).toBe(NOW + 3_600_000);
    for (const text of ['0s', '2020-01-01', String(NOW)])
      expect(() => parseFutureTime(text, '--expires', NOW)).toThrow('is over');
  });

  test('arguments are text', () => {
    expect(() => assertArguments(['ok', 'caf\ufffd'])).toThrow('argument 2');
    expect(() => assertArguments(['naïve ✓'])).not.toThrow();
  });
});
