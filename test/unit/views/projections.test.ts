/** The read models against the state that the rules made, over a history in which every operation occurs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { commitBatchOf, headAfter } from '../../../actors/chain/commit.ts';
import { GroupView } from '../../../actors/group-view.ts';
import { memoryGroup } from '../../../storage/memory.ts';
import type { Head } from '../../../storage/port.ts';
import { answerEconomy, answerTreasury } from '../../../views/economy.ts';
import { GroupFile } from '../../../views/group-file.ts';
import { indexSlice } from '../../../views/indexer.ts';
import { Meaning } from '../../../views/meaning/meaning.ts';
import type { ViewsNotice } from '../../../views/protocol.ts';
import { SQL_VIEWS } from '../../../views/schema.ts';
import { scriptedHistory } from '../../support/history.ts';
import { temporaryDirectory } from '../storage/temporary.ts';

async function indexedHistory(): Promise<{ file: GroupFile; view: GroupView; blocks: number }> {
  const world = scriptedHistory();
  const { finals, state } = world.chain;
  const store = memoryGroup(world.groupId);
  let head: Head | undefined;
  for (const final of finals) {
    head = headAfter(head, final);
    await store.commit(commitBatchOf([final], head, []));
  }
  const notices: ViewsNotice[] = [];
  const file = new GroupFile(join(temporaryDirectory(), 'views.db'), store, (one) => notices.push(one));
  onTestFinished(() => file.close());
  while (indexSlice(file)) expect(file.checkpoint.height).toBeLessThan(head!.height);
  expect(file.checkpoint).toMatchObject({ height: head!.height, blockId: head!.blockId });
  expect(notices).toEqual([]);
  return { file, view: new GroupView(state, head!), blocks: finals.length };
}

const rows = (file: GroupFile, query: string): Record<string, unknown>[] => {
  const statement = file.sqlite.database.prepare(query);
  statement.setReadBigInts(true);
  return statement.all().map((row) => ({ ...row }));
};

describe('the economy', () => {
  test('is the money of the state at every block that moved any, and pays out what purchases held', async () => {
    const { file, view } = await indexedHistory();
    const { supply, treasury, escrows } = view.money();
    const escrowed = [...escrows.values()].reduce((sum, amount) => sum + amount, 0n);
    const answer = answerEconomy(file, new Meaning({ kind: 'none' }), { points: 10_000 });
    expect(answer).toMatchObject({ supply, treasury, escrowed });
    expect(new Map(answer.balances.map(({ account, amount }) => [account, amount]))).toEqual(
      view.money().balances,
    );
    expect(answer.overTime.length).toBeGreaterThan(10);
    for (const { height, supply, treasury, escrowed } of answer.overTime) {
      const held = rows(
        file,
        `SELECT sum(change) AS held FROM balance_changes WHERE account <> 'treasury' AND height <= ${height}`,
      )[0]!.held as bigint;
      expect(held + treasury + escrowed).toBe(supply);
    }
    const settled = view.purchases().filter(({ status }) => status === 'settled');
    expect(settled.length).toBeGreaterThan(0);
    const income = settled.reduce((sum, { amount }) => sum + amount, 0n);
    const paid = answer.offers.reduce(
      (sum, { earned, royaltiesPaid, toTreasury }) => sum + earned + royaltiesPaid + toTreasury,
      0n,
    );
    expect(paid).toBe(income);
    expect(answer.offers.reduce((sum, { sold }) => sum + sold, 0)).toBe(settled.length);
    expect(
      answerEconomy(file, new Meaning({ kind: 'none' }), { points: 3 }).overTime.length,
    ).toBeLessThanOrEqual(4);
  });
});

describe('the treasury', () => {
  test('holds what came in and did not go out, and names every spend', async () => {
    const { file, view } = await indexedHistory();
    const meaning = new Meaning({ kind: 'none' });
    const { received, spent, spends, progress } = answerTreasury(file, meaning, { limit: 1_000 });
    expect(received - spent).toBe(view.money().treasury);
    expect(spends.length).toBeGreaterThan(0);
    expect(spends.reduce((sum, { amount }) => sum + amount, 0n)).toBe(spent);
    for (const { height, txId, by } of spends)
      expect(
        rows(file, `SELECT author FROM transactions WHERE height = ${height} AND tx_id = '${txId}'`),
      ).toEqual([{ author: by }]);
    const paidTo = rows(
      file,
      `SELECT fields ->> 'to' AS paid FROM effects WHERE kind = 'treasury.spent' ORDER BY height DESC, position DESC`,
    );
    expect(spends.map(({ to }) => to)).toEqual(paidTo.map(({ paid }) => paid));
    expect(answerTreasury(file, meaning, { limit: 1 }).spends).toEqual(spends.slice(0, 1));
    const [newest] = spends;
    const before = answerTreasury(file, meaning, { limit: 1_000, upTo: newest!.height - 1 });
    expect(before.spends).toEqual(spends.filter(({ height }) => height < newest!.height));
    expect(before.progress).toEqual(progress);
  });
});

describe('the read models', () => {
  test('agree with the state', async () => {
    const { file, view } = await indexedHistory();
    const money = view.money();
    const balances = new Map(
      rows(file, 'SELECT * FROM balances WHERE amount <> 0').map((row) => [row.account, row.amount]),
    );
    expect(balances.get('treasury') ?? 0n).toBe(money.treasury);
    balances.delete('treasury');
    expect(balances).toEqual(money.balances);

    expect(rows(file, 'SELECT task, status, attempt, assignee FROM tasks ORDER BY task')).toEqual(
      view
        .tasks()
        .map(({ task, status, attempt, assignee }) => ({
          task,
          status,
          attempt: BigInt(attempt),
          assignee: assignee ?? null,
        }))
        .sort((a, b) => Buffer.compare(Buffer.from(a.task), Buffer.from(b.task))),
    );
    expect(rows(file, 'SELECT purchase, status FROM purchases ORDER BY purchase')).toEqual(
      view.purchases().map(({ purchase, status }) => ({ purchase, status })),
    );
    expect(rows(file, `SELECT member, role, name FROM members WHERE role <> 'none' ORDER BY member`)).toEqual(
      view.members().map(({ member, role, name }) => ({ member, role, name: name ?? null })),
    );
    const status = (claim: string): string =>
      view.claim(claim)!.retraction !== undefined ? 'retracted' : view.holds(claim) ? 'in' : 'out';
    expect(rows(file, 'SELECT claim, status FROM claims ORDER BY claim')).toEqual(
      [...view.claims()].map(({ claim }) => ({ claim, status: status(claim) })),
    );
  });

  test('each change of a balance leads to the next amount', async () => {
    const { file } = await indexedHistory();
    const last = new Map<unknown, bigint>();
    for (const { account, change, amount } of rows(file, 'SELECT * FROM balance_changes')) {
      const after = (last.get(account) ?? 0n) + (change as bigint);
      expect(amount).toBe(after);
      expect(after).toBeGreaterThanOrEqual(0n);
      last.set(account, after);
    }
    expect(last.size).toBeGreaterThan(3);
  });

  test('every documented view has rows in a history where everything occurs', async () => {
    const { file, blocks } = await indexedHistory();
    for (const name of Object.keys(SQL_VIEWS))
      expect(rows(file, `SELECT count(*) AS rows FROM ${name}`)[0]!.rows, name).toBeGreaterThan(0n);
    expect(rows(file, 'SELECT * FROM blocks')).toHaveLength(blocks);
  });

  test('every question of docs/SQL.md finds something there', async () => {
    const { file } = await indexedHistory();
    const page = readFileSync(new URL('../../../docs/SQL.md', import.meta.url), 'utf8');
    const questions = Array.from(page.matchAll(/^```sql\n([\s\S]*?)^```/gm), ([, question]) => question!);
    expect(questions.length).toBeGreaterThan(5);
    for (const question of questions) expect(rows(file, question), question).not.toEqual([]);
  });
});
