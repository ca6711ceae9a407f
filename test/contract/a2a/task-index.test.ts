/** The index of tasks says what reading everything would say, with room for all of them or not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Message } from '@a2a-js/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Group } from '../../../actors/group.ts';
import { A2aRecords } from '../../../interfaces/a2a/records.ts';
import { TaskIndex } from '../../../interfaces/a2a/task-index.ts';
import { BatteryNode } from '../../../node.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-a2a-index-'));
let node: BatteryNode;
let group: Group;
let records: A2aRecords;
beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node'), threads: 1 });
  group = await node.createGroup({ name: 'g' });
  records = new A2aRecords(node.networkPort.store.agents, () => node.networkPort.signer);
});
afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

async function hand(task: string, owner: string, index?: TaskIndex): Promise<void> {
  const message = Message.fromJSON({ messageId: task, parts: [{ text: task }] });
  const handed = { owner, contextId: `context of ${task}`, message, later: [] };
  await records.hand(group.groupId, task, handed);
  index?.add(group.groupId, task, handed);
}

test.each([1_000, 0])('with room for %i tasks', async (max) => {
  const own = node.identity('node').publicKey;
  const named = (name: string) => `${name}-${max}`;
  const of = (found: Iterable<{ task: string; status: string }>) =>
    [...found]
      .filter(({ task }) => task.endsWith(`-${max}`))
      .map(({ task, status }) => `${task} ${status}`)
      .sort();
  await hand(named('before'), own);
  await group.as('node').createTask({ task: named('before'), title: 'x' });
  const index = new TaskIndex(node, records, max);
  expect(of(index.list([group], own))).toEqual([`${named('before')} pending`]);
  await hand(named('later'), own, index);
  await hand(named('strange'), 'f'.repeat(64), index);
  expect(of(index.list([group], own)), 'not on the board yet').toEqual([`${named('before')} pending`]);
  await group.as('node').createTask({ task: named('later'), title: 'x' });
  await group.as('node').createTask({ task: named('strange'), title: 'of another owner' });
  await group.as('node').cancelTask(named('before'));
  const expected = [`${named('before')} cancelled`, `${named('later')} pending`];
  expect(of(index.list([group], own))).toEqual(expected);
  expect(of(index.list([group], undefined)), 'whose creator is not its owner').toEqual(expected);
  expect(of(index.list([], own))).toEqual([]);
  expect(of(index.list([group], 'f'.repeat(64)))).toEqual([]);
  index.close();
});
