/** Questions in SQL, each in a process of its own; and the verbs that ask the views. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lb } from '../../e2e/bin-lb.ts';
import { newDirectory, opened, viewFile, withClaims } from '../../support/opened-views.ts';

describe('sql', () => {
  test('reads documented views, and writes nothing whatever is tried', async () => {
    const data = newDirectory();
    const { node } = await opened(data);
    const { group } = await withClaims(node, ['one', 'two']);
    const sql = (query: string, options = {}) => node.views.sql(group.groupId, query, options);
    expect(await sql('SELECT text, status FROM claims ORDER BY height;')).toMatchObject({
      columns: ['text', 'status'],
      rows: [
        ['one', 'in'],
        ['two', 'in'],
      ],
      truncated: false,
    });
    expect(await sql("SELECT 9223372036854775807 AS most, NULL AS none, x'00ff' AS bytes")).toMatchObject({
      rows: [[9223372036854775807n, null, Uint8Array.of(0, 255)]],
    });
    expect(await sql('SELECT text FROM claims', { maxRows: 1 })).toMatchObject({
      rows: [['one']],
      truncated: true,
    });
    const before = readFileSync(viewFile(data));
    for (const query of [
      'DELETE FROM claims',
      'UPDATE claim SET author = 1',
      'INSERT INTO meta VALUES (1, 2)',
      'CREATE TABLE t (x)',
      'CREATE TEMP TABLE t (x)',
      'DROP TABLE claim',
      `ATTACH '${join(data, 'new.db')}' AS other`,
      `VACUUM INTO '${join(data, 'copy.db')}'`,
      'PRAGMA journal_mode = DELETE',
      'SELECT 1; DELETE FROM claim',
      'SELECT * FROM meta',
      'SELECT text FROM claim_text',
      `SELECT load_extension('x')`,
      `SELECT * FROM pragma_database_list`,
      'WITH gone AS (DELETE FROM claim RETURNING *) SELECT * FROM gone',
      'SELECT',
      '',
    ])
      await expect(sql(query), query).rejects.toMatchObject({ code: 'sql_invalid' });
    expect(readFileSync(viewFile(data)).equals(before)).toBe(true);
    expect(readdirSync(data)).not.toContain('new.db');
    expect(await sql('SELECT count(*) FROM claims')).toMatchObject({ rows: [[2]] });
  });

  test('a query that does not end is stopped, and the views answer meanwhile', async () => {
    const { node } = await opened(newDirectory());
    const { group } = await withClaims(node, ['one']);
    const endless = 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n';
    const stopped = node.views.sql(group.groupId, endless, { timeoutMs: 1_500 });
    const outcome = expect(stopped).rejects.toMatchObject({ code: 'sql_stopped' });
    expect((await node.views.compileContext(group.groupId, { query: 'one' })).claimIds).toHaveLength(1);
    await outcome;
  });

  test('a query that wants all memory is refused', async () => {
    const { node } = await opened(newDirectory());
    const { group } = await withClaims(node, ['one']);
    const greedy =
      'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT hex(randomblob(10000)) AS r FROM n ORDER BY r';
    await expect(node.views.sql(group.groupId, greedy, { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'sql_stopped',
      message: expect.stringContaining('memory'),
    });
  });
});

test('the verbs do the same, and print no warning', async () => {
  const data = newDirectory();
  const env = { LB_DATA: data, LB_EMBEDDER: 'none' };
  const run = async (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    lb(args, { env });
  await run('init');
  await run('create-group', '--name', 'g');
  const published = JSON.parse(
    (await run('publish-claim', '--text', 'a "quoted", text', '--json')).stdout,
  ) as { data: { claim: string } };
  const { claim } = published.data;
  const context = await run('compile-context', '--query', 'quoted', '--json');
  expect(JSON.parse(context.stdout)).toMatchObject({ data: { claim_ids: [claim], ranked_by: 'words' } });
  const people = await run('compile-context', 'quoted');
  expect(people.stdout).toContain(`claim ${claim.slice(0, 12)}: a "quoted", text`);
  expect(people.stderr).toBe('note: ranked by words alone, since search by meaning is turned off\n');
  expect((await run('why', claim.slice(0, 8))).stdout).toContain('in (rests on no claim)');
  const csv = await run('sql', 'SELECT text FROM claims', '--csv');
  expect(csv).toMatchObject({ code: 0, stdout: 'text\r\n"a ""quoted"", text"\r\n', stderr: '' });
  expect(await run('sql', 'DROP TABLE claim')).toMatchObject({ code: 2, stdout: '' });
  expect((await run('whats-new')).stdout).toContain('a "quoted", text');
  expect((await run('unread')).stdout).toBe('0 unread\n');
  expect((await run('info', '--json')).stdout).toContain('"views":{"height":');
  expect((await lb(['compile-context', 'x'], { env: { ...env, LB_EMBEDDER: 'nonsense' } })).code).toBe(2);
});
