/**
 * The sum of a view file that nobody has open for writing: beside it, of all its bytes.
 *
 * SQLite has no checksums, and what it checks is the structure: a byte that changes inside a text or a number is
 * believed. So whoever closes a file leaves a sum of it, and whoever opens it holds the file against that; the first
 * change takes the sum away. A process that was killed leaves none, and then the file is checked as far as it goes.
 */
import { closeSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** What the name of the sum has behind the name of its file. */
export const SUM_SUFFIX = '-sum';
const STEP_BYTES = 1024 * 1024;

/** Whether the file is what it was when it was closed; nothing where no sum was left that still counts. */
export function isAsClosed(path: string): boolean | undefined {
  const sum = storedSum(path);
  if (sum === undefined) return undefined;
  if (sum === sumOf(path)) return true;
  // Another process may have begun to write meanwhile.
  return storedSum(path) === sum ? false : undefined;
}

/** Leaves the sum of a file that was closed. A disk that takes none is no reason to fail: the file stays checkable. */
export function leaveSum(path: string): void {
  if (hasLog(path)) return;
  try {
    writeFileSync(path + SUM_SUFFIX, sumOf(path), { mode: 0o600 });
  } catch {
    rmSync(path + SUM_SUFFIX, { force: true });
  }
}

export function hasSum(path: string): boolean {
  return statSync(path + SUM_SUFFIX, { throwIfNoEntry: false }) !== undefined;
}

/** To be called before the first change. */
export function takeSumAway(path: string): void {
  rmSync(path + SUM_SUFFIX, { force: true });
}

function storedSum(path: string): string | undefined {
  const isThere = hasSum(path) && !hasLog(path) && sizeOf(path) > 0;
  return isThere ? readFileSync(path + SUM_SUFFIX, 'latin1') : undefined;
}

/** Whether SQLite has changes of the file beside it. */
function hasLog(path: string): boolean {
  return sizeOf(`${path}-wal`) > 0;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Bytes and CRC-32, as text. */
function sumOf(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    const step = Buffer.allocUnsafe(STEP_BYTES);
    let sum = 0;
    let size = 0;
    for (;;) {
      const bytes = readSync(descriptor, step);
      if (bytes === 0) return `${size} ${sum.toString(16)}\n`;
      sum = crc32(bytes === STEP_BYTES ? step : step.subarray(0, bytes), sum);
      size += bytes;
    }
  } finally {
    closeSync(descriptor);
  }
}
