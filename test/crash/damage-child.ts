/**
 * Opens directories one after another, reads all that can be read of each, and tries to seal; one line of JSON for
 * each. Whatever ends this process by a signal was the directory that was named last.
 */
import { writeSync } from 'node:fs';
import { BatteryNode } from '../../node.ts';
import { readNode, trySealing } from './damage-reading.ts';

const [, , idsText, ...directories] = process.argv;
const ids = idsText!.split(',');
const say = (value: unknown): void => void writeSync(1, `${JSON.stringify(value)}\n`);

for (const data of directories) {
  say({ data });
  let node: BatteryNode;
  try {
    node = await BatteryNode.open({ data, durability: 'commit', threads: 1 });
  } catch (error) {
    say({ data, refused: (error as { code?: string }).code ?? (error as Error).stack });
    continue;
  }
  const readings = await readNode(node, ids);
  const sealed: Record<string, string> = {};
  for (const id of ids) sealed[id] = await trySealing(node, id);
  await node.close().catch(() => {});
  say({ data, readings, sealed });
}
