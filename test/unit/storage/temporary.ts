/**
 * Scratch directories and stores that go away with the test.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Durability } from '../../../storage/environment.ts';
import { openStore, type Store } from '../../../storage/store.ts';

/** An empty directory that is removed when the test ends. */
export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'storage-unit-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** An open store that is closed when the test ends, in `dir` or a directory of its own. */
export function temporaryStore(dir: string = temporaryDirectory(), durability: Durability = 'commit'): Store {
  const store = openStore(dir, { durability });
  onTestFinished(() => store.close());
  return store;
}

/** The 32-byte id number `n`, as text. */
export function hexId(n: number): string {
  return n.toString(16).padStart(64, '0');
}
