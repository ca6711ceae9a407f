import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createKeystore,
  createKeystoreWith,
  KEYSTORE_FILE,
  type Keystore,
  type KeystoreInternals,
  openKeystore,
  openKeystoreWith,
} from '../../../crypto/keystore.ts';
import { nodeDisk } from '../../../crypto/keystore-disk.ts';
import { KeystoreError, type KeystoreErrorCode } from '../../../crypto/keystore-errors.ts';
import { Secret } from '../../../crypto/secret.ts';
import { toHex, utf8 } from '../../../events/bytes.ts';

/** A price at which a test with many passwords ends today. */
const CHEAP: KeystoreInternals = { disk: nodeDisk, cost: { N: 16, r: 1, p: 1 } };
const message = utf8('message');
const seedOf = (byte: number): Secret => new Secret(new Uint8Array(32).fill(byte));

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keystore-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const file = (): string => join(dir, KEYSTORE_FILE);
const text = (): string => readFileSync(file(), 'utf8');
const create = (options: Parameters<typeof createKeystore>[1] = {}): Promise<Keystore> =>
  createKeystoreWith(CHEAP, dir, options);
const open = (password?: string): Promise<Keystore> =>
  openKeystoreWith(CHEAP, dir, password === undefined ? {} : { password });

/** The error must be a `KeystoreError` with this code, of one line. */
async function expectCode(promise: Promise<unknown>, code: KeystoreErrorCode): Promise<KeystoreError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(KeystoreError);
  expect(error).toMatchObject({ code });
  expect((error as KeystoreError).message).not.toContain('\n');
  return error as KeystoreError;
}

describe('creating a key store', () => {
  it('makes one file for the owner alone, with one identity, which opens again', async () => {
    const store = await create({ now: () => 1234 });
    expect(readdirSync(dir)).toEqual([KEYSTORE_FILE]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(store.list()).toEqual([
      { name: 'node', publicKey: expect.any(String), createdMs: 1234, isNode: true },
    ]);
    const again = await open();
    expect(again.list()).toEqual(store.list());
    expect(again.signer('node').sign(message, message)).toEqual(store.signer().sign(message, message));
    expect([again.locked, again.hasPassword, again.modeWarning]).toEqual([false, false, undefined]);
  });

  it('takes a name and a seed', async () => {
    const store = await create({ nodeName: 'battery.one', seed: seedOf(1) });
    expect(store.nodeName).toBe('battery.one');
    expect(toHex(store.signer('battery.one').seedCopy().expose())).toBe('01'.repeat(32));
  });

  it('keystore_exists: refuses where there is one, and changes nothing', async () => {
    await create({ password: 'first' });
    const before = text();
    await expectCode(create(), 'keystore_exists');
    await expectCode(create({ password: 'second' }), 'keystore_exists');
    expect(text()).toBe(before);
    expect(readdirSync(dir)).toEqual([KEYSTORE_FILE]);
  });

  it('keystore_exists: refuses for all but one of many that try at once', async () => {
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => create()));
    const made = results.filter((result) => result.status === 'fulfilled');
    expect(made).toHaveLength(1);
    expect((await open()).list()).toEqual(made[0]!.value.list());
    expect(readdirSync(dir)).toEqual([KEYSTORE_FILE]);
  });

  it('keystore_exists: refuses where a damaged one is, and changes nothing', async () => {
    writeFileSync(file(), 'damaged');
    await expectCode(create(), 'keystore_exists');
    expect(text()).toBe('damaged');
  });

  it('password_empty: refuses an empty password', async () => {
    await expectCode(create({ password: '' }), 'password_empty');
    expect(readdirSync(dir)).toEqual([]);
  });

  it('keystore_unwritable: says so when the directory is missing', async () => {
    const missing = join(dir, 'missing');
    const error = await expectCode(createKeystore(missing), 'keystore_unwritable');
    expect(error.message).toContain(missing);
  });

  it('at the product price writes the product price', async () => {
    await createKeystore(dir, { password: 'a password' });
    expect(JSON.parse(text()).kdf).toMatchObject({ name: 'scrypt', N: 131_072, r: 8, p: 1 });
    const store = await openKeystore(dir, { password: 'a password' });
    expect(store.locked).toBe(false);
  });
});

describe('a key store with a password', () => {
  it('shows names and public keys, and no secret', async () => {
    const store = await create({ password: 'pass', seed: seedOf(7) });
    expect(text()).toContain(store.signer().publicKey);
    expect(text()).not.toContain('07'.repeat(32));
    expect(text()).not.toContain('pass"');
    expect(inspect(store, { depth: null, showHidden: true })).not.toContain('7, 7, 7');
  });

  it('opens with it, in any Unicode form of it', async () => {
    const made = await create({ password: 'caf\u00e9 \ufb01n' });
    const opened = await open('cafe\u0301 fin');
    expect(opened.signer().publicKey).toBe(made.signer().publicKey);
    expect(opened.signer().sign(message, message)).toEqual(made.signer().sign(message, message));
  });

  it('password_wrong: does not open with another', async () => {
    await create({ password: 'right' });
    const error = await expectCode(open('wrong'), 'password_wrong');
    expect(error.message).toBe('the password does not open this key store');
    await expectCode(open(''), 'password_wrong');
  });

  it('password_required: lists without it, and neither signs nor adds', async () => {
    const made = await create({ password: 'pass' });
    const locked = await open();
    expect(locked.locked).toBe(true);
    expect(locked.hasPassword).toBe(true);
    expect(locked.list()).toEqual(made.list());
    expect(() => locked.signer('node')).toThrow(expect.objectContaining({ code: 'password_required' }));
    await expectCode(locked.add('other'), 'password_required');
    await expectCode(locked.changePassword(undefined, 'new'), 'password_required');
  });
});

describe('identities', () => {
  it('are added, kept in order, and found whatever their case', async () => {
    const store = await create({ password: 'pass', now: () => 5 });
    const added = await store.add('Alice-1', { seed: seedOf(3) });
    expect(added).toEqual({
      name: 'Alice-1',
      publicKey: store.signer('alice-1').publicKey,
      createdMs: 5,
      isNode: false,
    });
    const again = await open('pass');
    expect(again.list().map((identity) => identity.name)).toEqual(['node', 'Alice-1']);
    expect(again.signer('ALICE-1').publicKey).toBe(added.publicKey);
  });

  it('are all kept when many are added at once', async () => {
    const store = await create();
    const names = Array.from({ length: 8 }, (_, index) => `agent-${index}`);
    await Promise.all(names.map((name) => store.add(name)));
    expect((await open()).list().map((identity) => identity.name)).toEqual(['node', ...names]);
  });

  it('identity_exists: refuses a name that differs in case only', async () => {
    const store = await create();
    await store.add('Alice');
    const error = await expectCode(store.add('aLICE'), 'identity_exists');
    expect(error.message).toContain('"Alice"');
  });

  it.each(['', 'a b', 'ä', '../up', 'a'.repeat(65), 'line\nbreak', '"'])(
    'identity_name_invalid: refuses %j',
    async (name) => {
      const store = await create();
      await expectCode(store.add(name), 'identity_name_invalid');
    },
  );

  it('identity_not_found: names those there are, even while locked', async () => {
    await create({ password: 'pass' });
    const locked = await open();
    expect(() => locked.signer('nobody')).toThrow(expect.objectContaining({ code: 'identity_not_found' }));
    expect(() => locked.signer('nobody')).toThrow('there are: node');
  });

  it('keystore_changed: refuses to overwrite what another process wrote', async () => {
    const mine = await create();
    const other = await open();
    await other.add('theirs');
    await expectCode(mine.add('mine'), 'keystore_changed');
    await expectCode(mine.changePassword(undefined, 'new'), 'keystore_changed');
    expect((await open()).list().map((identity) => identity.name)).toEqual(['node', 'theirs']);
  });

  it('a change that failed does not stop the next one', async () => {
    const store = await create();
    await expect(store.add('not a name')).rejects.toThrow();
    await store.add('fine');
    expect(store.list()).toHaveLength(2);
  });
});

describe('changing the password', () => {
  it('sets, changes and removes it, and keeps every key', async () => {
    const store = await create({ seed: seedOf(1) });
    await store.add('two', { seed: seedOf(2) });
    const signature = store.signer('two').sign(message, message);
    const steps: Array<[string | undefined, string | undefined]> = [
      [undefined, 'first'],
      ['first', 'second'],
      ['second', undefined],
    ];
    for (const [from, to] of steps) {
      await store.changePassword(from, to);
      expect(store.hasPassword).toBe(to !== undefined);
      const opened = await open(to);
      expect(opened.signer('two').sign(message, message)).toEqual(signature);
      expect(store.signer('two').sign(message, message)).toEqual(signature);
      if (to !== undefined && from !== undefined) await expectCode(open(from), 'password_wrong');
      expect(text().includes('01'.repeat(32))).toBe(to === undefined);
    }
  });

  it('asks for the old one even when the store is open', async () => {
    const store = await create({ password: 'old' });
    const before = text();
    await expectCode(store.changePassword(undefined, 'new'), 'password_required');
    await expectCode(store.changePassword('wrong', 'new'), 'password_wrong');
    await expectCode(store.changePassword('old', ''), 'password_empty');
    expect(text()).toBe(before);
  });

  it('unlocks a locked store', async () => {
    await create({ password: 'old' });
    const locked = await open();
    await locked.changePassword('old', 'new');
    expect(locked.signer().publicKey).toBe((await open('new')).signer().publicKey);
    await locked.add('another');
    expect((await open('new')).list()).toHaveLength(2);
  });

  it('uses a new salt and new nonces each time', async () => {
    const store = await create({ password: 'same' });
    const before = JSON.parse(text());
    await store.changePassword('same', 'same');
    const after = JSON.parse(text());
    expect(after.kdf.salt).not.toBe(before.kdf.salt);
    expect(after.identities[0].secret.nonce).not.toBe(before.identities[0].secret.nonce);
  });
});

describe('the file on disk', () => {
  it('keystore_not_found: says where it looked', async () => {
    const error = await expectCode(open(), 'keystore_not_found');
    expect(error.message).toContain(file());
  });

  it('warns when others can read it, and mends that with the next change', async () => {
    await create();
    chmodSync(file(), 0o644);
    const store = await open();
    expect(store.modeWarning).toContain('0644');
    await store.add('another');
    expect(store.modeWarning).toBeUndefined();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect((await open()).modeWarning).toBeUndefined();
  });

  it('keystore_corrupt: every way of cutting it short is noticed', async () => {
    await create({ password: 'pass' });
    const whole = text();
    for (let length = 0; length < whole.length - 2; length += 13) {
      writeFileSync(file(), whole.slice(0, length));
      const error = await expectCode(open('pass'), 'keystore_corrupt');
      expect(error.message).toContain(file());
    }
  });

  it.each<[string, (json: Stored) => unknown]>([
    ['another kind of value', () => [1, 2]],
    ['no version', ({ v: _, ...rest }) => rest],
    ['an unknown field', (json) => ({ ...json, extra: 1 })],
    ['no identities', (json) => ({ ...json, identities: [] })],
    ['identities that are no list', (json) => ({ ...json, identities: {} })],
    ['a missing node', (json) => ({ ...json, node: 'nobody' })],
    ['a short salt', (json) => ({ ...json, kdf: { ...json.kdf, salt: 'ab' } })],
    ['a cost that would take all memory', (json) => ({ ...json, kdf: { ...json.kdf, N: 2 ** 30 } })],
    ['a cost that would take for ever', (json) => ({ ...json, kdf: { ...json.kdf, p: 1_000_000 } })],
    ['a cost that is no power of two', (json) => ({ ...json, kdf: { ...json.kdf, N: 1000 } })],
    ['another derivation', (json) => ({ ...json, kdf: { ...json.kdf, name: 'md5' } })],
    ['a password part removed', (json) => ({ ...json, kdf: null })],
    ['a bad name', (json) => withIdentity(json, { name: 'a b' })],
    ['a bad public key', (json) => withIdentity(json, { publicKey: 'zz' })],
    ['another public key', (json) => withIdentity(json, { publicKey: 'ab'.repeat(32) })],
    ['a key renamed', (json) => withIdentity(json, { name: 'renamed' })],
    ['a plain secret in a protected store', (json) => withIdentity(json, { secret: 'ab'.repeat(32) })],
    [
      'a short ciphertext',
      (json) => withIdentity(json, { secret: { nonce: '00'.repeat(12), ciphertext: '' } }),
    ],
    ['two of one name', (json) => ({ ...json, identities: [...json.identities, json.identities[1]] })],
  ])('keystore_corrupt: %s is noticed', async (_, change) => {
    const store = await create({ password: 'pass' });
    await store.add('second');
    writeFileSync(file(), JSON.stringify(change(JSON.parse(text()) as Stored)));
    await expectCode(open('pass'), 'keystore_corrupt');
  });

  it('keystore_corrupt: a plain key that is not that of its public key is noticed', async () => {
    await create();
    const json = JSON.parse(text()) as Stored;
    json.identities[0]!.secret = 'ab'.repeat(32);
    writeFileSync(file(), JSON.stringify(json));
    await expectCode(open(), 'keystore_corrupt');
  });

  it('keystore_version_unknown: says which', async () => {
    await create();
    writeFileSync(file(), JSON.stringify({ ...JSON.parse(text()), v: 2 }));
    const error = await expectCode(open(), 'keystore_version_unknown');
    expect(error.message).toContain('version 2');
  });

  it('is left alone by files beside it, and a leftover of a crash goes with the next change', async () => {
    const store = await create();
    const leftover = join(dir, `${KEYSTORE_FILE}.0123456789abcdef.tmp`);
    writeFileSync(leftover, 'half a key sto');
    writeFileSync(join(dir, 'other.tmp'), 'not ours');
    await open();
    expect(readdirSync(dir)).toHaveLength(3);
    await store.add('another');
    expect(readdirSync(dir).sort()).toEqual([KEYSTORE_FILE, 'other.tmp']);
  });
});

describe('a closed key store', () => {
  it('is locked, and its signers are dead', async () => {
    const store = await create();
    const signer = store.signer();
    await store.close();
    expect(store.locked).toBe(true);
    expect(() => signer.sign(message, message)).toThrow('wiped');
  });
});

interface Stored {
  v: number;
  kdf: Record<string, unknown>;
  identities: Array<Record<string, unknown>>;
}

/** The second identity with some fields changed: the first still opens, so the password is right. */
function withIdentity(json: Stored, fields: Record<string, unknown>): Stored {
  return { ...json, identities: [json.identities[0]!, { ...json.identities[1], ...fields }] };
}
