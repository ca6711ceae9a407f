/** What the verbs say when something is not right, and of times, groups and money: in words, with a next step. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../events/bytes.ts';
import { BatteryNode } from '../../node.ts';
import { lbHere } from '../support/lb-here.ts';
import { type Ended, lb } from './bin-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-words-'));
const data = join(base, 'node');
const env = { LB_DATA: data };
afterAll(() => rmSync(base, { recursive: true, force: true }));

const DAY_MS = 86_400_000;
let late = '';
let fresh = '';
let claim = '';
let reply = '';
let tx = '';

/** A purchase whose time to grant is over, and one whose time has just begun: the first was made two days ago. */
beforeAll(async () => {
  let wallMs = Date.now() - 2 * DAY_MS;
  const clock = { nowMs: () => wallMs, monotonicMs: () => performance.now() };
  {
    await using node = await BatteryNode.openOrInit({ data, clock });
    const group = await node.createGroup({ name: 'market', policy: { transfer_fee_bps: 250 } });
    for (const name of ['bob', 'carol'])
      await group.as('node').addMember((await node.createIdentity(name)).publicKey, 'member');
    const seller = group.as('node');
    const offerOf = (title: string) =>
      seller
        .createOffer({ title, content: utf8('text'), price: 10n, grants: 'by_hand' })
        .then(({ offer }) => offer);
    const [old, young] = [await offerOf('old'), await offerOf('young')];
    late = (await group.as('bob').purchase(old)).purchase;
    const published = await seller.publishClaim({ text: 'so it is' });
    claim = published.claim;
    tx = published.txId;
    reply = (await seller.publishClaim({ text: 'is it', parent: claim, evidence: [claim] })).claim;
    wallMs += 2 * DAY_MS;
    node.trustClock();
    fresh = (await group.as('bob').purchase(young)).purchase;
  }
});

async function fails(exit: number, says: string | RegExp, ...args: string[]): Promise<Ended> {
  const ended = await lbHere(args, { env });
  expect(ended.code, `lb ${args.join(' ')}: ${ended.stderr}`).toBe(exit);
  expect(ended.stderr).toMatch(says);
  expect(ended.stderr.trimEnd()).not.toContain('\n');
  return ended;
}

async function dataOf<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await lbHere([...args, '--json'], { env });
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { data: T }).data;
}

describe('a purchase', () => {
  test('whose time to grant is over can be refunded, and is not granted any more', async () => {
    const { purchases } = await dataOf<{ purchases: { purchase: string; next: object }[] }>('purchases');
    const nextOf = (id: string) => purchases.find(({ purchase }) => purchase === id)!.next;
    expect(nextOf(late)).toEqual({ by: 'buyer', verbs: ['refund-purchase'] });
    expect(nextOf(fresh)).toMatchObject({ by: 'seller', verbs: ['grant'] });
    await fails(4, /the time to grant .* ended at .* UTC \(1d .*ago\); .*lb refund-purchase/, 'grant', late);
    await fails(4, /the seller has until .* \(in 23h/, 'refund-purchase', fresh, '--as', 'bob');
    expect(await dataOf('refund-purchase', late, '--as', 'bob')).toMatchObject({ status: 'refunded' });
  });

  test('that is not granted cannot be opened or accepted, and whose turn it is is said', async () => {
    const waits = /waits for the key: the seller has not granted it yet, .*lb grant/;
    await Promise.all([
      fails(4, waits, 'open-purchase', fresh, '--as', 'bob'),
      fails(4, waits, 'accept-purchase', fresh, '--as', 'bob'),
      fails(4, /only the buyer may do this, and that is bob/, 'open-purchase', fresh),
      fails(4, /only the seller may do this, and that is node/, 'grant', fresh, '--as', 'carol'),
    ]);
  });
});

describe('refusals', () => {
  test('speak of names, amounts and dates, and say what is next', async () => {
    await fails(
      4,
      /^lb: carol has 100 LB, and this takes 205 LB in all; .*105 LB more/,
      ...['transfer', '--to', 'bob', '--amount', '200', '--as', 'carol'],
    );
    const { code, stderr } = await lbHere(['mint', '--to', 'bob', '--amount', '1', '--as', 'bob', '--json'], {
      env,
    });
    expect(code).toBe(4);
    const error = JSON.parse(stderr) as { message: string; next: string; refusal: object };
    expect(error.message).toBe(`this takes an admin, and bob is a member; ${error.next}`);
    expect(error.refusal).toEqual({ code: 'role_insufficient', needed: 'admin', actual: 'member' });
  });

  test('tell an attempt that is over from one that has not come', async () => {
    await dataOf('create-task', '--id', 't-1', '--title', 'x', '--assignee', 'bob');
    await fails(4, /there is no attempt 9 .* yet: it is at attempt 1/, 'start-task', 't-1', '--attempt', '9');
    await fails(4, /attempt 0 .* is over: it is at attempt 1/, 'start-task', 't-1', '--attempt', '0');
  });
});

describe('what was typed', () => {
  test('is held against its bounds before anything is signed, and the flag is named', async () => {
    const offer = ['create-offer', '--title', 't', '--text', 'x', '--price', '1'];
    await Promise.all([
      fails(2, 'title has 257 characters', 'create-task', '--title', 'x'.repeat(257)),
      fails(2, '--reason has 1025 bytes', 'retract-claim', claim, '--reason', 'x'.repeat(1_025)),
      fails(
        2,
        '--lease 60d: expected a span from 1s to 30d',
        'create-task',
        '--title',
        'x',
        '--lease',
        '60d',
      ),
      fails(2, '--text is empty', 'publish-claim', '--text', ' \t'),
      fails(2, '--set transfer_fee_bps=x: expected 1/10,000', 'policy', '--set', 'transfer_fee_bps=x'),
      fails(2, 'from 1 to 65535', ...offer, '--announce-port', '99999'),
      fails(2, 'is over; name a time to come', ...offer, '--expires', '2020-01-01'),
      fails(2, 'is over; name a time to come', 'invite', 'create', '--expires', '2020-01-01'),
    ]);
  });

  test('is done with a warning where it may be a slip', async () => {
    const args = ['create-task', '--id', 'late', '--title', 'x', '--due', '2020-01-01'];
    const { code, stdout } = await lbHere([...args, '--json'], { env });
    expect(code).toBe(0);
    const { warnings } = JSON.parse(stdout) as { warnings: string[] };
    expect(warnings).toEqual([expect.stringMatching(/overdue from the start: --due is 2020-01-01 /)]);
  });
});

test('a transfer tells what it moved, what it cost, and what is left', async () => {
  const before = await dataOf<{ balance: string }>('balance', 'carol');
  const moved = await dataOf<Record<string, string>>(
    ...['transfer', '--to', 'bob', '--amount', '40', '--as', 'carol'],
  );
  expect(moved).toMatchObject({ amount: '40', fee: '1' });
  expect(BigInt(moved.from_balance!)).toBe(BigInt(before.balance) - 41n);
  expect(await dataOf('balance', 'bob')).toMatchObject({ balance: moved.to_balance });
  const shown = await lbHere(['transfer', '--to', 'bob', '--amount', '40', '--as', 'carol'], { env });
  expect(shown.stdout).toMatch(
    /^Transferred 40 LB to bob\n {2}amount +40 LB\n {2}fee +1 LB\n {2}balance of carol now +18 LB/,
  );
});

describe('the past', () => {
  test('is shown by group-info and log as well', async () => {
    const founded = await dataOf<{ height: number; counts: object; block_id: string; group_id: string }>(
      ...['group-info', '--at', '0'],
    );
    expect(founded).toMatchObject({ height: 0, supply: '100', counts: { members: 1, claims: 0 } });
    expect(founded.block_id).toBe(founded.group_id);
    const { events } = await dataOf<{ events: { height: number }[] }>('log', '--at', '2', '--limit', '100');
    expect(new Set(events.map(({ height }) => height))).toEqual(new Set([0, 1, 2]));
    await fails(2, 'there is no height 999', 'log', '--at', '999');
  });
});

describe('in a pipe', () => {
  test('ids are whole, wherever they stand', async () => {
    const receipt = join(base, 'receipt.lbproof');
    await dataOf('prove', tx, '--out', receipt);
    const outputs = await Promise.all(
      [
        ['log', '--limit', '100'],
        ['thread', claim],
        ['show', tx],
        ['verify-proof', receipt],
      ].map((args) => lb(args, { env })),
    );
    for (const { code, stdout } of outputs) {
      expect(code).toBe(0);
      const ids = stdout.match(/\b[0-9a-f]{8,}\b/g)!;
      expect(ids.filter((id) => id.length < 64)).toEqual([]);
    }
    const [log, thread, , proof] = outputs.map(({ stdout }) => stdout);
    expect(log).toContain(`parent: ${claim}`);
    expect(thread).toContain(reply);
    expect(proof).toContain(claim);
  });
});

test('show takes the name of an identity, and says what else it takes', async () => {
  const { members } = await dataOf<{ members: { member: string; identity: string }[] }>('members');
  const bob = members.find(({ identity }) => identity === 'bob')!.member;
  expect(await dataOf('show', 'bob')).toMatchObject({ kind: 'member', member: bob });
  await fails(3, /show takes a height, the name of an identity of this node, /, 'show', 'nobody');
  await dataOf('create-task', '--id', 'carol', '--title', 'called like a member');
  await fails(2, /member .*, task carol \(lb show-task\)/, 'show', 'carol');
});

test('groups of one name are told apart, and where one must be named they are listed', async () => {
  const home = join(base, 'groups');
  const own = { env: { LB_DATA: home } };
  await lbHere(['init'], own);
  const first = await lbHere(['create-group', '--name', 'twin', '--json'], own);
  const second = await lbHere(['create-group', '--name', 'twin', '--json'], own);
  expect(Object.keys(JSON.parse(first.stdout) as object)).not.toContain('warnings');
  const { data: made, warnings } = JSON.parse(second.stdout) as {
    data: { group_id: string };
    warnings: string[];
  };
  expect(warnings).toEqual([expect.stringContaining('another group called twin')]);
  const { code, stderr } = await lbHere(['balance'], own);
  expect(code).toBe(2);
  expect(stderr).toContain('this node has 2 groups; say which with --group: ');
  expect(stderr).toContain(`twin (${made.group_id.slice(0, 12)})`);
});

test('a claim in a file that says nothing is named by its file', async () => {
  const file = join(base, 'blank.md');
  writeFileSync(file, ' \n\n');
  await fails(2, `${file} is empty`, 'publish-claim', '--file', file);
});
