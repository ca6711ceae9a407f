/** Files that a verb writes. */
import { statSync } from 'node:fs';
import { join } from 'node:path';

/** The file of `--out`, an absolute path: where that is a folder, a file with a name of its own in it. */
export function outputFile(target: string, nameInFolder: () => string): string {
  const isFolder = statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? join(target, nameInFolder()) : target;
}

/** `battery-node-20260131T120000Z`, to begin the name of a file with. */
export function datedName(nowMs: number): string {
  return `battery-node-${new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')}`;
}
