import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { NotFoundError, RefusedError } from '../../../actors/errors.ts';
import { KeystoreLostError } from '../../../crypto/keystore-errors.ts';
import { refuse } from '../../../events/refusals.ts';
import { OutputFailedError } from '../../../interfaces/cli/errors.ts';
import { EXIT } from '../../../interfaces/cli/exit-codes.ts';
import { failureOf, formatFailure } from '../../../interfaces/cli/failures.ts';
import { envelope, Verbatim } from '../../../interfaces/cli/json.ts';
import { cleanLine, cleanText, formatSpan, formatTime, shorten } from '../../../interfaces/cli/text.ts';
import { StorageError } from '../../../storage/errors.ts';

describe('the envelope', () => {
  test('keys in snake_case, amounts as strings, bytes as hex, absent fields left out', () => {
    const data = {
      txId: 'a',
      amount: 2n ** 60n,
      bytes: Uint8Array.of(1, 255),
      absent: undefined,
      list: [{ aB: 1n }],
    };
    expect(JSON.parse(envelope(data))).toEqual({
      schema_version: 1,
      data: { tx_id: 'a', amount: '1152921504606846976', bytes: '01ff', list: [{ a_b: '1' }] },
    });
  });

  test('warnings stand beside the data, and only where there are some', () => {
    expect(JSON.parse(envelope({}, ['look out']))).toEqual({
      schema_version: 1,
      data: {},
      warnings: ['look out'],
    });
    expect(JSON.parse(envelope({}, []))).toEqual({ schema_version: 1, data: {} });
  });

  test("somebody's data stays as it is", () => {
    expect(JSON.parse(envelope({ metaData: new Verbatim({ aB: { cD: 1 } }) })).data).toEqual({
      meta_data: { aB: { cD: 1 } },
    });
  });
});

describe('failures', () => {
  const account = 'a'.repeat(64);

  test.each([
    [new NotFoundError('x'), 'not_found', EXIT.notFound],
    [
      new RefusedError(refuse('balance_too_low', { account, balance: 0n, needed: 1n })),
      'refused',
      EXIT.refused,
    ],
    [new StorageError('disk_full', 'full'), 'disk_full', EXIT.environment],
    [new CommanderError(1, 'commander.unknownCommand', "error: unknown command 'x'"), 'usage', EXIT.usage],
    [
      Object.assign(new Error('ENOSPC: …'), { code: 'ENOSPC', syscall: 'write', path: 'f' }),
      'disk_full',
      EXIT.environment,
    ],
    [
      Object.assign(new Error('EEXIST: …'), { code: 'EEXIST', syscall: 'open', path: 'f' }),
      'exists',
      EXIT.refused,
    ],
    [Object.assign(new Error('EISDIR: …'), { code: 'EISDIR', syscall: 'read' }), 'not_a_file', EXIT.usage],
    [new KeystoreLostError('f'), 'keystore_lost', EXIT.environment],
    [new OutputFailedError(new Error('ENOSPC: …')), 'output_failed', EXIT.environment],
    [new TypeError('x is not a function'), 'bug', EXIT.bug],
    ['a string', 'bug', EXIT.bug],
  ])('%s', (error, code, exitCode) => {
    expect(failureOf(error)).toMatchObject({ code, exitCode });
  });

  test("an error of the system's comes in words, with or without a path", () => {
    const raw = (path?: string) =>
      Object.assign(new Error('ENOSPC: raw'), { code: 'ENOSPC', syscall: 'write', path });
    expect(failureOf(raw('f'))?.message).toBe(
      'cannot write f: the disk is full; free some space and try again',
    );
    expect(failureOf(raw())?.message).not.toMatch(/undefined|raw/);
  });

  test('help and version are none', () => {
    expect(failureOf(new CommanderError(0, 'commander.helpDisplayed', '(outputHelp)'))).toBeUndefined();
  });

  test('are one line, for people and for machines', () => {
    const refused = new RefusedError(refuse('balance_too_low', { account, balance: 0n, needed: 1n }));
    const failure = failureOf(refused)!;
    expect(JSON.parse(formatFailure(failure, true))).toMatchObject({
      schema_version: 1,
      code: 'refused',
      exit_code: 4,
      refusal: { code: 'balance_too_low', account, balance: '0', needed: '1' },
    });
    expect(formatFailure({ ...failure, message: 'two\nlines \u001b[31m' }, false)).toBe(
      'lb: two\\nlines \\u001b[31m',
    );
  });
});

describe('text for people', () => {
  test('what a terminal would act on is made visible', () => {
    expect(cleanLine('a\tb\r\nc\u0007\u202e\u0085')).toBe('a\\tb\\r\\nc\\u0007\\u202e\\u0085');
    expect(cleanText('a\r\nb\tc\u001b')).toBe('a\nb\tc\\u001b');
    expect(cleanLine('👩‍👧 naïve ✓')).toBe('👩‍👧 naïve ✓');
  });

  test('spans and times', () => {
    expect([0, 999, 61_000, 90_061_000].map(formatSpan)).toEqual(['0ms', '999ms', '1m 1s', '1d 1h']);
    expect(formatTime(0)).toBe('1970-01-01T00:00:00.000Z');
    expect(formatTime(Number.MAX_SAFE_INTEGER)).toBe(`${Number.MAX_SAFE_INTEGER} ms`);
  });

  test('shortening counts characters, not halves of them', () => {
    expect(shorten('🙂🙂🙂', 2)).toBe('🙂…');
    expect(shorten('abc', 3)).toBe('abc');
  });
});
