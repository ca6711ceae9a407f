/**
 * Log files that rotate: `battery-node.1.log`, `battery-node.2.log` and so on, the newest with the highest number.
 *
 * Lines are written by pino's own destination, at once and on this thread, so a crash loses none of them. This only
 * says when the next file begins, and takes the oldest away. A line is never torn over two files.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';

export type Destination = ReturnType<typeof pino.destination>;

export interface LogFileOptions {
  readonly folder: string;
  /** Bytes after which the next file begins. */
  readonly bytesMax: number;
  /** Files to keep, the one that is written included. */
  readonly filesMax: number;
  /** Bytes that may wait for a disk that does not write. */
  readonly bufferBytesMax: number;
}

const NAME = /^battery-node\.([1-9]\d{0,14})\.log$/;
const nameOf = (number: number): string => `battery-node.${number}.log`;

/** The numbers of the log files in a folder, the oldest first. */
function numbersIn(folder: string): number[] {
  const numbers = readdirSync(folder).flatMap((name) => NAME.exec(name)?.[1] ?? []);
  return numbers.map(Number).sort((a, b) => a - b);
}

/**
 * Opens the newest log file in a folder that exists, or the first one.
 * @throws errors of the system
 */
export function openLogFiles(options: LogFileOptions): Destination {
  const { folder, bytesMax, filesMax, bufferBytesMax } = options;
  let number = numbersIn(folder).at(-1) ?? 1;
  const file = join(folder, nameOf(number));
  const destination = pino.destination({
    dest: file,
    sync: true,
    mode: 0o600,
    maxLength: bufferBytesMax,
  });
  let written = statSync(file).size;
  destination.on('write', (bytes: number) => {
    written += bytes;
    if (written < bytesMax) return;
    written = 0;
    number++;
    // What was said and still waits belongs to the file that is open.
    destination.once('drain', rotate);
  });
  const rotate = (): void => {
    try {
      destination.reopen(join(folder, nameOf(number)));
      for (const old of numbersIn(folder).slice(0, -filesMax))
        rmSync(join(folder, nameOf(old)), { force: true });
    } catch (error) {
      destination.emit('error', error);
    }
  };
  return destination;
}
