import { describe, expect, it } from 'vitest';
import { METADATA_BYTES_MAX, PRESENCE_STALE_MS_DEFAULT } from '../../../events/limits.ts';
import { isStale } from '../../../machines/presence.ts';
import { presence } from '../../support/operations.ts';
import { alice } from '../../support/people.ts';
import { effects, given, joined, opened, refused } from '../../support/rules.ts';

const member = alice.publicKey;

describe('presence', () => {
  it('is remembered when status or metadata change', () => {
    given(opened(), joined(alice))
      .when(alice, presence('active'))
      .thenExactly(effects({ kind: 'presence.changed', member, status: 'active' }))
      .when(alice, presence('active', '{"on":"t"}'))
      .thenExactly(effects({ kind: 'presence.changed', member, status: 'active', metadata: '{"on":"t"}' }))
      .when(alice, presence('busy', '{"on":"t"}'))
      .thenExactly(effects({ kind: 'presence.changed', member, status: 'busy', metadata: '{"on":"t"}' }))
      .when(alice, presence('busy', '{"on":"t"}'))
      .thenExactly(refused('presence_unchanged'));
  });

  it('is of members, not of viewers', () => {
    given(opened(), joined(alice, { role: 'viewer' }))
      .when(alice, presence())
      .thenExactly(refused('role_insufficient'));
  });

  it.each([
    '',
    'null',
    '1',
    '"text"',
    '[]',
    '{',
    "{'a':1}",
    '{"a":1}}',
    `${'['.repeat(2_000)}${']'.repeat(2_000)}`,
  ])('takes no metadata but a JSON object: %j', (metadata) => {
    given(opened(), joined(alice))
      .when(alice, presence('active', metadata))
      .thenExactly(refused('metadata_invalid'));
  });

  it('takes 4 KiB of metadata, however deep', () => {
    const depth = Math.floor((METADATA_BYTES_MAX - 6) / 6);
    given(opened(), joined(alice))
      .when(alice, presence('idle', `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`))
      .thenAccepted();
  });
});

describe('isStale', () => {
  const record = { status: 'active', metadata: undefined, tsMs: 1_000 } as const;
  const at = (nowMs: number, beatMs?: number) => isStale(record, beatMs, nowMs, PRESENCE_STALE_MS_DEFAULT);

  it('is who has given no sign for more than the time allowed, on the log or by a beat', () => {
    expect(at(1_000 + PRESENCE_STALE_MS_DEFAULT)).toBe(false);
    expect(at(1_001 + PRESENCE_STALE_MS_DEFAULT)).toBe(true);
    expect(at(1_001 + PRESENCE_STALE_MS_DEFAULT, 1_001)).toBe(false);
    expect(at(1_001 + PRESENCE_STALE_MS_DEFAULT, 999)).toBe(true);
  });
});
