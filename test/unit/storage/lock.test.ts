import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { layoutOf } from '../../../storage/directory.ts';
import { acquireLock, readOwner } from '../../../storage/lock.ts';
import { LockQueue } from '../../../storage/lock-queue.ts';
import { temporaryDirectory } from './temporary.ts';

const LOCK_FILE = new URL('../../../storage/lock.ts', import.meta.url).href;

/** Another process that takes the lock, says so, and keeps it until it is killed or its input ends. */
async function ownerProcess(dir: string): Promise<ChildProcess> {
  const script = `
    const { acquireLock } = await import(${JSON.stringify(LOCK_FILE)});
    const lock = await acquireLock(${JSON.stringify(dir)}, { waitMs: 0 });
    process.stdout.write('locked');
    process.stdin.resume().on('end', () => { lock.release(); process.exit(0); });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = await once(child.stdout, 'data');
  expect(String(said)).toBe('locked');
  return child;
}

test('a second owner in the same process is refused, and told who the first one is', async () => {
  const dir = temporaryDirectory();
  const lock = await acquireLock(dir, { waitMs: 0 });
  expect(readOwner(dir)).toEqual({ pid: process.pid, sinceMs: expect.any(Number) });
  const refused = acquireLock(dir, { waitMs: 0 });
  await expect(refused).rejects.toMatchObject({
    name: 'DirectoryOwnedError',
    code: 'owned',
    pid: process.pid,
  });
  await expect(refused).rejects.toThrow(`is in use by process ${process.pid}`);
  lock.release();
  lock.release();
  expect(existsSync(layoutOf(dir).owner)).toBe(false);
  (await acquireLock(dir, { waitMs: 0 })).release();
});

test('another process is refused while this one owns, and owns afterwards', async () => {
  const dir = temporaryDirectory();
  const child = await ownerProcess(dir);
  await expect(acquireLock(dir, { waitMs: 120 })).rejects.toMatchObject({ pid: child.pid });
  // Its input ends while we wait: it releases, and we get the lock within the time.
  const waiting = acquireLock(dir, { waitMs: 20_000 });
  child.stdin!.end();
  const lock = await waiting;
  expect(readOwner(dir).pid).toBe(process.pid);
  lock.release();
});

test('an owner that is killed leaves nothing in the way', async () => {
  const dir = temporaryDirectory();
  const child = await ownerProcess(dir);
  child.kill('SIGKILL');
  await once(child, 'exit');
  // Its file is still there, and means nothing.
  expect(readOwner(dir).pid).toBe(child.pid);
  const lock = await acquireLock(dir, { waitMs: 0 });
  expect(readOwner(dir).pid).toBe(process.pid);
  lock[Symbol.dispose]();
});

test('without a readable owner file the refusal still says what is wrong', async () => {
  const dir = temporaryDirectory();
  expect(readOwner(dir)).toEqual({ pid: undefined, sinceMs: undefined });
});

test('corrupt: a lock file that is something else is named, and left alone', async () => {
  const dir = temporaryDirectory();
  const { lock } = layoutOf(dir);
  writeFileSync(lock, 'this is no database'.repeat(100));
  await expect(acquireLock(dir, { waitMs: 0 })).rejects.toMatchObject({
    name: 'StorageError',
    code: 'corrupt',
    message: `${lock} is not a lock file; move it away while no node is running (it never holds data)`,
  });
  expect(readFileSync(lock, 'utf8')).toContain('this is no database');
});

test('io: where the lock cannot be a file', async () => {
  const dir = temporaryDirectory();
  mkdirSync(layoutOf(dir).lock);
  await expect(acquireLock(dir, { waitMs: 0 })).rejects.toMatchObject({ name: 'StorageError', code: 'io' });
});

test('a directory is owned though its owner file cannot be written', async () => {
  const dir = temporaryDirectory();
  mkdirSync(layoutOf(dir).owner);
  const lock = await acquireLock(dir, { waitMs: 0 });
  await expect(acquireLock(dir, { waitMs: 0 })).rejects.toMatchObject({ code: 'owned', pid: undefined });
  lock.release();
  (await acquireLock(dir, { waitMs: 0 })).release();
});

test.each(['lock.db', 'owner.json'])('deleting %s of a living owner makes no second one', async (name) => {
  const dir = temporaryDirectory();
  mkdirSync(layoutOf(dir).chain);
  const child = await ownerProcess(dir);
  rmSync(join(dir, name));
  await expect(acquireLock(dir, { waitMs: 0 })).rejects.toMatchObject({ code: 'owned' });
  await expect(acquireLock(dir, { waitMs: 120 })).rejects.toMatchObject({ code: 'owned' });
  child.stdin!.end();
  await once(child, 'exit');
  (await acquireLock(dir, { waitMs: 0 })).release();
});

test('many who wait get it in the order in which they came, however long the row is', async () => {
  const dir = temporaryDirectory();
  const first = await acquireLock(dir, { waitMs: 0 });
  const order: number[] = [];
  const waiting: Promise<void>[] = [];
  for (let n = 0; n < 16; n++) {
    waiting.push(
      // Less than all before them take together.
      acquireLock(dir, { waitMs: 600 }).then(async (lock) => {
        order.push(n);
        await delay(60);
        lock.release();
      }),
    );
    while (LockQueue.lengthOf(layoutOf(dir).waiting) <= n) await delay(1);
  }
  first.release();
  await Promise.all(waiting);
  expect(order).toEqual(Array.from({ length: 16 }, (_, n) => n));
  expect(LockQueue.lengthOf(layoutOf(dir).waiting)).toBe(0);
});

test('one who waited and was killed holds nobody up', async () => {
  const dir = temporaryDirectory();
  const { waiting } = layoutOf(dir);
  mkdirSync(waiting);
  const old = join(waiting, '000000000000001-1-1');
  writeFileSync(old, '');
  utimesSync(old, 1, 1);
  (await acquireLock(dir, { waitMs: 1_000 })).release();
  expect(existsSync(old)).toBe(false);
});
