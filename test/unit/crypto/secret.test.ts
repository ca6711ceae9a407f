import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../crypto/secret.ts';
import { toHex, utf8 } from '../../../events/bytes.ts';

const TEXT = 'correct horse battery staple';
const secret = (): Secret => new Secret(utf8(TEXT));

const views: Record<string, (value: Secret) => string> = {
  String: (value) => String(value),
  'a template': (value) => `${value}`,
  'adding to text': (value) => ['', value].join('+'),
  'JSON.stringify': (value) => JSON.stringify({ value }),
  inspect: (value) => inspect({ deep: { value } }, { depth: null, showHidden: true }),
  'inspect of an error': (value) => inspect(Object.assign(new Error('failed'), { value })),
  'a structured clone': (value) => inspect(structuredClone({ value }), { depth: null, showHidden: true }),
  'own properties': (value) => inspect(Object.entries(Object.getOwnPropertyDescriptors(value))),
  spreading: (value) => inspect({ ...value }),
};

describe('a secret', () => {
  it.each(Object.entries(views))('is not shown by %s', (name, view) => {
    const shown = view(secret());
    expect(shown).not.toContain(TEXT);
    expect(shown).not.toContain(toHex(utf8(TEXT)));
    expect(shown).not.toContain(utf8(TEXT).slice(0, 4).join(', '));
    if (!/clone|properties|spreading/.test(name)) expect(shown).toContain('[redacted]');
  });

  it('gives its bytes when asked', () => {
    expect(secret().expose()).toEqual(utf8(TEXT));
  });

  it('is zeros once wiped, and says so when it is used', () => {
    const bytes = utf8(TEXT);
    const wiped = new Secret(bytes);
    wiped.wipe();
    wiped.wipe();
    expect(bytes).toEqual(new Uint8Array(bytes.length));
    expect(() => wiped.expose()).toThrow('wiped');
  });
});
