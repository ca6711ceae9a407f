/**
 * The agent that has work: it founds a group, hands out a join code, offers one task with a reward, and waits for
 * the result.
 *
 *   node requester.ts DATA [--without-addresses]      the code then names no place, and is found by mDNS
 */
import { BatteryNode } from '../../index.ts';

const [, , data, flag] = process.argv;
const say = (line: object): void => console.log(JSON.stringify(line));

await using node = await BatteryNode.openOrInit({ data: data! });
await node.startNetwork({ listen: { host: '0.0.0.0', port: 0 } });
// The other agent fetches the last block before it goes; whoever hangs up first would leave it waiting.
const hungUp = new Promise<void>((resolve) =>
  node.bus.moment$.subscribe(({ kind }) => (kind === 'peer.disconnected' ? resolve() : undefined)),
);
const group = await node.createGroup({ name: 'two-agents' });
const me = group.as('node');
const { code } = await me.createInvite({
  role: 'member',
  expiresMs: Date.now() + 600_000,
  ...(flag === '--without-addresses' ? { hints: [] } : {}),
});
say({ code });

const task = 'sum';
for await (const { event } of group.events({ kinds: ['member.changed', 'task.changed'] })) {
  if (event.kind === 'member.changed' && event.invite !== undefined) {
    await me.createTask({ task, title: 'Add the numbers from 1 to 100', reward: 50n });
    say({ did: 'offered the task', to: event.member });
  }
  if (event.kind === 'task.changed' && event.status === 'completed') {
    // The block names the result; its text follows a moment later.
    const result = event.result!;
    while (group.claimContent(result) === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
    say({ did: 'got the result', result: group.claimContent(result)!.text, from: event.assignee });
    break;
  }
}
await hungUp;
