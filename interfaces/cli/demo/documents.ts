/** The documents of the first import: those of the packages that are installed beside this one. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { NotFoundError } from '../../../actors/errors.ts';

/** A package of ours that lies in the right folder. */
const LANDMARK = 'commander';

/** The `node_modules` that this program takes its packages from: in a checkout its own, installed the one around it. */
export function installedPackages(from = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = basename(folder) === 'node_modules' ? folder : join(folder, 'node_modules');
    if (existsSync(join(candidate, LANDMARK))) return candidate;
    if (folder === dirname(folder))
      throw new NotFoundError(
        'there are no installed packages here; name a folder with Markdown files with --docs',
      );
  }
}
