/**
 * Where the socket of a node is: in its data directory, so that whoever may enter that may open it. The system bounds
 * the path of a socket to some hundred bytes; where the directory's own is longer, the socket stands in a folder of its
 * own beside the other temporary files, which only its user may enter, and the directory says where.
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { layoutOf } from '../../storage/directory.ts';
import { fileError } from '../../storage/errors.ts';

/** What the system allows for the path of a socket, without its closing zero: 108 bytes on Linux, 104 elsewhere. */
const PATH_BYTES_MAX = (process.platform === 'linux' ? 108 : 104) - 1;
const FOLDER = 'lb-';
const NAME = 'node.sock';

const fits = (path: string): boolean => Buffer.byteLength(path) <= PATH_BYTES_MAX;

/** In the data directory, beside where the socket would be. */
const pointerOf = (socket: string): string => `${socket}.at`;

/** Where a client finds the node of a data directory; nothing where none can be. */
export function findSocket(data: string): string | undefined {
  const { socket } = layoutOf(data);
  return fits(socket) ? socket : readPointer(socket);
}

function readPointer(socket: string): string | undefined {
  try {
    const path = readFileSync(pointerOf(socket), 'utf8').trim();
    return isOurs(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function isOurs(path: string): boolean {
  return basename(path) === NAME && basename(dirname(path)).startsWith(FOLDER) && fits(path);
}

/**
 * Where the owner of a data directory listens; made anew at each start.
 * @throws StorageError
 */
export function placeSocket(data: string): string {
  const { socket } = layoutOf(data);
  if (fits(socket)) return socket;
  clearPlace(data);
  const base = fits(join(tmpdir(), `${FOLDER}XXXXXX`, NAME)) ? tmpdir() : '/tmp';
  const pointer = pointerOf(socket);
  try {
    const place = join(mkdtempSync(join(base, FOLDER)), NAME);
    writeFileSync(`${pointer}.tmp`, `${place}\n`, { mode: 0o600 });
    renameSync(`${pointer}.tmp`, pointer);
    return place;
  } catch (error) {
    throw fileError(error, 'make', pointer);
  }
}

/** Takes away what `placeSocket` made. */
export function clearPlace(data: string): void {
  const { socket } = layoutOf(data);
  if (fits(socket)) return;
  const place = readPointer(socket);
  if (place !== undefined) rmSync(dirname(place), { recursive: true, force: true });
  rmSync(pointerOf(socket), { force: true });
}
