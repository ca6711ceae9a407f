/** Whenever a change is interrupted, the whole old or the whole new store is there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createKeystoreWith,
  KEYSTORE_FILE,
  type Keystore,
  type KeystoreInternals,
  openKeystoreWith,
} from '../../../crypto/keystore.ts';
import { nodeDisk } from '../../../crypto/keystore-disk.ts';
import { KeystoreNotFoundError } from '../../../crypto/keystore-errors.ts';
import { Secret } from '../../../crypto/secret.ts';
import { MemoryDisk } from './fixtures/memory-disk.ts';

const DIR = '/data';
const cost = { N: 16, r: 1, p: 1 };
const on = (disk: MemoryDisk): KeystoreInternals => ({ disk, cost });
const options = (password: string | undefined) => (password === undefined ? {} : { password });

/** Two identities with the seeds 1 and 2. */
async function storeOn(disk: MemoryDisk, password: string | undefined): Promise<Keystore> {
  const seed = new Secret(new Uint8Array(32).fill(1));
  const store = await createKeystoreWith(on(disk), DIR, { ...options(password), seed });
  await store.add('second', { seed: new Secret(new Uint8Array(32).fill(2)) });
  return store;
}

/** The names of all identities, each of whose keys was tried; throws when the password does not fit. */
async function namesIn(disk: MemoryDisk, password: string | undefined): Promise<string[]> {
  const store = await openKeystoreWith(on(disk), DIR, options(password));
  if (store.locked) throw new Error('locked');
  return store.list().map(({ name, publicKey }) => {
    expect(store.signer(name).publicKey).toBe(publicKey);
    return name;
  });
}

/** What the disk may look like after a crash at the point it is at. */
const aftermaths: Array<[string, (disk: MemoryDisk) => MemoryDisk]> = [
  ['the process was killed', (disk) => disk.afterKill()],
  ['the power failed, names as last flushed', (disk) => disk.afterPowerFailure(true)],
  ['the power failed, names written early', (disk) => disk.afterPowerFailure(false)],
];

/** Runs a change once for every step it has, stopping there; returns the steps of a run to the end. */
async function crashEverywhere(
  password: string | undefined,
  change: (store: Keystore) => Promise<unknown>,
  check: (disk: MemoryDisk, finished: boolean, where: string) => Promise<void>,
): Promise<string[]> {
  for (let step = 0; ; step++) {
    const disk = new MemoryDisk();
    const store = await storeOn(disk, password);
    disk.steps = [];
    disk.crashAtStep = step;
    const finished = await change(store).then(
      () => true,
      () => false,
    );
    for (const [name, after] of aftermaths) {
      await check(after(disk), finished, `step ${step} (${disk.steps.at(-1)}), ${name}`);
    }
    if (finished) return disk.steps;
  }
}

const changes: Array<[string | undefined, string | undefined]> = [
  ['old', 'new'],
  [undefined, 'new'],
  ['old', undefined],
];

describe('a crash at any step', () => {
  it.each(changes)(
    'of a password change from %s to %s leaves all keys under one of them',
    async (from, to) => {
      let lastPassword = from;
      const steps = await crashEverywhere(
        from,
        (store) => store.changePassword(from, to),
        async (disk, finished, where) => {
          const opened = await Promise.allSettled([namesIn(disk, from), namesIn(disk, to)]);
          const fitting = opened.filter((result) => result.status === 'fulfilled');
          expect(fitting.length, where).toBe(protectedStores(from, to, opened));
          for (const result of fitting) expect(result.value, where).toEqual(['node', 'second']);
          if (finished) {
            expect(opened[1].status, where).toBe('fulfilled');
            lastPassword = to;
          }
        },
      );
      expect(lastPassword).toBe(to);
      expect(steps).toEqual(['create', 'write', 'syncFile', 'replace', 'syncDirectory']);
    },
  );

  it('of adding an identity leaves the old or the new list', async () => {
    await crashEverywhere(
      'pass',
      (store) => store.add('third'),
      async (disk, finished, where) => {
        const names = await namesIn(disk, 'pass');
        expect(names.slice(0, 2), where).toEqual(['node', 'second']);
        expect(names.slice(2), where).toEqual(finished || names.length > 2 ? ['third'] : []);
      },
    );
  });

  it('of creating leaves no store or a whole one, and creating again works or is refused', async () => {
    for (let step = 0, finished = false; !finished; step++) {
      const disk = new MemoryDisk();
      disk.crashAtStep = step;
      finished = await createKeystoreWith(on(disk), DIR, { password: 'pass' }).then(
        () => true,
        () => false,
      );
      for (const [name, after] of aftermaths) {
        const left = after(disk);
        const names = await namesIn(left, 'pass').catch((error: unknown) => error);
        if (names instanceof KeystoreNotFoundError) {
          expect(finished, name).toBe(false);
          await createKeystoreWith(on(left), DIR, { password: 'other' });
        } else {
          expect(names, name).toEqual(['node']);
          await expect(createKeystoreWith(on(left), DIR, {})).rejects.toMatchObject({
            code: 'keystore_exists',
          });
        }
      }
    }
  });

  it('leaves nothing that the next change does not clear away', async () => {
    await crashEverywhere(
      'pass',
      (store) => store.changePassword('pass', undefined),
      async (disk) => {
        const password = await namesIn(disk, 'pass').then(
          () => 'pass',
          () => undefined,
        );
        const store = await openKeystoreWith(on(disk), DIR, options(password));
        await store.add('third');
        expect(await disk.list(DIR)).toEqual([KEYSTORE_FILE]);
      },
    );
  });

  it('a canary: writing in place would be caught', async () => {
    const disk = new MemoryDisk();
    await storeOn(disk, 'pass');
    disk.steps = [];
    disk.crashAtStep = 0;
    await expect(disk.write(join(DIR, KEYSTORE_FILE), new Uint8Array(1000))).rejects.toThrow();
    await expect(namesIn(disk.afterKill(), 'pass')).rejects.toMatchObject({ code: 'keystore_corrupt' });
  });
});

/** A store without a password opens whatever is given, so then both may fit; else exactly one does. */
function protectedStores(
  from: string | undefined,
  to: string | undefined,
  opened: readonly PromiseSettledResult<unknown>[],
): number {
  const plainIsThere =
    (from === undefined && opened[0]!.status === 'fulfilled') ||
    (to === undefined && opened[1]!.status === 'fulfilled');
  return plainIsThere ? 2 : 1;
}

describe('kill -9 during password changes', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'keystore-kill-'));
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  it('leaves a store that one of the two passwords opens whole, each time', async () => {
    const internals = { disk: nodeDisk, cost };
    const made = await createKeystoreWith(internals, dir, { password: 'a' });
    const second = await made.add('second');
    const program = fileURLToPath(new URL('./fixtures/change-password.ts', import.meta.url));
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, [program, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = once(child, 'exit');
      await once(child.stdout, 'data');
      await sleep(3 + 4 * round); // the point of the kill is meant to vary; nothing is waited for
      child.kill('SIGKILL');
      expect(await exited).toEqual([null, 'SIGKILL']);
      const opened = await Promise.allSettled(
        ['a', 'b'].map((password) => openKeystoreWith(internals, dir, { password })),
      );
      const stores = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      expect(stores).toHaveLength(1);
      expect(stores[0]!.list().map(({ publicKey }) => publicKey)).toEqual([
        made.signer().publicKey,
        second.publicKey,
      ]);
      expect(stores[0]!.signer('second').publicKey).toBe(second.publicKey);
    }
    expect(readdirSync(dir).length).toBeLessThanOrEqual(2); // the store, and at most one leftover
  });
});
