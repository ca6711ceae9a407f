/** `get_recent_claims` over several groups: the newest of all, and none of a group that has nothing so new. */
import { expect, test } from 'vitest';
import { getRecentClaims } from '../../../interfaces/operations/knowledge.ts';
import type { Call } from '../../../interfaces/operations/operation.ts';
import { openTestNode, type TestNode } from '../../support/node.ts';

const callOn = ({ node }: TestNode): Call => ({
  node,
  identity: 'node',
  signal: new AbortController().signal,
  progress: () => {},
});

async function textsOf(of: TestNode, input: { limit?: number; since_ms?: number }): Promise<string[]> {
  const { claims } = (await getRecentClaims.run(callOn(of), input)) as { claims: { text?: string }[] };
  return claims.map(({ text }) => text ?? '');
}

test('are the newest of all groups, whatever order the groups have', async () => {
  const opened = await openTestNode();
  const { node, time } = opened;
  const groups = [];
  for (const name of ['one', 'two', 'three']) groups.push(await node.createGroup({ name }));
  const written: { text: string; tsMs: number }[] = [];
  for (let n = 0; n < 24; n++) {
    time.advance(1_000);
    const group = groups[(n * n) % 3]!;
    await group.as('node').publishClaim({ text: `claim ${n}` });
    written.push({ text: `claim ${n}`, tsMs: group.now.tsMs });
    // Blocks without claims, between those that have some.
    if (n % 4 === 0) for (let k = 0; k < 70; k++) await group.as('node').setProfile(`name ${n} ${k}`);
  }
  const newestFirst = written.toReversed();
  for (const limit of [1, 5, 24, 50])
    expect(await textsOf(opened, { limit })).toEqual(newestFirst.slice(0, limit).map(({ text }) => text));
  const since_ms = written[10]!.tsMs;
  expect(await textsOf(opened, { limit: 50, since_ms })).toEqual(
    newestFirst.filter(({ tsMs }) => tsMs >= since_ms).map(({ text }) => text),
  );
});

test('of a group are the same, read in turns or at once', async () => {
  const { node } = await openTestNode();
  const group = await node.createGroup({ name: 'sparse' });
  const me = group.as('node');
  for (let n = 0; n < 3; n++) {
    await me.publishClaim({ text: `claim ${n}` });
    for (let k = 0; k < 100; k++) await me.setProfile(`name ${n} ${k}`);
  }
  let turns = 0;
  const isDone = { now: false };
  const count = (): void => {
    turns++;
    if (!isDone.now) setImmediate(count);
  };
  setImmediate(count);
  const inTurns = await group.recentClaimsInTurns({ limit: 5 });
  isDone.now = true;
  expect(inTurns).toEqual(group.recentClaims({ limit: 5 }));
  expect(inTurns.map(({ content }) => content?.text)).toEqual(['claim 2', 'claim 1', 'claim 0']);
  // 300 blocks are more than one turn's worth.
  expect(turns).toBeGreaterThan(2);
});
