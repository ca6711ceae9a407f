/**
 * A disk that is full or broken: typed errors, nothing half kept, and what was there stays readable.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { GroupStore } from '../../storage/port.ts';
import { openStore } from '../../storage/store.ts';
import { expectWhole, expectWholeStore, lastAck, scratchDirectory, startChild } from './storage-harness.ts';
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

const faults = [
  // The second write to the synced descriptor and the like; counted per thread, and one thread writes.
  ['the flush fails', 'fdatasync:error=EIO:when=4', 'io'],
  ['writing pages fails', 'pwrite64:error=EIO:when=20', 'io'],
  ['writing pages finds no room', 'pwrite64:error=ENOSPC:when=20', 'disk_full'],
  ['every write fails from some point on', 'pwrite64:error=EIO:when=30+', 'io'],
  ['every flush fails from some point on', 'fdatasync:error=EIO:when=4+', 'io'],
] as const;

test.skipIf(noStrace).each(faults)(
  '%s: a typed error, nothing hangs, the store is whole',
  async (_, fault, code) => {
    const dir = join(scratchDirectory(), 'chain');
    const under = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=none', '-e', `inject=${fault}`];
    const child = startChild({ dir, commits: 12, inFlight: 1, under });
    await child.said((line) => line === 'closed');
    const failures = child.lines.filter((line) => line.startsWith('failed '));
    expect(failures[0]).toMatch(new RegExp(`^failed \\d+ ${code}$`));
    const readable = child.lines.find((line) => line.startsWith('readable '))!;
    expect(readable).toBe(`readable ${lastAck(child) < 0 ? 'nothing' : lastAck(child)}`);
    await child.ended;
    expect(await expectWholeStore(dir)).toBeGreaterThanOrEqual(lastAck(child));
  },
);
