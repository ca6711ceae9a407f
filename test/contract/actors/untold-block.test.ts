/**
 * A block that is on disk although its commit was called a failure: after the group is loaded again it counts in
 * everything that is kept beside the log.
 */
import { expect, it } from 'vitest';
import { type Hex32, utf8 } from '../../../events/bytes.ts';
import { StorageError } from '../../../storage/errors.ts';
import { until } from '../../support/manual-time.ts';
import { openTestNode, type TestNode } from '../../support/node.ts';

const DUE_MS = 60_000;

/** From now on the blocks of a group get to the disk and their commits fail; what is returned ends that. */
function keepSilent({ node }: TestNode, groupId: Hex32): () => void {
  const store = node.networkPort.store.group(groupId);
  const commit = store.commit.bind(store);
  store.commit = async (batch) => {
    await commit(batch);
    throw new StorageError('io', 'the disk failed after all');
  };
  return () => {
    store.commit = commit;
  };
}

it('its task is open and its deadline told, and whoever follows the log reads it', async () => {
  const test = await openTestNode();
  const { node, time, moments } = test;
  const group = await node.createGroup({ name: 'g' });
  const agent = group.as('node');
  expect(group.now.tasks({ status: 'open' })).toEqual([]);
  const stop = new AbortController();
  const heard: string[] = [];
  const listening = (async () => {
    const { height, groupId } = { ...group.head, groupId: group.groupId };
    const after = { groupId, height, index: 999 };
    for await (const { event } of group.events({ after, signal: stop.signal })) heard.push(event.kind);
  })();

  const dueMs = time.nowMs() + DUE_MS;
  const tell = keepSilent(test, group.groupId);
  await expect(agent.createTask({ task: 'untold', title: 'x', dueMs })).rejects.toThrow('the disk failed');
  tell();
  expect(group.info().status).toBe('halted');
  expect(heard).toEqual([]);

  await group.reload();
  expect(group.now.tasks({ status: 'open' }).map(({ task }) => task)).toEqual(['untold']);
  await until(() => heard.includes('block.sealed'));
  await new Promise((resolve) => setImmediate(resolve));
  time.advance(2 * DUE_MS);
  expect(moments).toContainEqual(expect.objectContaining({ kind: 'task.overdue', task: 'untold' }));
  stop.abort();
  await listening;
});

it('its purchase is granted, and the order that made it goes on to its end', async () => {
  const test = await openTestNode();
  const { node } = test;
  const group = await node.createGroup({ name: 'g' });
  const { groupId } = group;
  const { publicKey } = await node.createIdentity('bob');
  await group.as('node').mint(publicKey, 10n);
  const { offer } = await group.as('node').createOffer({ title: 'x', content: utf8('x'), price: 10n });

  const tell = keepSilent(test, groupId);
  const { order } = await node.market.buy({ groupId, offer, as: 'bob' });
  await until(() => node.market.orders.troubleOf(order) !== undefined);
  tell();
  expect(group.info().status).toBe('halted');
  expect(node.market.orders.get(order).state).toBe('requested');

  // Time stands still: nothing but the reload tells order and seller.
  await group.reload();
  await until(() => node.market.orders.get(order).state === 'settled');
  expect(group.now.balance(publicKey)).toBe(0n);
});
