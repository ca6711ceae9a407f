/** The files of the views: restarts, damage, following in the background, closing. */
import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { restoreBackup } from '../../../storage/backup/read.ts';
import { peekViews } from '../../../views/peek.ts';
import { newDirectory, opened, viewFile, withClaims } from '../../support/opened-views.ts';

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
    await expect
      .poll(() => peekViews(join(data, 'views'), group.groupId)?.height, { timeout: 20_000 })
      .toBe(group.head.height);
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

  test('is in no backup, and a restored node makes it again', async () => {
    const data = newDirectory();
    const { node } = await opened(data);
    const { group } = await withClaims(node, texts);
    const expected = await node.views.compileContext(group.groupId, { query: 'claim number 7' });
    const file = join(data, '..', 'copy.lbbackup');
    const { files } = await node.backup(file);
    expect(files.filter(({ path }) => path.startsWith('views'))).toEqual([]);
    await node.close();
    const target = join(data, '..', 'restored');
    await restoreBackup(file, target);
    const restored = await opened(target);
    const answer = await restored.node.views.compileContext(group.groupId, { query: 'claim number 7' });
    expect(answer).toEqual(expected);
    expect(restored.notices).toEqual([]);
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
