/**
 * A node that seals as fast as its callers submit, until somebody kills it. Every receipt is written to standard
 * output before its caller goes on, so that what stands there is what was acknowledged.
 */
import { writeSync } from 'node:fs';
import { BatteryNode } from '../../node.ts';

const [, , data, callersText, limitText] = process.argv;
const callers = Number(callersText);
let left = Number(limitText);
const say = (line: string): void => void writeSync(1, `${line}\n`);

const node = await BatteryNode.openOrInit({ data: data!, waitMs: 5_000 });
const group = node.groups()[0] ?? (await node.createGroup({ name: 'crash' }));
say(`group ${group.groupId} ${group.head.height}`);
const agent = group.as('node');
await Promise.all(
  Array.from({ length: callers }, async (_, caller) => {
    while (left-- > 0) {
      const text = `claim of caller ${caller} at ${process.pid}/${performance.now()}`;
      const { txId, height, index, claim } = await agent.publishClaim({ text });
      say(`ack ${txId} ${height} ${index} ${claim}`);
    }
  }),
);
await node.close();
say('closed');
