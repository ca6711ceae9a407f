/** What a shell puts a data directory through: a path that is too long, a disk that cannot be written, many at once. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { findSocket } from '../../interfaces/socket/place.ts';
import { runVerb, startNode, stopNode } from '../support/owner.ts';
import { lb } from './bin-lb.ts';

vi.setConfig({ testTimeout: 400_000 });
const base = mkdtempSync(join(tmpdir(), 'lb-shell-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const here = (data: string, ...args: string[]) => runVerb(args, data, { isForwarding: false });

async function nodeWithGroup(data: string): Promise<void> {
  expect((await here(data, 'init')).code).toBe(0);
  expect((await here(data, 'create-group', '--name', 'g')).code).toBe(0);
}

test('a data directory with a long path has its socket elsewhere, and clears it away', async () => {
  const data = join(base, 'a'.repeat(60), 'b'.repeat(60), 'node');
  await nodeWithGroup(data);
  const node = await startNode(data);
  const socket = findSocket(data)!;
  try {
    expect(Buffer.byteLength(socket)).toBeLessThan(104);
    expect(existsSync(socket)).toBe(true);
    const served = await runVerb(['balance', '--json'], data, { isForwarding: true, isServedOnly: true });
    expect(served.code, served.stderr).toBe(0);
  } finally {
    await stopNode(node);
  }
  expect(existsSync(socket)).toBe(false);
  expect(readdirSync(data).filter((name) => name.startsWith('node.sock'))).toEqual([]);
});

/** Only root may mount, and not everywhere. */
const canMount = ((): boolean => {
  const place = join(base, 'mounted');
  mkdirSync(place);
  if (spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', place]).status !== 0) return false;
  execFileSync('umount', [place]);
  return true;
})();

test.runIf(canMount)(
  'on a read-only file system what reads works, what writes says why, and nothing is left',
  async () => {
    const place = join(base, 'mounted');
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', place]);
    try {
      const data = join(place, 'node');
      await nodeWithGroup(data);
      expect((await here(data, 'publish-claim', '--text', 'written before')).code).toBe(0);
      execFileSync('mount', ['-o', 'remount,ro', place]);
      const before = readdirSync(tmpdir()).filter((name) => name.startsWith('lb-read-'));
      for (const args of [
        ['balance'],
        ['recent-claims'],
        ['log'],
        ['audit'],
        ['list-groups'],
        ['list-tasks'],
        ['compile-context', 'written'],
      ]) {
        const { code, stderr } = await here(data, ...args);
        expect(code, `${args.join(' ')}: ${stderr}`).toBe(0);
      }
      const written = await here(data, 'publish-claim', '--text', 'now');
      expect(written.code).toBe(7);
      expect(written.stderr).toContain('read-only');
      expect(readdirSync(tmpdir()).filter((name) => name.startsWith('lb-read-'))).toEqual(before);
    } finally {
      execFileSync('umount', [place]);
    }
  },
);

test('sixteen verbs at once are all done, one after the other', async () => {
  const data = join(base, 'many');
  await nodeWithGroup(data);
  const all = await Promise.all(
    Array.from({ length: 16 }, (_, n) =>
      lb(['publish-claim', '--text', `claim ${n}`], { env: { LB_DATA: data } }),
    ),
  );
  expect(all.map(({ code, stderr }) => (code === 0 ? '' : stderr)).filter(Boolean)).toEqual([]);
  const { stdout } = await here(data, 'recent-claims', '--limit', '50', '--json');
  expect((JSON.parse(stdout) as { data: { claims: unknown[] } }).data.claims).toHaveLength(16);
});

test('setup writes through no link of a project unasked', async () => {
  const [project, elsewhere] = [join(base, 'project'), join(base, 'elsewhere.json')];
  mkdirSync(project);
  writeFileSync(elsewhere, '{}\n');
  symlinkSync(elsewhere, join(project, '.mcp.json'));
  const setup = (...more: string[]) =>
    here(join(base, 'many'), 'setup', 'claude-code', '--project', project, '--yes', ...more);
  const refused = await setup();
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(elsewhere);
  expect(readFileSync(elsewhere, 'utf8')).toBe('{}\n');
  expect((await setup('--follow-link')).code).toBe(0);
  expect(readFileSync(elsewhere, 'utf8')).toContain('mcp');
});
