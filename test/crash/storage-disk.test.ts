/**
 * A disk that is full or broken: typed errors, nothing half kept, and what was there stays readable.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { GroupStore } from '../../storage/port.ts';
import { openStore } from '../../storage/store.ts';
import {
  type Child,
  expectWhole,
  expectWholeStore,
  lastAck,
  scratchDirectory,
  startChild,
} from './storage-harness.ts';
import { commitAt, GROUP } from './storage-history.ts';

/** Mounts a file system of `bytes`; undefined where that is not allowed. */
function smallDisk(bytes: number): string | undefined {
  const dir = join(scratchDirectory(), 'disk');
  mkdirSync(dir);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir]);
  if (mounted.status !== 0) return undefined;
  onTestFinished(() => void spawnSync('umount', ['-l', dir]));
  return dir;
}

type Outcome = { height: number; code: string };

/** Commits `count` at once on top of `head`, and says how each one ended. */
function commitMany(group: GroupStore, head: number, count: number): Promise<Outcome[]> {
  const heights = Array.from({ length: count }, (_, at) => head + 1 + at);
  return Promise.all(
    heights.map((height) =>
      group.commit(commitAt(height)).then(
        () => ({ height, code: 'kept' }),
        (error: { code: string }) => ({ height, code: error.code }),
      ),
    ),
  );
}

test('disk_full: nothing is half kept, reads go on, and so do commits once there is room', async (context) => {
  const disk = smallDisk(3 * 1024 * 1024);
  if (!disk) return context.skip('mounting a tmpfs is not allowed here');
  const ballast = join(disk, 'ballast');
  writeFileSync(ballast, new Uint8Array(1024 * 1024));
  const store = openStore(join(disk, 'chain'), { durability: 'flush' });
  onTestFinished(() => store.close());
  const group = await store.addGroup(GROUP, 'full', 0);

  let outcomes: Outcome[] = [];
  let head = -1;
  while (outcomes.every(({ code }) => code === 'kept')) {
    outcomes = await commitMany(group, head, 20);
    head = expectWhole(group);
  }
  const refused = outcomes.filter(({ code }) => code !== 'kept');
  expect(refused[0]).toEqual({ height: head + 1, code: 'disk_full' });
  // Those behind it stood on it.
  expect(refused.map(({ height }) => height)).toEqual(refused.map((_, at) => head + 1 + at));
  expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['disk_full']));

  await expect(group.commit(commitAt(head + 2))).rejects.toMatchObject({ code: 'out_of_order' });
  rmSync(ballast);
  await group.commit(commitAt(head + 1));
  expect(expectWhole(group)).toBe(head + 1);
});

const noStrace = spawnSync('strace', ['-V']).error !== undefined;
if (noStrace) console.log('skipped: strace is not installed');

// The calls are counted per thread, and the thread that writes makes no others on a store that is there already:
// a commit is some writes of pages, a flush, and the write of the meta page, which is its last pwrite64.
const faults = [
  ['one flush fails', 'fdatasync:error=EIO:when=4', 'io'],
  ['every flush fails from some point on', 'fdatasync:error=EIO:when=4+', 'io'],
  ['one write fails', 'pwrite64:error=EIO:when=11', 'io'],
  ['one write finds no room', 'writev:error=ENOSPC:when=3', 'disk_full'],
  ['every write fails from some point on', 'pwrite64:error=EIO:when=11+', 'io'],
  ['every write finds no room from some point on', 'writev:error=ENOSPC:when=3+', 'disk_full'],
] as const;

async function runWithFault(dir: string, fault: string): Promise<Child> {
  const before = startChild({ dir, commits: 3, inFlight: 1 });
  await before.ended;
  const [call] = fault.split(':');
  const under = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${fault}`];
  const child = startChild({ dir, commits: 12, inFlight: 1, under });
  await child.said((line) => line === 'closed');
  await child.ended;
  return child;
}

test.skipIf(noStrace).each(faults)(
  '%s: typed, whole, readable, and it goes on if it can',
  async (_, fault, code) => {
    const dir = join(scratchDirectory(), 'chain');
    const child = await runWithFault(dir, fault);
    const failures = child.lines.filter((line) => line.startsWith('failed '));
    expect(failures.length).toBe(fault.endsWith('+') ? 12 - acks(child) : 1);
    for (const failure of failures) expect(failure.split(' ')[2]).toBe(code);
    expect(child.lines).toContain(`readable ${lastAck(child)}`);
    expect(await expectWholeStore(dir)).toBe(lastAck(child));
  },
);

function acks(child: Child): number {
  return child.lines.filter((line) => line.startsWith('ack ')).length;
}

test.skipIf(noStrace)(
  'a meta page that cannot be written stops the store, typed; opened again it is whole',
  async () => {
    const dir = join(scratchDirectory(), 'chain');
    // Which pwrite64 of the first commit is the meta page's depends on the free list: the first that stops reads.
    for (let when = 1; when < 12; when++) {
      const child = await runWithFault(dir, `pwrite64:error=EIO:when=${when}`);
      expect(child.lines.filter((line) => line.startsWith('failed '))[0]).toMatch(/ io$/);
      expect(await expectWholeStore(dir)).toBeGreaterThanOrEqual(lastAck(child));
      if (child.lines.includes('unreadable io')) return;
    }
    expect.fail('no write was that of a meta page');
  },
);
