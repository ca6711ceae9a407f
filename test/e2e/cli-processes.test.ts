/** Verbs beside one another, killed, interrupted, and read by programs that go away. */
import type { ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layoutOf } from '../../storage/directory.ts';
import { acquireLock } from '../../storage/lock.ts';
import { closePeers, joinGroup, peer } from '../support/network.ts';
import { until } from '../support/until.ts';
import { lb, shell } from './bin-lb.ts';

const HOUR_MS = 3_600_000;

const base = mkdtempSync(join(tmpdir(), 'lb-processes-'));
const data = join(base, 'node');
const env = { LB_DATA: data };
afterAll(() => rmSync(base, { recursive: true, force: true }));
afterAll(() => closePeers());

async function publish(text: string, onStart?: Parameters<typeof lb>[1]) {
  return lb(['publish-claim', '--text', text, '--json'], { env, ...onStart });
}

/** How many claims the node has. */
async function claimTexts(): Promise<string[]> {
  const { stdout } = await lb(['recent-claims', '--limit', '1000', '--json'], { env });
  const { data: found } = JSON.parse(stdout) as { data: { claims: { text: string }[] } };
  return found.claims.map(({ text }) => text);
}

/** The process that owns the directory, as soon as there is one. */
async function owner(): Promise<number> {
  for (;;) {
    try {
      return (JSON.parse(readFileSync(join(data, 'owner.json'), 'utf8')) as { pid: number }).pid;
    } catch {
      await delay(1);
    }
  }
}

/** Waits until a process has a file of the directory open: the lock that it asks for. */
async function asksForLock(pid: number): Promise<void> {
  const opened = (fd: string): boolean => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(data);
    } catch {
      return false; // closed since it was listed
    }
  };
  while (!readdirSync(`/proc/${pid}/fd`).some(opened)) await delay(1);
}

beforeAll(async () => {
  await lb(['init'], { env });
  await lb(['create-group', '--name', 'g'], { env });
});

describe('processes', () => {
  test('verbs at once wait for one another, and all are done', async () => {
    const results = await Promise.all([1, 2, 3, 4].map((number) => publish(`at once ${number}`)));
    expect(results.map(({ code, stderr }) => `${code}${stderr}`)).toEqual(['0', '0', '0', '0']);
    expect((await claimTexts()).sort()).toEqual(['at once 1', 'at once 2', 'at once 3', 'at once 4']);
  });

  test('after kill -9 the next verb works, and nothing acknowledged is lost', async () => {
    for (const text of ['killed 1', 'killed 2']) {
      const running = publish(text);
      process.kill(await owner(), 'SIGKILL');
      const { stdout } = await running;
      const present = await claimTexts();
      if (stdout !== '') expect(present).toContain(text);
    }
    const { stdout, code } = await lb(['audit', '--json'], { env });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ data: { status: 'sound' } });
  });

  test('a directory that stays owned is one line that names the process, and Ctrl-C ends the wait', async () => {
    const lock = await acquireLock(data, { waitMs: 0 });
    // An owner that came just now is waited for longer.
    writeFileSync(layoutOf(data).owner, JSON.stringify({ pid: process.pid, sinceMs: Date.now() - HOUR_MS }));
    try {
      // A signal before its first line would end any program with 130 too.
      const onStart = (child: ChildProcess): void =>
        void asksForLock(child.pid!).then(() => child.kill('SIGINT'));
      const [json, plain, stopped] = await Promise.all([
        lb(['info', '--json'], { env }),
        lb(['info'], { env }),
        lb(['info'], { env, onStart }),
      ]);
      expect(stopped).toEqual({ code: 130, stdout: '', stderr: '' });
      expect(json.code).toBe(7);
      expect(JSON.parse(json.stderr)).toMatchObject({ code: 'owned', pid: process.pid });
      expect(plain.stderr).toContain(`process ${process.pid}`);
      expect(plain.stderr.trimEnd()).not.toContain('\n');
    } finally {
      lock.release();
    }
  }, 30_000);

  test('a reader that goes away is no failure', async () => {
    const { code, stdout, stderr } = await shell('"$LB" log --limit 1000 | head -n 1', { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^place\t/);
    const closed = await shell('"$LB" --help | true; "$LB" log | true', { env });
    expect(closed).toMatchObject({ code: 0, stderr: '' });
  });

  test('a failing verb changes nothing on disk that was not there', async () => {
    const elsewhere = join(base, 'elsewhere');
    expect((await lb(['info', '--data', elsewhere])).code).toBe(3);
    expect(existsSync(elsewhere)).toBe(false);
  });

  test('a sealer that is elsewhere cannot be reached: 6', async () => {
    const [sealer, member] = [await peer(), await peer()];
    const { groupId } = await sealer.node.createGroup({ name: 'g' });
    const joined = await joinGroup(sealer, member, groupId);
    await until('it is a member', () => joined.now.roleOf(member.key) === 'member');
    const elsewhere = { LB_DATA: member.data };
    await closePeers({ isKeepingData: true });
    const { code, stderr } = await lb(['publish-claim', 'written alone', '--json'], { env: elsewhere });
    expect({ code, error: JSON.parse(stderr).code }).toEqual({ code: 6, error: 'pending' });
  });
});
