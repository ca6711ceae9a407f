/** The source of the catch-up measurement: a node of its own process that holds the workload and serves it. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { BatteryNode } from '../node.ts';
import { NetworkService } from '../protocol/network-service.ts';
import { benchSigner } from './workload.ts';

const [, , data, file] = process.argv;

/** The workload, as its parent has written it: each block after its length. */
function* blocksOf(bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    yield bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
}

const node = await BatteryNode.openOrInit({ data: data!, durability: 'commit' });
const blocks = [...blocksOf(readFileSync(file!))];
const signer = benchSigner('founder');
const port = { ...node.networkPort, signer, signers: () => [signer] };
const chain = await port.adopt(blocks[0]!);
const refusal = await chain.follow(blocks.slice(1));
if (refusal !== undefined) throw new Error(refusal.code);
const network = await NetworkService.start(port, { listen: { host: '127.0.0.1', port: 0 }, mdns: false });
console.log(JSON.stringify({ addresses: network.host.addresses(), head: chain.head.height }));
// Lives until its parent closes the pipe.
for await (const _ of createInterface({ input: process.stdin }));
await network.stop();
await node.close();
