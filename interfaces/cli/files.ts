/** Files of the user's: read whole, written whole, and every failure in words. */
import {
  closeSync,
  createReadStream,
  fsyncSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError } from '../../actors/errors.ts';
import { describeErrno, errnoKind, errnoName, type FileAction } from '../../events/errno.ts';
import { FileError } from './errors.ts';
import type { Terminal } from './terminal.ts';

/** The error for what an action on `path` threw. */
export function fileError(error: unknown, action: FileAction, path: string): unknown {
  const name = errnoName(error);
  return name === undefined
    ? error
    : new FileError(errnoKind(name), describeErrno(name, action, path), error);
}

function nameOf(path: string): string {
  return path === '-' ? 'standard input' : path;
}

/** The bytes of a file, or of standard input for `-`. @throws FileError, UsageError */
export async function readInput(terminal: Terminal, path: string): Promise<Uint8Array> {
  try {
    return await (path === '-' ? terminal.readInput() : readFile(resolve(terminal.cwd, path)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_FS_FILE_TOO_LARGE')
      throw new UsageError(`${nameOf(path)} is larger than 2 GiB, which is more than anything here may hold`);
    throw fileError(error, 'read', nameOf(path));
  }
}

/** The bytes of a file piece by piece. It is looked at before the first is read. @throws FileError */
export function streamInput(terminal: Terminal, path: string): AsyncIterable<Uint8Array> {
  const place = resolve(terminal.cwd, path);
  try {
    if (statSync(place).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
  } catch (error) {
    throw fileError(error, 'read', path);
  }
  return piecesOf(place, path);
}

async function* piecesOf(place: string, path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(place, { highWaterMark: 256 * 1024 })) yield piece as Buffer;
  } catch (error) {
    throw fileError(error, 'read', path);
  }
}

/** The text of a file or of standard input; one line end at the very end is not part of it. */
export async function readTextInput(terminal: Terminal, path: string): Promise<string> {
  const bytes = await readInput(terminal, path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    throw new UsageError(`${nameOf(path)} is not text in UTF-8`);
  }
}

/** Writes a new file, down to the disk; what cannot be written whole is not left behind. @throws FileError */
export function writeOutput(terminal: Terminal, path: string, content: Uint8Array): void {
  const file = openOutput(terminal, path);
  try {
    writeFileSync(file.descriptor, content);
    file.keep();
  } catch (error) {
    throw file.drop(error);
  }
}

/** Like `writeOutput`, piece by piece. @throws FileError, and what the pieces throw */
export async function writeOutputStream(
  terminal: Terminal,
  path: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = openOutput(terminal, path);
  try {
    for await (const piece of pieces)
      for (let at = 0; at < piece.length; ) at += writeSync(file.descriptor, piece, at);
    file.keep();
  } catch (error) {
    throw file.drop(error);
  }
}

function openOutput(terminal: Terminal, path: string) {
  const place = resolve(terminal.cwd, path);
  let descriptor: number;
  try {
    descriptor = openSync(place, 'wx');
  } catch (error) {
    throw fileError(error, 'write', path);
  }
  return {
    descriptor,
    keep: (): void => {
      fsyncSync(descriptor);
      closeSync(descriptor);
    },
    /** Takes the unfinished file away; gives what to throw. */
    drop: (error: unknown): unknown => {
      closeSync(descriptor);
      rmSync(place, { force: true });
      return fileError(error, 'write', path);
    },
  };
}
