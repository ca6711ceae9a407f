/** The system's errors in words: no name of an error, no text of the system, and always what to do. */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { describeErrno, errnoKind, errnoName, errnoReason, type FileAction } from '../../../events/errno.ts';

function errorOf(use: () => unknown): unknown {
  try {
    return use();
  } catch (error) {
    return error;
  }
}

describe('the name of an error', () => {
  test("is the system's own", () => {
    expect(errnoName(errorOf(() => readFileSync('/no/such/file')))).toBe('ENOENT');
  });

  test.each([
    ["Node's", () => readFileSync('a\0b')],
    ['a bug', () => (undefined as unknown as string).length],
    ['no error', () => ({ code: 'ENOENT', syscall: 'open' })],
    ['one of ours', () => Object.assign(new Error('x'), { code: 'io' })],
  ])('is missing where it is %s', (_, use) => {
    expect(errnoName(errorOf(use))).toBeUndefined();
  });
});

describe('one line', () => {
  const actions: readonly FileAction[] = ['read', 'write', 'make'];

  test.each(Object.keys(constants.errno))('%s', (name) => {
    for (const action of actions) {
      const line = describeErrno(name, action, 'some/path');
      expect(line).toMatch(new RegExp(`^cannot ${action} some/path: .+; .+$`));
      expect(line).not.toMatch(/undefined|\n/);
      expect(line).toContain(errnoReason(name, action));
    }
  });

  test('a path that is missing means another thing where something is made', () => {
    expect(errnoReason('ENOENT', 'read')).toContain('there is no such file');
    expect(errnoReason('ENOENT', 'write')).toContain('the folder for it is not there');
  });

  test.each([
    ['ENOSPC', 'disk_full'],
    ['EDQUOT', 'disk_full'],
    ['ENOENT', 'not_found'],
    ['EEXIST', 'exists'],
    ['EISDIR', 'not_a_file'],
    ['EROFS', 'io'],
    ['ENOTHING', 'io'],
  ])('%s is %s', (name, kind) => {
    expect(errnoKind(name)).toBe(kind);
  });
});
