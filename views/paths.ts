import { join } from 'node:path';
import type { Hex32 } from '../events/bytes.ts';

/** Where the read models of a group lie. Apart from what opens them, which loads SQLite. */
export function filePath(dir: string, groupId: Hex32): string {
  return join(dir, `${groupId}.db`);
}
