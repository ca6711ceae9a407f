/**
 * `kill -9` in the middle of indexing, and of a query: what is made again is what would have been made at once, and
 * no query goes on after whoever asked it.
 */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { BatteryNode } from '../../node.ts';
import { filePath } from '../../views/paths.ts';
import { peekViews } from '../../views/peek.ts';
import { runVerb, startNode, stopNode } from '../support/owner.ts';

// Some seconds of work: a node is up in less.
const CLAIMS = 20_000;
const ROUNDS = 4;
const QUESTION = { query: 'claim number seven hundred', topK: 20 };

const base = mkdtempSync(join(tmpdir(), 'lb-views-kill-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function filled(data: string, claims: number): Promise<{ groupId: string; height: number }> {
  await using node = await BatteryNode.openOrInit({ data, durability: 'commit' });
  const group = await node.createGroup({ name: 'views' });
  const me = group.as('node');
  const texts = Array.from({ length: claims }, (_, at) => `This is claim number ${at}`);
  await Promise.all(texts.map((text) => me.publishClaim({ text })));
  return { groupId: group.groupId, height: group.head.height };
}

const askedOf = async (data: string, groupId: string) => {
  await using node = await BatteryNode.open({ data, embedder: { kind: 'none' } });
  return await node.views.compileContext(groupId, QUESTION, { waitMs: 60_000 });
};

test('kill -9 while indexing leaves views that go on, and end up the same', {
  timeout: 120_000,
}, async () => {
  const data = join(base, 'indexing');
  const { groupId, height } = await filled(data, CLAIMS);
  const expected = await askedOf(data, groupId);
  const views = join(data, 'views');
  let interrupted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const suffix of ['', '-wal', '-shm']) rmSync(filePath(views, groupId) + suffix, { force: true });
    const node = await startNode(data, { LB_EMBEDDER: 'none', LB_LOG_LEVEL: 'silent' });
    const enough = (height * round) / ROUNDS;
    const reached = (): number => peekViews(views, groupId)?.height ?? -1;
    while (reached() < enough) await delay(1);
    process.kill(node.pid, 'SIGKILL');
    await once(node.child, 'exit');
    const left = reached();
    if (left < height) interrupted++;
    // What the file says of itself is never more than the log, and what is answered is of all of it.
    expect(left).toBeLessThanOrEqual(height);
    expect(await askedOf(data, groupId)).toEqual(expected);
  }
  expect(interrupted).toBeGreaterThan(0);
});

const isLinux = existsSync('/proc/self/cmdline');
/** The processes that are at a query for `parent`. */
function queriesOf(parent: number): string[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]) === parent)
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes('sql-process'));
}

describe.runIf(isLinux)('a query that does not end', () => {
  const endless = 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n';
  const isThere = (pid: string): boolean =>
    existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

  test('goes when its caller does, and when the node is killed', { timeout: 60_000 }, async () => {
    const data = join(base, 'query');
    await filled(data, 1);
    const node = await startNode(data, { LB_EMBEDDER: 'none', LB_LOG_LEVEL: 'silent' });
    const caller = new AbortController();
    const ask = (signal?: AbortSignal) =>
      runVerb(['sql', endless, '--timeout', '1h'], data, { isForwarding: true, ...(signal && { signal }) });
    const started = async (): Promise<string> => {
      await expect.poll(() => queriesOf(node.pid), { timeout: 10_000 }).toHaveLength(1);
      return queriesOf(node.pid)[0]!;
    };
    try {
      const first = ask(caller.signal);
      const firstPid = await started();
      caller.abort();
      expect((await first).code).not.toBe(0);
      await expect.poll(() => isThere(firstPid), { timeout: 10_000 }).toBe(false);

      const second = ask();
      const secondPid = await started();
      process.kill(node.pid, 'SIGKILL');
      await once(node.child, 'exit');
      expect((await second).code).not.toBe(0);
      await expect.poll(() => isThere(secondPid), { timeout: 10_000 }).toBe(false);
    } finally {
      await stopNode(node);
    }
  });
});
