/** Two nodes over a real socket: found, invite, join, publish, and the same head on both. */
import { afterEach, expect, it } from 'vitest';
import { parseInviteCode } from '../../../actors/invites.ts';
import { join } from '../../../protocol/membership.ts';
import { closePeers, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(closePeers);

it('a group is founded here, joined there, written to from both, and the same on both', async () => {
  const a = await peer();
  const b = await peer();
  const group = await a.node.createGroup({ name: 'domain:two' });
  const question = await group.as('node').publishClaim({ text: 'Which framework?' });
  const { code } = await group.as('node').createInvite({ role: 'member', expiresMs: Date.now() + 60_000 });
  expect(code.startsWith('lbi2')).toBe(true);

  const groupId = await join(b.network, parseInviteCode(code));
  expect(groupId).toBe(group.groupId);
  const joined = b.node.group(groupId);
  expect(joined.info()).toMatchObject({ name: 'domain:two', status: 'following' });
  expect(joined.now.roleOf(b.key)).toBe('member');
  expect(joined.claimContent(question.claim)?.text).toBe('Which framework?');

  const answer = await joined
    .as('node')
    .publishClaim({ text: 'The one that works.', parent: question.claim });
  expect(answer.height).toBe(group.head.height);
  expect(group.claimContent(answer.claim)?.text).toBe('The one that works.');

  const third = await group.as('node').publishClaim({ text: 'Thanks.' });
  await until('b has the third claim', () => joined.head.height >= third.height);
  await until('b has its text', () => joined.claimContent(third.claim) !== undefined);
  expect(joined.head.blockId).toBe(group.head.blockId);
  for (const one of [group, joined]) expect((await one.audit()).status).toBe('sound');
});
