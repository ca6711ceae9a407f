/** A byte that changes in a view file is found where it is read, and the file is made again. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { Group } from '../../../actors/group.ts';
import type { BatteryNode } from '../../../node.ts';
import { newDirectory, opened, viewFile, withClaims } from '../../support/opened-views.ts';

const TEXTS = Array.from({ length: 40 }, (_, at) => `the quick brown fox number ${at}`);

/** Turns one letter of the first place in the file where `text` stands. */
function changeIn(path: string, text: string): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(text);
  expect(at).toBeGreaterThan(0);
  bytes[at + 1]! ^= 1;
  writeFileSync(path, bytes);
}

/** Changes rows as another program would: SQLite finds nothing wrong with them. */
function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

async function answers(node: BatteryNode, group: Group): Promise<unknown> {
  const { claims } = await node.views.whatsNew(group.groupId, { limit: 100 });
  return claims;
}

/** A node that was closed after it had answered, with what it had said. */
async function closed(): Promise<{ data: string; groupId: string; expected: unknown }> {
  const data = newDirectory();
  const { node } = await opened(data);
  const { group } = await withClaims(node, TEXTS);
  await group.as('node').createTask({ task: 't', title: 'a title that nobody changes' });
  const expected = await answers(node, group);
  await node.close();
  return { data, groupId: group.groupId, expected };
}

describe('a view file', () => {
  test.each([
    ['a text', (path: string) => changeIn(path, 'quick brown fox number 7')],
    ['the title of a task', (path: string) => changeIn(path, 'a title that nobody changes')],
    ['any byte of it', (path: string) => changeRandom(path)],
    [
      'a row, by SQLite itself',
      (path: string) => change(path, 'UPDATE claim SET ts_ms = ts_ms + 1 WHERE n = 3'),
    ],
  ])('that was changed in %s is made again when it is opened', async (_, damage) => {
    const { data, groupId, expected } = await closed();
    damage(viewFile(data));
    const { node, notices } = await opened(data);
    expect(await answers(node, node.group(groupId))).toEqual(expected);
    expect((await node.views.sql(groupId, 'SELECT title FROM tasks')).rows).toEqual([
      ['a title that nobody changes'],
    ]);
    expect(notices).toMatchObject([
      { kind: 'views.rebuilt', reason: expect.stringContaining('it is damaged') },
    ]);
  });

  test('that nobody changed is not made again, and its sum is gone once it grows', async () => {
    const { data, groupId, expected } = await closed();
    const sum = `${viewFile(data)}-sum`;
    expect(existsSync(sum)).toBe(true);
    const { node, notices } = await opened(data);
    const group = node.group(groupId);
    expect(await answers(node, group)).toEqual(expected);
    expect(existsSync(sum)).toBe(true);
    await group.as('node').publishClaim({ text: 'one more' });
    await answers(node, group);
    expect(existsSync(sum)).toBe(false);
    expect(notices).toEqual([]);
  });

  test.each([
    ['what is new', (node: BatteryNode, id: string) => node.views.whatsNew(id, { limit: 100 })],
    ['a slice', (node: BatteryNode, id: string) => node.views.compileContext(id, { query: 'fox number 7' })],
  ])('whose text changes under a node that runs is made again by %s', async (_, ask) => {
    const data = newDirectory();
    const { node, notices } = await opened(data);
    const { group } = await withClaims(node, TEXTS);
    const expected = await ask(node, group.groupId);
    change(viewFile(data), "UPDATE claim_text SET text = replace(text, 'fox', 'fax')");
    expect(await ask(node, group.groupId)).toEqual(expected);
    expect(notices).toMatchObject([
      { kind: 'views.rebuilt', reason: expect.stringContaining('the text of') },
    ]);
  });

  test('of a node that was killed has its texts checked when it is opened', async () => {
    const { data, groupId, expected } = await closed();
    const path = viewFile(data);
    writeFileSync(`${path}-sum`, '');
    change(
      path,
      "UPDATE claim_text SET text = 'the quick brown fix' WHERE n = 30; PRAGMA wal_checkpoint(TRUNCATE)",
    );
    const { node, notices } = await opened(data);
    expect(await answers(node, node.group(groupId))).toEqual(expected);
    expect(notices).toHaveLength(1);
  });

  test.each([
    ['a row that was changed', 'UPDATE claim SET ts_ms = ts_ms + 1 WHERE n = 3', 'claim'],
    ['a row that was lost', 'DELETE FROM operation WHERE height = 5', 'operation'],
    ['a row that should not be there', "INSERT INTO balance VALUES ('nobody', 5)", 'balance'],
    [
      'words that lead elsewhere',
      "INSERT INTO claim_terms (rowid, terms) VALUES (1, 'elsewhere')",
      'claim_terms',
    ],
  ])('is compared by the audit, which finds %s', async (_, sql, table) => {
    const data = newDirectory();
    const { node, notices } = await opened(data);
    const { group } = await withClaims(node, TEXTS.slice(0, 8));
    await answers(node, group);
    expect((await group.audit()).status).toBe('sound');
    change(viewFile(data), sql);
    expect(await group.audit()).toMatchObject({
      status: 'broken',
      finding: { check: 'views', what: expect.stringContaining(table) },
    });
    // It was made again, and the next audit is content.
    expect((await group.audit()).status).toBe('sound');
    expect(notices).toMatchObject([{ kind: 'views.rebuilt' }]);
  });
});

/** Turns a bit at a place that differs from run to run; what is not used by SQLite has a sum as well. */
function changeRandom(path: string): void {
  const bytes = readFileSync(path);
  const seed = Number(process.env.LB_SEED ?? Date.now() % 1_000_003);
  console.log(`LB_SEED=${seed}`);
  // Behind the header, which says by itself what it is.
  bytes[100 + ((seed * 7919) % (bytes.length - 100))]! ^= 1 << (seed % 8);
  writeFileSync(path, bytes);
}
