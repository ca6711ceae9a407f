/** What was typed against the bounds of its field: the flag is named, and nothing is signed. */
import { describe, expect, test } from 'vitest';
import { isBlank } from '../../../actors/blank-text.ts';
import { UsageError } from '../../../actors/errors.ts';
import { CLAIM_TEXT_BYTES_MAX, REASON_BYTES_MAX } from '../../../events/limits.ts';
import { OPERATIONS } from '../../../events/registry.ts';
import {
  checkClaimText,
  checkOptional,
  checkText,
  parseEvidence,
  parseTags,
} from '../../../interfaces/cli/fields.ts';

const { title } = OPERATIONS.task_create.fields;
const { reason } = OPERATIONS.retract.fields;

function message(check: () => unknown): string {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as UsageError).message;
  }
  throw new Error('this should have been refused');
}

describe('a text', () => {
  test('fits up to its last character, whatever that is made of', () => {
    expect(checkText('🙂'.repeat(256), '--title', title)).toHaveLength(512);
    expect(message(() => checkText('🙂'.repeat(257), '--title', title))).toBe(
      '--title has 257 characters; at most 256 fit',
    );
  });

  test('is measured in bytes where its field is', () => {
    expect(checkOptional('é'.repeat(REASON_BYTES_MAX / 2), '--reason', reason)).toBeDefined();
    expect(message(() => checkOptional('é'.repeat(REASON_BYTES_MAX / 2 + 1), '--reason', reason))).toBe(
      `--reason has ${REASON_BYTES_MAX + 2} bytes; at most ${REASON_BYTES_MAX} fit`,
    );
  });

  test.each(['', '   ', '\n\t', '\u200b\u2060', '\u00a0\u3000'])(
    '%j is empty where one is needed',
    (text) => {
      expect(isBlank(text)).toBe(true);
      expect(message(() => checkText(text, '--title', title))).toContain('--title is empty');
      expect(checkOptional(text, '--reason', reason)).toBe(text);
    },
  );

  test('has no NUL', () => {
    expect(message(() => checkText('a\0b', '--title', title))).toContain('--title contains a NUL');
  });

  test.each(['a', ' é ', '🙂', '。', '-'])('%j is not empty', (text) => expect(isBlank(text)).toBe(false));
});

describe('of a claim', () => {
  test('the text is bounded, and where to go with a longer one is said', () => {
    expect(checkClaimText('a'.repeat(CLAIM_TEXT_BYTES_MAX), 'a.md')).toHaveLength(CLAIM_TEXT_BYTES_MAX);
    const long = message(() => checkClaimText('a'.repeat(CLAIM_TEXT_BYTES_MAX + 1), 'a.md'));
    expect(long).toMatch(/^a\.md has 65537 bytes, and a claim takes at most 65536; .*--parent/);
  });

  test('tags and evidence are bounded', () => {
    expect(parseTags('a, b,,a')).toEqual(['a', 'b']);
    const many = Array.from({ length: 33 }, (_, at) => `n${at}`).join(',');
    expect(message(() => parseTags(many))).toBe('--tags has 33 tags; at most 20 fit');
    expect(message(() => parseTags('x'.repeat(65)))).toContain('has 65 characters; at most 64 fit');
    expect(message(() => parseTags('\u200b'))).toContain('--tags is empty');
    expect(message(() => parseEvidence(many))).toBe('--evidence names 33 claims; at most 32 fit');
  });
});
