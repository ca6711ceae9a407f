/** Which version of the program this is, and where it is installed. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Package {
  readonly root: string;
  readonly version: string;
}

function ownPackage(): Package | undefined {
  // From the sources the package file is two folders up, from the build one more.
  for (const up of ['../..', '../../..'])
    try {
      const root = join(dirname(fileURLToPath(import.meta.url)), up);
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
      return { root, version };
    } catch {
      // The next candidate.
    }
  return undefined;
}

export function version(): string {
  return ownPackage()?.version ?? 'unknown';
}

/** The command line that starts this very program from anywhere, without a PATH. */
export function ownCommand(): readonly [program: string, script: string] {
  return [process.execPath, join(ownPackage()?.root ?? '.', 'bin', 'lb')];
}
