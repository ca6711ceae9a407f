/**
 * A disk that is full or broken: typed errors, nothing half kept, and what was there stays readable.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
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
  smallDisk,
  startChild,
} from './storage-harness.ts';
import { commitAt, GROUP } from './storage-history.ts';

const MIB = 1024 * 1024;

/** Commits `count` at once on top of `head`, and says how each one ended. */
function commitMany(
  group: GroupStore,
  head: number,
  count: number,
): Promise<{ height: number; code: string }[]> {
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
  const disk = smallDisk(96 * MIB);
  if (!disk) {
    console.log('skipped: mounting a tmpfs is not allowed here');
    return context.skip();
  }
  const store = openStore(join(disk, 'chain'), { durability: 'flush' });
  onTestFinished(() => store.close());
  const group = await store.addGroup(GROUP, 'full', 0);
  const kept = await commitMany(group, -1, 20);
  expect(kept.every(({ code }) => code === 'kept')).toBe(true);

  const ballast = join(disk, 'ballast');
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, new Uint8Array(bavail * bsize - 4 * MIB));
  const refused = await commitMany(group, 19, 5);
  expect(refused).toEqual([20, 21, 22, 23, 24].map((height) => ({ height, code: 'disk_full' })));
  expect(expectWhole(group)).toBe(19);
  // Issued when the one that it stands on had failed already.
  await expect(group.commit(commitAt(25))).rejects.toMatchObject({ code: 'out_of_order' });

  rmSync(ballast);
  await group.commit(commitAt(20));
  expect(expectWhole(group)).toBe(20);
});

const noStrace = spawnSync('strace', ['-V']).error !== undefined;
if (noStrace) console.log('skipped: strace is not installed');

/** A store with some commits. */
async function usedStore(): Promise<string> {
  const dir = join(scratchDirectory(), 'chain');
  await startChild({ dir, commits: 3, inFlight: 1 }).ended;
  return dir;
}

const ATTEMPTS = 8;

async function runUnderStrace(dir: string, options: readonly string[]): Promise<Child> {
  const under = ['strace', '-f', '-qq', ...options];
  const child = startChild({ dir, commits: ATTEMPTS, inFlight: 1, under });
  await child.said((line) => line === 'closed');
  await child.ended;
  return child;
}

function runWithFault(dir: string, fault: string): Promise<Child> {
  const [call] = fault.split(':');
  return runUnderStrace(dir, ['-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${fault}`]);
}

function acks(child: Child): number {
  return child.lines.filter((line) => line.startsWith('ack ')).length;
}

function failureCodes(child: Child): string[] {
  return child.lines.filter((line) => line.startsWith('failed ')).map((line) => line.split(' ')[2]!);
}

// Calls are counted for each thread, and the one that writes makes no others on a store that is there already.
// A page that pwrite64 fails to write is left out: lmdb-js 3.5.6 may end the process then (see writer-thread.ts).
const faults = [
  ['one flush fails', 'fdatasync:error=EIO:when=4', 'io'],
  ['every flush fails from some point on', 'fdatasync:error=EIO:when=4+', 'io'],
  ['one write finds no room', 'writev:error=ENOSPC:when=3', 'disk_full'],
] as const;

test.skipIf(noStrace).each(faults)(
  '%s: typed, whole, readable; it goes on if it can',
  async (_, fault, code) => {
    const dir = await usedStore();
    const child = await runWithFault(dir, fault);
    const codes = failureCodes(child);
    expect(codes).toEqual(new Array(fault.endsWith('+') ? ATTEMPTS - acks(child) : 1).fill(code));
    expect(child.lines).toContain(`readable ${lastAck(child)}`);
    expect(await expectWholeStore(dir)).toBe(lastAck(child));
  },
);

/** The number of the first pwrite64 of a meta page among those of its thread, when `dir` is written to. */
async function firstMetaWrite(dir: string): Promise<number> {
  const copy = `${dir}-copy`;
  cpSync(dir, copy, { recursive: true });
  const trace = `${copy}.trace`;
  await runUnderStrace(copy, ['-o', trace, '-e', 'trace=openat,pwrite64']);
  const lines = readFileSync(trace, 'utf8').split('\n');
  const meta = lines.map((line) => /data\.mdb".*O_DSYNC.*= (\d+)/.exec(line)?.[1]).find(Boolean);
  const [thread] = lines.find((line) => line.includes('pwrite64('))!.split(' ');
  const writes = lines.filter((line) => line.startsWith(`${thread} `) && line.includes('pwrite64('));
  return 1 + writes.findIndex((line) => line.includes(`pwrite64(${meta},`));
}

test.skipIf(noStrace)('a meta page that fails stops the store, typed; opened again it is whole', async () => {
  const dir = await usedStore();
  const when = await firstMetaWrite(dir);
  expect(when).toBeGreaterThan(0);
  const child = await runWithFault(dir, `pwrite64:error=EIO:when=${when}`);
  expect(acks(child)).toBe(0);
  expect(failureCodes(child)).toEqual(new Array(ATTEMPTS).fill('io'));
  expect(child.lines).toContain('unreadable io');
  expect(await expectWholeStore(dir)).toBeGreaterThanOrEqual(2);
});
