/** `get_recent_claims` over several groups: the newest of all, and none of a group that has nothing so new. */
import { expect, test } from 'vitest';
import { getRecentClaims } from '../../../interfaces/operations/knowledge.ts';
import type { Call, Operation } from '../../../interfaces/operations/operation.ts';
import { operationNamed } from '../../../interfaces/operations/registry.ts';
import { openTestNode, type TestNode } from '../../support/node.ts';

const DAY_MS = 24 * 3_600_000;

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

/** Texts of all pages, one claim a page. */
async function paged(of: TestNode, operation: Operation, input: object = {}): Promise<string[]> {
  const texts: string[] = [];
  for (let cursor: unknown; texts.length < 50; ) {
    const page = (await operation.run(callOn(of), { ...input, limit: 1, cursor } as never)) as {
      claims: { text: string }[];
      next_cursor?: string;
    };
    texts.push(...page.claims.map(({ text }) => text));
    cursor = page.next_cursor;
    if (cursor === undefined) break;
  }
  return texts;
}

test('none is lost or shown twice where the time of a group was set back', async () => {
  const opened = await openTestNode();
  const { node, time } = opened;
  const group = await node.createGroup({ name: 'corrected' });
  const other = await node.createGroup({ name: 'other' });
  const say = async (text: string, where = group): Promise<void> => {
    time.advance(1_000);
    await where.as('node').publishClaim({ text });
  };
  await say('old');
  await say('old elsewhere', other);
  for (const day of [1, 2]) {
    time.jump(DAY_MS);
    node.trustClock();
    await say(`from a day ahead ${day}`);
    time.jump(-DAY_MS);
    node.trustClock();
    await group.as('node').correctTime();
    await say(`right again ${day}`);
  }
  await say('new elsewhere', other);
  await say('new');
  const [first, ...rest] = ['new', 'right again 2', 'from a day ahead 2'];
  const ofGroup = [first, ...rest, 'right again 1', 'from a day ahead 1', 'old'];
  expect(await paged(opened, operationNamed('list_claims')!, { group_id: 'corrected' })).toEqual(ofGroup);
  const all = await paged(opened, getRecentClaims);
  expect(all.toSorted()).toEqual([...ofGroup, 'old elsewhere', 'new elsewhere'].toSorted());
  expect(all.filter((text) => !text.endsWith('elsewhere'))).toEqual(ofGroup);
  expect(all.indexOf('new elsewhere')).toBe(1);
});
