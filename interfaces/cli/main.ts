/**
 * The entry of `lb`. Most of a short verb's time goes into compiling this program, so the compiled form is kept
 * (measured: a verb takes half the time from the second run on). It is kept in the user's own cache directory,
 * never in a shared one: whoever can write there can run code as this user, who may hold keys. Where that
 * directory cannot be written, nothing is kept and nothing else changes.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

try {
  const shared = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const own = join(shared, 'battery-node');
  // Made here, level by level: Node's own way never ends where a folder takes no new ones (`/proc`).
  for (const folder of [shared, own]) if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  enableCompileCache(own);
} catch {
  // A user without a home: everything works, only slower.
}
await import('./run.ts');
