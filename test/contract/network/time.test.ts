/** A group whose sealer's clock was a day ahead, as its members see it: held, then followed once it is corrected. */
import { afterEach, expect, it } from 'vitest';
import { closePeers, joinGroup, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

const DAY_MS = 86_400_000;

afterEach(() => closePeers());

it('holds what is of tomorrow, keeps the work of members, and follows when the time is set back', async () => {
  let aheadMs = 0;
  const clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() };
  const sealer = await peer({ open: { clock } });
  const member = await peer({ receiptWaitMs: 1, syncIntervalMs: 1_000 });
  const { groupId } = await sealer.node.createGroup({ name: 'tomorrow' });
  await joinGroup(sealer, member, groupId);
  const [theirs, ours] = [sealer.node.group(groupId), member.node.group(groupId)];

  aheadMs = 2 * DAY_MS;
  sealer.node.trustClock();
  await theirs.as('node').publishClaim({ text: 'from the day after tomorrow' });
  const { tsMs: wrongMs, height } = theirs.head;
  aheadMs = 0;
  sealer.node.trustClock();

  // What the member writes now is too old for that group, and waits instead of being refused.
  await expect(ours.as('node').publishClaim({ text: 'written today' })).rejects.toMatchObject({
    code: 'pending',
  });
  expect(ours.head.height).toBeLessThan(height);
  expect(member.node.outbox.pending(groupId)).toHaveLength(1);
  expect(member.node.outbox.refused(groupId)).toEqual([]);

  const { tsMs } = await theirs.as('node').correctTime();
  expect(tsMs).toBeLessThan(wrongMs);
  await until('the member has it all', () => ours.recentClaims().length === 2, 30_000);
  await until('nothing waits', () => member.node.outbox.pending(groupId).length === 0, 30_000);
  await until('the heads are equal', () => ours.head.blockId === theirs.head.blockId);
  await until('the texts are there', () => ours.recentClaims().every(({ content }) => content !== undefined));
  expect(await ours.audit()).toMatchObject({ status: 'sound' });
  expect(ours.recentClaims().map(({ content }) => content?.text)).toContain('written today');
});
