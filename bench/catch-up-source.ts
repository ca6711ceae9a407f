/** The source of the catch-up measurement: a node of its own process that holds the workload and serves it. */
import { createInterface } from 'node:readline';
import { sha256 } from '../crypto/hash.ts';
import { BatteryNode } from '../node.ts';
import { NetworkService } from '../protocol/network-service.ts';
import { readBlocks } from './block-file.ts';
import { benchSigner, claimText } from './workload.ts';

const [, , data, file] = process.argv;

const node = await BatteryNode.openOrInit({ data: data!, durability: 'commit' });
const blocks = readBlocks(file!);
const signer = benchSigner('founder');
const port = { ...node.networkPort, signer, signers: () => [signer] };
const chain = await port.adopt(blocks[0]!);
const refusal = await chain.follow(blocks.slice(1));
if (refusal !== undefined) throw new Error(refusal.code);
const group = port.store.group(chain.groupId);
const { transactions = 0, height = 0 } = group.head() ?? {};
await group.commit({
  artifacts: Array.from({ length: transactions }, (_, number) => claimText(number)).map((bytes) => ({
    hash: sha256(bytes),
    bytes,
  })),
});
const network = await NetworkService.start(port, { listen: { host: '127.0.0.1', port: 0 }, mdns: false });
console.log(JSON.stringify({ addresses: network.host.addresses(), head: height }));
// Lives until its parent closes the pipe.
for await (const _ of createInterface({ input: process.stdin }));
await network.stop();
await node.close();
