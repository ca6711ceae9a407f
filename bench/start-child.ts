/** Opens the node in the folder it is given, asks for its groups, and says how long that took. */
import { BatteryNode } from '../node.ts';

const start = performance.now();
const node = await BatteryNode.open({ data: process.argv[2]! });
const groups = node.groups().map((group) => group.info());
const openMs = performance.now() - start;
const rssBytes = process.memoryUsage.rss();
await node.close();
console.log(JSON.stringify({ openMs, rssBytes, groups: groups.length }));
