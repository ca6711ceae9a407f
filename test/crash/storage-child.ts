/**
 * A process that commits to a store, for the tests that kill it, watch it or break its disk.
 *
 *   node storage-child.ts <dir> <durability> <commits> <in flight>
 *
 * Each commit rewrites the same cells with its height, so that a torn one is seen. It says `ready`, then `ack <height>`
 * after each acknowledgement and `failed <height> <code>` after each refusal, each written before anything else is
 * done, and last whether and how far the store can still be read.
 */
import { writeSync } from 'node:fs';
import type { Durability } from '../../storage/environment.ts';
import { openStore } from '../../storage/store.ts';
import { commitAt, GROUP } from './storage-history.ts';

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const [dir, durability, count, inFlight] = process.argv.slice(2);
const store = openStore(dir!, { durability: durability as Durability });
const group = await store.addGroup(GROUP, 'crash', 0);
say('ready');

/** The head's height, `nothing` or how reading it failed. */
function head(): string {
  try {
    return `readable ${group.head()?.height ?? 'nothing'}`;
  } catch (error) {
    return `unreadable ${(error as { code: string }).code}`;
  }
}

let height = (group.head()?.height ?? -1) + 1;
const waiting: Promise<void>[] = [];
for (let n = 0; n < Number(count); n++) {
  const at = height++;
  const committed = group.commit(commitAt(at)).then(
    () => say(`ack ${at}`),
    (error: { code: string }) => {
      say(`failed ${at} ${error.code}`);
      // What was kept is what is built on.
      const kept = /^readable (\d+)$/.exec(head());
      height = kept ? Number(kept[1]) + 1 : at;
    },
  );
  waiting.push(committed);
  if (waiting.length >= Number(inFlight)) await waiting.shift();
}
await Promise.all(waiting);
say(head());
await store.close();
say('closed');
