/** Which version of the program this is. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export function version(): string {
  // From the sources the package file is two folders up, from the build one more.
  for (const up of ['../..', '../../..'])
    try {
      const path = join(dirname(fileURLToPath(import.meta.url)), up, 'package.json');
      return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
    } catch {
      // The next candidate.
    }
  return 'unknown';
}
