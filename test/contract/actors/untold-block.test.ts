/**
 * A block that is on disk although its commit was called a failure: after the group is loaded again it counts in
 * everything that is kept beside the log.
 */
import { expect, test } from 'vitest';
import { StorageError } from '../../../storage/errors.ts';
import { until } from '../../support/manual-time.ts';
import { openTestNode } from '../../support/node.ts';

const DUE_MS = 60_000;

test('its task is open and its deadline told, and whoever follows the log reads it', async () => {
  const { node, time, moments } = await openTestNode();
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

  const store = node.networkPort.store.group(group.groupId);
  const commit = store.commit.bind(store);
  store.commit = async (batch) => {
    await commit(batch);
    throw new StorageError('io', 'the disk failed after all');
  };
  const dueMs = time.nowMs() + DUE_MS;
  await expect(agent.createTask({ task: 'untold', title: 'x', dueMs })).rejects.toThrow('the disk failed');
  store.commit = commit;
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
