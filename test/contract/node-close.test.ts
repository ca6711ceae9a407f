/** A node that is closed gives everything back, whatever fails on the way. */
import { expect, test } from 'vitest';
import { BatteryNode } from '../../node.ts';
import { openTestNode } from '../support/node.ts';

test('a part that fails to stop keeps neither the store nor the directory', async () => {
  const at = await openTestNode();
  const { node } = at;
  const group = await node.createGroup({ name: 'g' });
  node.market.stop = () => Promise.reject(new Error('the market does not stop'));
  await expect(node.close()).rejects.toThrow('the market does not stop');
  expect(node.status).toBe('stopped');
  expect(() => group.head).toThrow(expect.objectContaining({ code: 'closed' }));
  at.node = await BatteryNode.open({ data: node.data });
  expect(at.node.groupIds()).toEqual([group.groupId]);
});
