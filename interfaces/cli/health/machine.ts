/** The machine under a node: runtime, compiled modules, disk, clock. Everything that it asks comes in. */
import { type StatsFs, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { DISK_FREE_BYTES_LOW, DISK_FREE_BYTES_MIN } from '../../observability/health.ts';
import { critical, type Finding, ok, warning } from './finding.ts';

const RUNTIME_MAJOR_MIN = 24;
/** No release of this program is older. */
const CLOCK_MS_MIN = Date.UTC(2026, 0, 1);
/** What sealers allow for, in both directions. */
const CLOCK_AHEAD_MS_MAX = 5 * 60_000;

/** File systems over a network: the memory map of a database is not kept coherent over them. */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x517b, 'SMB'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
]);

export function checkRuntime(version: string): Finding {
  const major = Number(version.split('.')[0]);
  if (major >= RUNTIME_MAJOR_MIN) return ok('runtime', `Node ${version}`);
  const message = `Node ${version} is older than ${RUNTIME_MAJOR_MIN}`;
  return critical('runtime', message, `install Node ${RUNTIME_MAJOR_MIN} or newer`);
}

/** Whether the compiled modules load on this platform. */
export async function checkNativeModules(): Promise<Finding[]> {
  const { sodium } = await import('../../../crypto/sodium.ts');
  const verification =
    sodium !== undefined
      ? ok('libsodium', 'loads')
      : warning(
          'libsodium',
          'does not load on this platform: signatures are checked by slower means',
          'install again with "npm ci" on this machine, if it is one of the common platforms',
        );
  return [await checkDatabaseModule(), verification];
}

async function checkDatabaseModule(): Promise<Finding> {
  try {
    await import('lmdb');
    return ok('lmdb', 'loads');
  } catch (error) {
    const message = `the database does not load: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
    return critical('lmdb', message, 'install again with "npm ci" on this machine');
  }
}

/** The file system of `path`, or of the nearest folder above it that exists. */
export function fileSystemOf(path: string): StatsFs | undefined {
  try {
    return statfsSync(path);
  } catch {
    const above = dirname(path);
    return above === path ? undefined : fileSystemOf(above);
  }
}

/** Room on the disk, in bytes. */
export function freeBytes({ bavail, bsize }: StatsFs): number {
  return bavail * bsize;
}

/** @param disk nothing where the system does not say */
export function checkDisk(disk: StatsFs | undefined): Finding[] {
  return disk === undefined ? [] : [checkRoom(freeBytes(disk)), checkFileSystem(disk.type)];
}

export function checkRoom(free: number): Finding {
  const message = `${(free / 1024 ** 3).toFixed(1)} GiB free`;
  if (free < DISK_FREE_BYTES_MIN)
    return critical('disk_space', message, 'free some space: a full disk stops all sealing; nothing is lost');
  if (free < DISK_FREE_BYTES_LOW) return warning('disk_space', message, 'free some space before it runs out');
  return ok('disk_space', message);
}

export function checkFileSystem(type: number): Finding {
  // The kernel gives a signed number on some platforms.
  const network = NETWORK_FILE_SYSTEMS.get(type >>> 0);
  if (network === undefined) return ok('file_system', 'local');
  const message = `the data directory is on ${network}, a file system over a network`;
  return warning('file_system', message, 'move the data directory to a disk of this machine');
}

/** @param newestBlockMs block time of the newest block on this node */
export function checkClock(nowMs: number, newestBlockMs: number | undefined): Finding {
  const shown = new Date(nowMs).toISOString();
  if (nowMs < CLOCK_MS_MIN)
    return critical('clock', `shows ${shown}, which is long past`, 'set the clock of this machine');
  if (newestBlockMs !== undefined && newestBlockMs - nowMs > CLOCK_AHEAD_MS_MAX) {
    const minutes = Math.round((newestBlockMs - nowMs) / 60_000);
    const message = `shows ${shown}, ${minutes} minutes before the newest block`;
    return critical(
      'clock',
      message,
      "set the clock of this machine; if it is right, an admin sets the group's time back with: lb correct-time",
    );
  }
  return ok('clock', shown);
}
