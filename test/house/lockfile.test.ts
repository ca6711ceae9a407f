/**
 * The lock file must list every platform's optional packages. A registry that does not offer one of them lets
 * `npm install` leave it out silently, and then `npm ci` refuses the lock file everywhere.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, LockedPackage>;
};

test('every optional dependency of a locked package is locked too', () => {
  const missing: string[] = [];
  let seen = 0;
  for (const [path, { optionalDependencies = {} }] of Object.entries(lock.packages))
    for (const name of Object.keys(optionalDependencies)) {
      seen++;
      if (!(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages))
        missing.push(`${name}, of ${path}`);
    }
  expect(seen).toBeGreaterThan(0);
  expect(missing).toEqual([]);
});

test('the lock file names no host to download from', () => {
  expect(JSON.stringify(lock)).not.toMatch(/"resolved":/);
});
