/**
 * One side of a sale in a process of its own, which kills itself at a step that it is told: before or after something
 * of the sale gets to its disk. The buyer says what has become of the order, and ends; the seller stays.
 *
 *   seller  DATA seller PORT                    lines on standard input: the step to die at
 *   buyer   DATA buyer STEP REQUEST             REQUEST is the JSON of what `Market.buy` takes
 */
import { createInterface } from 'node:readline';
import { orderCodec } from '../../actors/market/order.ts';
import { decode } from '../../events/codec.ts';
import { BatteryNode } from '../../node.ts';

const [, , data, role, ...more] = process.argv;
const node = await BatteryNode.openOrInit({ data: data!, threads: 1, durability: 'commit' });
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('it is over');
};

if (role === 'seller') {
  let step = '';
  const groupId = node.groupIds()[0]!;
  const group = node.networkPort.store.group(groupId);
  const commit = group.commit.bind(group);
  let commits = 0;
  group.commit = async (batch) => {
    commits++;
    if (step === `before ${commits}`) die();
    await commit(batch);
    if (step === `after ${commits}`) die();
  };
  const network = await node.startNetwork({
    listen: { host: '127.0.0.1', port: Number(more[0]) },
    mdns: false,
    headComparisonMs: 0,
  });
  console.log(JSON.stringify(network.host.addresses()));
  for await (const line of createInterface({ input: process.stdin })) {
    step = line;
    commits = 0;
    console.log('armed');
  }
} else {
  const [step, request] = more;
  const { market } = node.networkPort.store;
  const write = market.put.bind(market);
  market.put = async (key, value) => {
    const isOrder = Buffer.from(key.subarray(0, 6)).toString() === 'order/';
    const state = isOrder ? decode(orderCodec, value).state : 'other';
    if (step === `before ${state}`) die();
    await write(key, value);
    if (step === `after ${state}`) die();
  };
  await node.startNetwork({ mdns: false, headComparisonMs: 0 });
  const order = await node.market.buy(JSON.parse(request!));
  const ended = await node.market.orders.until(order.order, () => false);
  const delivery = await node.market.orders.open(order.order);
  const pieces: Uint8Array[] = [];
  if (delivery.status === 'opened') for await (const piece of delivery.content()) pieces.push(piece);
  console.log(JSON.stringify({ state: ended.state, content: Buffer.concat(pieces).toString() }));
  await node.close();
}
