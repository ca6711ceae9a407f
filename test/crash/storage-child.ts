/**
 * A process that commits to a store, for the tests that kill it, watch it or break its disk.
 *
 *   node storage-child.ts <dir> <durability> <commits> <in flight>
 *
 * Each commit rewrites the same cells with its height, so that a torn one is seen. It says `ready`, then `ack <height>`
 * after each acknowledgement and `failed <height> <code>` after each refusal, each written before anything else is done.
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

const first = (group.head()?.height ?? -1) + 1;
let waiting: Promise<void>[] = [];
for (let height = first; height < first + Number(count); height++) {
  const committed = group.commit(commitAt(height)).then(
    () => say(`ack ${height}`),
    (error: { code: string }) => say(`failed ${height} ${error.code}`),
  );
  waiting.push(committed);
  if (waiting.length >= Number(inFlight)) await waiting.shift();
}
await Promise.all(waiting);
waiting = [];
say(`readable ${group.head()?.height ?? 'nothing'}`);
await store.close();
say('closed');
