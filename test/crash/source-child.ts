/** A node that serves a group, and kills itself in the middle of serving: after so many blocks have been read. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { BatteryNode } from '../../node.ts';
import { NetworkService } from '../../protocol/network-service.ts';
import { person } from '../support/people.ts';

const [, , data, file, killAfter] = process.argv;
const node = await BatteryNode.openOrInit({ data: data!, threads: 1, durability: 'commit' });
const signer = person('founder');
const port = { ...node.networkPort, signer, signers: () => [signer] };
if (node.groupIds().length === 0) {
  const blocks = (JSON.parse(readFileSync(file!, 'utf8')) as string[]).map((block) =>
    Buffer.from(block, 'base64'),
  );
  const chain = await port.adopt(blocks[0]!);
  const refusal = await chain.follow(blocks.slice(1));
  if (refusal !== undefined) throw new Error(refusal.code);
}
const store = port.store.group(node.groupIds()[0]!);
const read = store.block.bind(store);
let left = Number(killAfter);
const network = await NetworkService.start(port, {
  listen: { host: '127.0.0.1', port: 0 },
  mdns: false,
  headComparisonMs: 0,
});
store.block = (height) => {
  if (left-- === 0) process.kill(process.pid, 'SIGKILL');
  return read(height);
};
console.log(JSON.stringify(network.host.addresses()));
for await (const _ of createInterface({ input: process.stdin }));
await node.close();
