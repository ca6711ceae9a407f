/** Whether a peer shares a group: what is remembered says the same as a look through all groups. */
import { expect, test } from 'vitest';
import type { Agent } from '../../../actors/agent.ts';
import { Access } from '../../../protocol/access.ts';
import { openTestNode } from '../../support/node.ts';
import { alice, bob } from '../../support/people.ts';

test('is what a look through all groups would say, whoever comes, goes and shows other keys', async () => {
  const { node } = await openTestNode();
  const port = node.networkPort;
  const access = new Access(port);
  port.bus.head$.subscribe(({ groupId }) => access.groupChanged(groupId));
  const peers = [alice.publicKey, bob.publicKey, 'ef'.repeat(32)];
  const check = (what: string): boolean[] => {
    const fresh = new Access(port);
    if (shown.length > 0) fresh.introduced(bob.publicKey, shown);
    const answers = peers.map((peer) => access.sharesGroup(peer));
    expect(answers, what).toEqual(peers.map((peer) => fresh.sharesGroup(peer)));
    return answers;
  };
  let shown: string[] = [];
  expect(check('no group')).toEqual([false, false, false]);
  const groups = [];
  for (const name of ['one', 'two', 'three']) groups.push(await node.createGroup({ name }));
  expect(check('groups of others')).toEqual([false, false, false]);
  const [one, two, three] = groups.map((group) => group.as('node')) as [Agent, Agent, Agent];
  await two.addMember(alice.publicKey, 'viewer');
  expect(check('a member of one')).toEqual([true, false, false]);
  await three.addMember(alice.publicKey, 'member');
  await two.removeMember(alice.publicKey);
  expect(check('a member of another')).toEqual([true, false, false]);
  await three.removeMember(alice.publicKey);
  expect(check('a member of none any more')).toEqual([false, false, false]);
  await one.addMember('ab'.repeat(32), 'member');
  expect(check('another has come')).toEqual([false, false, false]);
  shown = ['ab'.repeat(32)];
  access.introduced(bob.publicKey, shown);
  expect(check('a peer acts for a member')).toEqual([false, true, false]);
  shown = [];
  access.disconnected(bob.publicKey);
  expect(check('that peer has gone')).toEqual([false, false, false]);
});

test('looks at groups with new blocks alone', async () => {
  const { node } = await openTestNode();
  const port = node.networkPort;
  for (let n = 0; n < 20; n++) await node.createGroup({ name: `g${n}` });
  const looked: string[] = [];
  const store = new Proxy(port.store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name === 'group')
        return (groupId: string) => {
          looked.push(groupId);
          return target.group(groupId);
        };
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const access = new Access({ ...port, store, groupIds: () => port.groupIds() });
  expect(access.sharesGroup(alice.publicKey)).toBe(false);
  expect(new Set(looked).size).toBe(20);
  looked.length = 0;
  expect(access.sharesGroup(alice.publicKey)).toBe(false);
  expect(looked).toEqual([]);
  const [groupId] = port.groupIds();
  access.groupChanged(groupId!);
  expect(access.sharesGroup(alice.publicKey)).toBe(false);
  expect(new Set(looked)).toEqual(new Set([groupId]));
});
