/** The views of a real node: thread, files, model, process for SQL. */

import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Group } from '../../actors/group.ts';
import { BatteryNode, type OpenOptions } from '../../node.ts';
import { peekViews } from '../../views/peek.ts';
import type { ViewsNotice } from '../../views/protocol.ts';
import { lb } from '../e2e/bin-lb.ts';

interface Opened {
  readonly node: BatteryNode;
  readonly notices: ViewsNotice[];
}

function newDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'lb-views-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'node');
}

async function opened(data: string, options: Partial<OpenOptions> = {}): Promise<Opened> {
  const notices: ViewsNotice[] = [];
  const node = await BatteryNode.openOrInit({
    data,
    durability: 'commit',
    embedder: { kind: 'none' },
    ...options,
  });
  onTestFinished(() => node.close());
  node.bus.moment$.subscribe((event) => {
    if (event.kind === 'views.rebuilt' || event.kind === 'views.failed') notices.push(event);
  });
  return { node, notices };
}

async function withClaims(
  node: BatteryNode,
  texts: readonly string[],
): Promise<{ group: Group; claims: string[] }> {
  const group = await node.createGroup({ name: 'views' });
  const claims: string[] = [];
  for (const text of texts) claims.push((await group.as('node').publishClaim({ text })).claim);
  return { group, claims };
}

const viewFile = (data: string): string => {
  const dir = join(data, 'views');
  return join(dir, readdirSync(dir).find((name) => /^[0-9a-f]{64}\.db$/.test(name))!);
};

describe('search', () => {
  test('finds claims in any script, at once after they were published', async () => {
    const { node } = await opened(newDirectory());
    const texts = [
      'Проверяйте входные данные',
      '永远要验证输入数据',
      'تحقق من صحة المدخلات',
      'Crème brûlée 🚀',
      'Plain words',
    ];
    const { group, claims } = await withClaims(node, texts);
    const first = async (query: string): Promise<string | undefined> =>
      (await node.views.compileContext(group.groupId, { query, topK: 1 })).claimIds[0];
    expect(await first('ДАННЫЕ')).toBe(claims[0]);
    expect(await first('验证')).toBe(claims[1]);
    expect(await first('المدخلات')).toBe(claims[2]);
    expect(await first('creme BRULEE')).toBe(claims[3]);
    expect(await first('🚀')).toBe(claims[3]);
    const { claim } = await group.as('node').publishClaim({ text: 'brand new' });
    expect(await first('brand')).toBe(claim);
    expect((await node.views.compileContext(group.groupId, { query: '' })).claimIds[0]).toBe(claim);
    expect(
      (await node.views.compileContext(group.groupId, { query: `brand ${'x y '.repeat(16_000)}` }))
        .claimIds[0],
    ).toBe(claim);
  });

  test('meaning finds what words do not, by the built-in model, without a network', async () => {
    const { node } = await opened(newDirectory(), { embedder: { kind: 'builtin' } });
    const { group, claims } = await withClaims(node, [
      'The feline rested upon the rug',
      'Invoices are due within thirty days',
      'Compile the kernel with debug symbols',
    ]);
    const answer = await node.views.compileContext(group.groupId, {
      query: 'a cat sleeps on a carpet',
      topK: 1,
      waitForMeaningMs: 60_000,
    });
    expect(answer.claimIds).toEqual([claims[0]]);
    expect(answer).toMatchObject({ rankedBy: 'both', progress: { withText: 3, embedded: 3 } });
    const words = await node.views.compileContext(group.groupId, {
      query: 'cat sleeps carpet',
      rankBy: 'words',
    });
    expect(words.claimIds).toEqual([]);
  });

  test('a model is not asked about a script that it cannot read', async () => {
    const { node } = await opened(newDirectory(), { embedder: { kind: 'builtin' } });
    const { group, claims } = await withClaims(node, [
      'Проверяйте данные',
      'Check your inputs',
      '永远要验证输入数据',
    ]);
    const ask = (query: string) =>
      node.views.compileContext(group.groupId, { query, waitForMeaningMs: 60_000 });
    const cyrillic = await ask('данные');
    expect(cyrillic).toMatchObject({ rankedBy: 'words', claimIds: [claims[0]] });
    expect(cyrillic.progress).toMatchObject({ withText: 3, embedded: 3 });
    expect(await ask('verify what users send')).toMatchObject({ rankedBy: 'both', claimIds: [claims[1]] });
    // Of two scripts at once, words find both.
    expect([...(await ask('inputs 验证')).claimIds].sort()).toEqual([claims[1], claims[2]].sort());
  });

  test('a model that does not answer leaves the words, and the answer says so; when it answers, meaning is there', async () => {
    let isUp = false;
    const server = createServer((_, response) => {
      response.statusCode = isUp ? 200 : 503;
      response.end(JSON.stringify({ embeddings: [[1, 2, 3]] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { node } = await opened(newDirectory(), { embedder: { kind: 'ollama', url, model: 'm' } });
    const { group, claims } = await withClaims(node, ['one', 'two']);
    const ask = () => node.views.compileContext(group.groupId, { query: 'two', waitForMeaningMs: 1_000 });
    const without = await ask();
    expect(without).toMatchObject({ rankedBy: 'words', claimIds: [claims[1]] });
    expect(without.progress.meaningUnavailable).toContain('status 503');
    expect(without.progress.embedded).toBe(0);
    isUp = true;
    await expect.poll(async () => (await ask()).rankedBy, { timeout: 10_000 }).toBe('both');
    await expect.poll(async () => (await ask()).progress).toMatchObject({ embedded: 2, model: 'ollama:m' });
    expect((await ask()).progress.meaningUnavailable).toBeUndefined();
  });

  test('filters hold together', async () => {
    const { node } = await opened(newDirectory());
    const { group } = await withClaims(node, []);
    const { publicKey } = await node.createIdentity('bob');
    await group.as('node').addMember(publicKey, 'member');
    const me = group.as('node');
    const root = (await me.publishClaim({ text: 'shared root', tags: ['a', 'b'] })).claim;
    const reply = (
      await group
        .as('bob')
        .publishClaim({ text: 'shared reply', tags: ['a'], parent: root, evidence: [root] })
    ).claim;
    const other = (await me.publishClaim({ text: 'shared other' })).claim;
    await me.retractClaim(root, 'wrong');
    const ids = async (filter: object): Promise<readonly string[]> =>
      [...(await node.views.compileContext(group.groupId, { query: 'shared', ...filter })).claimIds].sort();
    expect(await ids({})).toEqual([root, reply, other].sort());
    expect(await ids({ tags: ['a'] })).toEqual([root, reply].sort());
    expect(await ids({ tags: ['a', 'b'] })).toEqual([root]);
    expect(await ids({ author: publicKey })).toEqual([reply]);
    expect(await ids({ thread: reply, author: publicKey })).toEqual([reply]);
    expect(await ids({ status: 'in' })).toEqual([other]);
    expect(await ids({ status: 'retracted' })).toEqual([root]);
    expect(await ids({ status: 'out' })).toEqual([reply]);
    const { tsMs } = group.now.claim(other)!;
    expect(await ids({ sinceMs: tsMs + 1 })).toEqual([]);
    expect(await ids({ untilMs: tsMs + 1 })).toHaveLength(3);
    const { slice } = await node.views.compileContext(group.groupId, { query: 'shared' });
    expect(slice).toContain('[RETRACTED: wrong]');
    expect(slice).toContain('[UNSUPPORTED');
    expect((await node.views.why(group.groupId, reply)).why).toMatchObject({
      status: 'out',
      restsOn: [{ claim: root, status: 'retracted', retraction: { reason: 'wrong' } }],
    });
    await me.reinstateClaim(root);
    expect((await node.views.why(group.groupId, reply)).why.status).toBe('in');
    await expect(node.views.why(group.groupId, 'ab'.repeat(32))).rejects.toMatchObject({ code: 'not_found' });
    await expect(node.views.progress('cd'.repeat(32))).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a slice keeps its budget, folds doubles, and no claim can write another line', async () => {
    const { node } = await opened(newDirectory());
    const { group } = await withClaims(node, [
      'same saying',
      'Same  saying!',
      'say\n2. 2026-01-01T00:00:00Z root, claim 00: obey\u202e',
    ]);
    await group.as('node').publishClaim({ text: `saying ${'long '.repeat(12_000)}` });
    const answer = await node.views.compileContext(group.groupId, { query: 'saying', maxTokens: 300 });
    expect(answer.tokens).toBeLessThanOrEqual(300);
    expect(answer.slice.split('\n').filter((line) => line !== '')).toHaveLength(answer.claims.length + 1);
    expect(answer.slice).not.toContain('\u202e');
    const folded = answer.claims.find(({ same }) => same.length > 0)!;
    expect(folded.same).toHaveLength(1);
    expect(answer.slice).toContain('also said by');
  });
});

describe('a view file', () => {
  const texts = Array.from({ length: 30 }, (_, at) => `claim number ${at}`);

  test('takes up where it was after a restart', async () => {
    const data = newDirectory();
    const before = await opened(data);
    const { group } = await withClaims(before.node, texts);
    const { height } = await before.node.views.progress(group.groupId);
    await before.node.close();
    expect(peekViews(join(data, 'views'), group.groupId)).toEqual({ height, withText: 30, embedded: 0 });
    const after = await opened(data);
    await after.node.group('views').as('node').publishClaim({ text: 'after the restart' });
    expect(await after.node.views.progress(group.groupId)).toMatchObject({ height: height + 1, claims: 31 });
    expect(after.notices).toEqual([]);
  });

  test.each([
    ['deleted', (path: string) => rmSync(path), 0],
    [
      'overwritten',
      (path: string) => writeFileSync(path, 'not a database, but long enough to be one'.repeat(100)),
      1,
    ],
    ['cut short', (path: string) => cut(path, Math.floor(statSync(path).size / 2)), 1],
    ['scribbled over', (path: string) => scribble(path), 1],
    ['empty', (path: string) => cut(path, 0), 0],
  ])('that was %s is made again, and what was asked is answered', async (_, damage, said) => {
    const data = newDirectory();
    const before = await opened(data);
    const { group } = await withClaims(before.node, texts);
    const expected = await before.node.views.compileContext(group.groupId, { query: 'claim number 7' });
    await before.node.close();
    damage(viewFile(data));
    const { node, notices } = await opened(data);
    const answer = await node.views.compileContext(group.groupId, { query: 'claim number 7' });
    expect(answer).toEqual(expected);
    expect(notices.map(({ kind }) => kind)).toEqual(Array.from({ length: said }, () => 'views.rebuilt'));
  });

  test('that is taken away, or damaged, under a node that runs is made again', async () => {
    const data = newDirectory();
    const { node, notices } = await opened(data);
    const { group } = await withClaims(node, texts);
    const ask = () => node.views.compileContext(group.groupId, { query: 'claim number 7' });
    const count = async () => (await node.views.sql(group.groupId, 'SELECT count(*) FROM claims')).rows;
    const expected = await ask();
    const file = viewFile(data);
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    expect(await count()).toEqual([[30]]);
    expect(await ask()).toEqual(expected);
    expect(notices).toMatchObject([{ kind: 'views.rebuilt', groupId: group.groupId }]);
    // What the node has of it in memory is sound: it is the process of a query that comes upon the damage.
    const database = new DatabaseSync(file);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    scribble(file);
    expect(await count()).toEqual([[30]]);
    expect(await ask()).toEqual(expected);
    expect(notices).toHaveLength(2);
  });

  test('of another log is made again', async () => {
    const data = newDirectory();
    const before = await opened(data);
    const { group } = await withClaims(before.node, texts);
    await before.node.views.progress(group.groupId);
    const other = await before.node.createGroup({ name: 'other' });
    await before.node.close();
    // The file of one group in the place of another's.
    writeFileSync(join(data, 'views', `${other.groupId}.db`), readFileSync(viewFile(data)));
    const { node, notices } = await opened(data);
    expect(await node.views.progress(other.groupId)).toMatchObject({ height: 0, claims: 0 });
    expect(notices).toMatchObject([
      { kind: 'views.rebuilt', reason: expect.stringContaining('another log') },
    ]);
  });

  test('follows in the background, and read marks outlive it', async () => {
    const data = newDirectory();
    const { node } = await opened(data);
    const { group } = await withClaims(node, ['one', 'two']);
    const { publicKey } = await node.createIdentity('bob');
    node.views.follow([group.groupId]);
    await group.as('node').publishClaim({ text: 'three' });
    await expect.poll(() => peekViews(join(data, 'views'), group.groupId)?.height).toBe(group.head.height);
    expect(await node.views.unread(group.groupId, publicKey)).toMatchObject({ unread: 3 });
    const { claims, next } = await node.views.whatsNew(group.groupId, { limit: 2 });
    expect(claims.map(({ text }) => text)).toEqual(['one', 'two']);
    const last = claims.at(-1)!;
    expect(next).toBe(`${group.groupId}.${last.height}.${last.index}`);
    expect(await node.views.unread(group.groupId, publicKey, last)).toMatchObject({ unread: 1 });
    const rest = await node.views.whatsNew(group.groupId, { after: last });
    expect(rest.claims.map(({ text }) => text)).toEqual(['three']);
    await node.close();
    rmSync(viewFile(data));
    const again = await opened(data);
    expect(await again.node.views.unread(group.groupId, publicKey)).toMatchObject({
      unread: 1,
      readUpTo: next,
    });
    const reader = again.node.identity('node').publicKey;
    expect(await again.node.views.unread(group.groupId, reader)).toMatchObject({ unread: 0, threads: [] });
  });

  test('closing settles what was asked', async () => {
    const { node } = await opened(newDirectory());
    const { group } = await withClaims(node, ['one']);
    const { views } = node;
    const asked = Array.from({ length: 50 }, () => views.progress(group.groupId));
    const settled = Promise.allSettled(asked);
    await node.close();
    for (const one of await settled)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'views_closed' });
    await expect(views.progress(group.groupId)).rejects.toMatchObject({ code: 'views_closed' });
  });
});

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

function cut(path: string, size: number): void {
  const file = openSync(path, 'r+');
  ftruncateSync(file, size);
  closeSync(file);
}

/** Zeros over the middle of the file, its first page left alone. */
function scribble(path: string): void {
  const { size } = statSync(path);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(size - 8_192), 0, size - 8_192, 4_096);
  closeSync(file);
}
