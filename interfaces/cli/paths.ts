/** Paths as the user typed them, from where he stands. */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';

export function userPath(path: string): string {
  return resolve(path);
}

/** The file of `--out`: where that is a folder, a file with a name of its own in it. */
export function outputFile(path: string, nameInFolder: () => string): string {
  const target = userPath(path);
  const isFolder = statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? join(target, nameInFolder()) : target;
}

/** `battery-node-20260131T120000Z`, to begin the name of a file with. */
export function datedName(nowMs: number): string {
  return `battery-node-${new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')}`;
}
