/**
 * An orchestrator that embeds the node as a library, `npm run demo:orchestrator`: it puts work on the board of a
 * group, three workers of its own take it, each task goes to exactly one of them, and the history of it all is audited.
 * In your own program, import from 'battery-node' instead.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Agent, BatteryNode, type Group, RefusedError } from '../../index.ts';

const PARTS = ['the harbour', 'the lighthouse', 'the tide', 'the boats', 'the market', 'the storm'];
const WORKERS = ['ann', 'bob', 'cid'];

const folder = mkdtempSync(join(tmpdir(), 'lb-orchestrator-'));
try {
  await using node = await BatteryNode.openOrInit({ data: join(folder, 'node') });
  const group = await node.createGroup({ name: 'domain:chapter' });
  const orchestrator = group.as('node');

  const workers = await Promise.all(
    WORKERS.map(async (name) => {
      const { publicKey } = await node.createIdentity(name);
      await orchestrator.addMember(publicKey, 'member');
      return group.as(name);
    }),
  );
  for (const [at, part] of PARTS.entries())
    await orchestrator.createTask({ task: `part-${at + 1}`, title: `Write about ${part}`, reward: 10n });

  await Promise.all(workers.map((worker) => work(group, worker)));

  // The log says who did what, in the order in which it happened.
  for await (const { event } of group.events({ kinds: ['task.changed'], untilHead: true })) {
    if (event.kind !== 'task.changed' || event.status !== 'completed') continue;
    const by = workers.find(({ publicKey }) => publicKey === event.by)!.name;
    console.log(`${event.task}  ${by}  ${group.claimContent(event.result!)?.text}`);
  }
  const paid = workers.map(({ name, publicKey }) => `${name} ${group.now.balance(publicKey)}`);
  console.log(`balances: ${paid.join(', ')}`);
  const audit = await group.audit();
  console.log(`audit: ${audit.status}, ${group.head.height + 1} blocks`);
  process.exitCode = audit.status === 'sound' ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Takes whatever is free until nothing is. Here would be your model, your tool, your process. */
async function work(group: Group, worker: Agent): Promise<void> {
  for (;;) {
    const [free] = group.now.tasks({ status: 'pending' });
    if (free === undefined) return;
    try {
      await worker.takeTask(free.task);
    } catch (error) {
      // Another worker was faster; of all who try, exactly one gets it.
      if (error instanceof RefusedError && error.refusal.code === 'task_state') continue;
      throw error;
    }
    await worker.startTask(free.task);
    const { claim } = await worker.publishClaim({ text: `${free.title}: done by ${worker.name}.` });
    await worker.completeTask(free.task, claim);
  }
}
