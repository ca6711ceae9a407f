/**
 * Logs: pino, as text for people or JSON for machines, to standard error or to files that rotate.
 *
 * Lines are written as they come, on this thread: a line costs microseconds, and a crash then loses none of them.
 * A log that cannot be written (the disk is full) must not take the node down: lines wait in a bounded buffer,
 * those beyond are dropped, and both are counted.
 */
import { type Logger, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { describeErrno, errnoName } from '../../events/errno.ts';
import { makeFolders } from '../../storage/folders.ts';
import { ConfigError } from '../config/errors.ts';
import type { Settings } from '../config/schema.ts';
import { type Destination, openLogFiles } from './log-files.ts';
import { clean, cleanText } from './redact.ts';

export type { Logger } from 'pino';

/** Bytes that may wait for a disk that does not write. */
const BUFFER_BYTES_MAX = 4 * 1024 * 1024;

export type LogSettings = Pick<
  Settings,
  'log_level' | 'log_dir' | 'log_json' | 'log_file_bytes_max' | 'log_files_max'
>;

export interface Log {
  readonly logger: Logger;
  /** Writes that failed, and lines that were dropped since. */
  readonly trouble: { failedWrites: number; droppedLines: number };
  /** Writes what waits, and closes the file. */
  close(): Promise<void>;
}

/**
 * Opens the log.
 * @throws ConfigError `log_dir_unwritable`
 */
export async function openLog(settings: LogSettings): Promise<Log> {
  const { log_dir: folder, log_json, log_level } = settings;
  const destination = folder === undefined ? standardError() : openFiles(folder, settings);
  const trouble = { failedWrites: 0, droppedLines: 0 };
  destination.on('error', () => trouble.failedWrites++);
  destination.on('drop', () => trouble.droppedLines++);
  const isColoured = folder === undefined && process.stderr.isTTY === true;
  const write = log_json ? (line: string) => line : prettyFactory({ ...PRETTY, colorize: isColoured });
  let closing: Promise<void> | undefined;
  const sink = {
    write(line: string): void {
      // Whoever still logs after the end is not heard, and not punished.
      if (closing === undefined) destination.write(write(line));
    },
  };
  const close = (): Promise<void> => {
    closing ??= closeStream(destination);
    return closing;
  };
  return { logger: createLogger(log_level, sink), trouble, close };
}

const PRETTY = { translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l', ignore: 'pid', singleLine: true } as const;

/** A logger that lets nothing through but what `clean` lets through. */
function createLogger(level: string, sink: { write(line: string): void }): Logger {
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
      },
      hooks: {
        logMethod(args, method) {
          method.apply(this, args.map(cleanArgument) as Parameters<typeof method>);
        },
      },
      // Errors are plain objects by the time they get here.
      serializers: { err: (error: unknown) => error },
    },
    sink,
  );
  // Bindings of children are written as they are given; every child inherits these two.
  const { child, setBindings } = logger;
  logger.child = function (this: Logger, bindings: object, ...rest: []) {
    return child.call(this, clean(bindings) as object, ...rest);
  } as Logger['child'];
  logger.setBindings = function (this: Logger, bindings: object) {
    setBindings.call(this, clean(bindings) as object);
  };
  return logger;
}

/** An error stands under `err`, as it does everywhere with pino. */
function cleanArgument(argument: unknown): unknown {
  if (argument instanceof Error) return { err: clean(argument), msg: cleanText(argument.message) };
  return clean(argument);
}

function standardError(): Destination {
  return pino.destination({ dest: 2, sync: true, maxLength: BUFFER_BYTES_MAX });
}

function openFiles(folder: string, settings: LogSettings): Destination {
  try {
    makeFolders(folder);
    return openLogFiles({
      folder,
      bytesMax: settings.log_file_bytes_max,
      filesMax: settings.log_files_max,
      bufferBytesMax: BUFFER_BYTES_MAX,
    });
  } catch (error) {
    const name = errnoName(error);
    const why = name === undefined ? (error as Error).message : describeErrno(name, 'write', folder);
    throw new ConfigError('log_dir_unwritable', [`log_dir: ${why}`]);
  }
}

function closeStream(destination: Destination): Promise<void> {
  return new Promise((resolve) => {
    destination.once('close', resolve);
    // What cannot be written now will not be later; a full disk must not keep the node from ending.
    destination.once('error', () => {
      destination.destroy();
      resolve();
    });
    destination.end();
  });
}
