/** What is secret does not come through, in whatever form it stands; what is not does. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REDACTED, Redactor } from '../../../interfaces/cli/support/redact.ts';
import { seeded } from '../../support/seed.ts';

describe('known secrets', () => {
  const secret = 'tr0ub4dor & "3"';
  const redactor = new Redactor([secret]);

  test.each([
    ['as it is', secret],
    ['in JSON', JSON.stringify({ note: `it is ${secret}` })],
    ['in a URL', `GET /?q=${encodeURIComponent(secret)}`],
    ['in hex', Buffer.from(secret).toString('hex')],
    ['in base64', `x${Buffer.from(secret).toString('base64')}`],
  ])('go %s', (_, text) => {
    const clean = redactor.text(text);
    expect(clean).toContain(REDACTED);
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
      expect(clean).not.toContain(form);
    expect(clean).not.toContain(Buffer.from(secret).toString('hex'));
    expect(clean).not.toContain(Buffer.from(secret).toString('base64'));
  });

  test('a seed in hex goes as raw base64 too', () => {
    const seed = 'a1'.repeat(32);
    const text = `key ${Buffer.from(seed, 'hex').toString('base64')}`;
    expect(new Redactor([seed]).text(text)).toBe(`key ${REDACTED}`);
  });

  test('any secret of four characters and more, in any text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), fc.string(), fc.string(), (one, before, after) => {
        const clean = new Redactor([one]).text(before + one + after);
        // The mark itself may hold what was looked for.
        for (const part of clean.split(REDACTED)) expect(part).not.toContain(one);
      }),
      seeded('redaction', 200),
    );
  });
});

describe('what looks like a secret', () => {
  const redactor = new Redactor([]);

  test.each([
    ['a join code', `lbi1${'Ab3_'.repeat(21)}`],
    ['a bearer token', 'authorization: Bearer abcdef0123456789'],
    ['a password in a URL', 'https://user:opensesame@example.org/x'],
    ['a web token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF'],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----'],
    ['an assignment', 'password=opensesame'],
    ['a field', '{"apiKey": "opensesame", "x": 1}'],
  ])('%s goes', (_, text) => {
    const clean = redactor.text(text);
    expect(clean).toContain(REDACTED);
    expect(clean).not.toMatch(/opensesame|abcdef0123456789|MC4CAQAw|Ab3_Ab3_|eyJzdWIi/);
  });

  test('what is none stays', () => {
    const text = 'group 3f9c2a11 is at height 12 (2026-01-31T12:00:00Z), sealed by node';
    expect(redactor.text(text)).toBe(text);
  });

  test('values go by their names, at any depth', () => {
    const value = {
      http: { token: 'x', port: 80, keys: [{ secretKey: [1, 2] }] },
      LB_PASSWORD: 'y',
      ok: true,
    };
    expect(redactor.value(value)).toEqual({
      http: { token: REDACTED, port: 80, keys: [{ secretKey: REDACTED }] },
      LB_PASSWORD: REDACTED,
      ok: true,
    });
  });
});
