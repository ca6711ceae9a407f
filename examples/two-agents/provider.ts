/**
 * The agent that works: it finds the requester (by the addresses in the code, or on the local network), joins with
 * the code, takes the task, does it, and hands in the result as a claim.
 *
 *   node provider.ts DATA CODE
 */
import { BatteryNode, join, NotFoundError, parseInviteCode } from '../../index.ts';

const [, , data, code] = process.argv;
const say = (line: object): void => console.log(JSON.stringify(line));
const startMs = performance.now();

await using node = await BatteryNode.openOrInit({ data: data! });
const network = await node.startNetwork({ listen: { host: '0.0.0.0', port: 0 } });
say({ did: 'started' });
const invite = parseInviteCode(code!);
const groupId = invite.peers.length > 0 ? await join(network, invite) : await joinNearby();
const group = node.group(groupId);
const me = group.as('node');

for await (const { event } of group.events({ kinds: ['task.changed'] })) {
  if (event.kind !== 'task.changed') continue;
  if (event.status === 'pending') {
    await me.takeTask(event.task);
    await me.startTask(event.task);
    let sum = 0;
    for (let number = 1; number <= 100; number++) sum += number;
    const { claim } = await me.publishClaim({ text: `The sum is ${sum}.`, tags: ['result'] });
    await me.completeTask(event.task, claim);
  }
  if (event.status === 'completed') break;
}
say({ did: 'finished', balance: String(group.now.balance(me.publicKey)) });

/** Asks whoever is found on the local network, until one knows the invite. */
async function joinNearby(): Promise<string> {
  const asked = new Set<string>();
  for (;;) {
    const peer = network.status().peers.find(({ key }) => !asked.has(key));
    if (peer === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    if (asked.size === 0) say({ did: 'found a peer', afterMs: Math.round(performance.now() - startMs) });
    asked.add(peer.key);
    try {
      return await join(network, invite, { peers: [{ key: peer.key, addresses: [] }] });
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }
}
