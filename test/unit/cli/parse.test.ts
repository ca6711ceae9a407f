import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../actors/errors.ts';
import {
  assertArguments,
  parseAmount,
  parseCount,
  parseList,
  parseObject,
  parseSpan,
  parseTime,
} from '../../../interfaces/cli/parse.ts';
import { parsePolicy } from '../../../interfaces/cli/policy.ts';

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
    for (const text of ['9223372036854775808', '-1', '1.0', '0x10', '1e3', ' 1', ''])
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

  test('arguments are text', () => {
    expect(() => assertArguments(['ok', 'caf\ufffd'])).toThrow('argument 2');
    expect(() => assertArguments(['naïve ✓'])).not.toThrow();
  });
});
